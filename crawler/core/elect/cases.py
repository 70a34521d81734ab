"""The cases that one member has against another, each a weight in log-odds."""

from collections.abc import Callable
from datetime import timedelta

from crawler.core.elect.candidates import TOLERANCE, Candidate, name_of
from crawler.core.types import UNOBSERVED, Article, AttributionKind

WEIGHTS = {
    "declared-copy": 3.0,        # says that it copies, without saying whom
    "declared-copy-of": 6.0,     # says so and names or links the other
    "canonical-elsewhere": 4.0,  # 26 of 34 real cases were true syndication
    "based-on": 3.5,
    "names-source": 3.0,
    "agency-credit": 3.0,
    "dateline": 2.5,
    "elsewhere": 1.4,            # attributes itself to a third party, the other does not: may be a source of data, so
                                 # that it does not decide alone against the one that was seen first
    "appeared-earlier": 3.0,
    "claimed-earlier": 1.8,
    "carries-name": 1.2,
    "seen-earlier": 0.4,
}
AGENCY_KINDS = (AttributionKind.AGENCY_CREDIT, AttributionKind.DATELINE)
_SEEN_APART = timedelta(seconds=1)
_NAME_LENGTH = 4       # a shorter source name is too common a word


def log_odds(x: Candidate, y: Candidate) -> float:
    """Log-odds that x came before y; antisymmetric."""
    return sum(weigh(x, y) - weigh(y, x) for weigh in _CASES)


def _attributed(x: Candidate, y: Candidate) -> float:
    """y says that it comes from x."""
    naming = y.points.get(x.article.id, ())
    if not naming:
        return 0.0
    if y.declares:
        return WEIGHTS["declared-copy-of"]
    return max(WEIGHTS[one.kind.value] for one in naming)


def _declared(x: Candidate, y: Candidate) -> float:
    """y says that it is a copy, or comes from a third party, and x is not who it names."""
    if x.article.id in y.points:
        return 0.0
    if y.declares:
        return WEIGHTS["declared-copy"]
    # Who credits an agency says only what is true of every member that carries the text; a silent copier gains nothing.
    says = [*y.abroad, *(one for each in y.points.values() for one in each)]
    return WEIGHTS["elsewhere"] if any(one.kind not in AGENCY_KINDS for one in says) else 0.0


def _appeared(x: Candidate, y: Candidate) -> float:
    """x was seen before the last poll of y's feed that did not have y."""
    return WEIGHTS["appeared-earlier"] if appeared_earlier(x.article, y.article) else 0.0


def appeared_earlier(x: Article, y: Article) -> bool:
    """Whether the observed windows prove that x appeared first."""
    return y.window is not None and y.window.without is not None and x.first_seen <= y.window.without


def claimed(x: Candidate, y: Candidate) -> float:
    """What x credibly claims ends before what y claims, or could have been, begins."""
    if x.span is None:
        return 0.0
    begins = y.span[0] if y.span else (y.article.window.without if y.article.window else None)
    if begins is None or x.span[1] + TOLERANCE > begins:
        return 0.0
    return WEIGHTS["claimed-earlier"]


def carries(x: Candidate, y: Candidate) -> float:
    """y's text carries the name of x's source, and x's does not carry y's."""
    forms = name_of(x.article.source)
    name = " ".join(forms)
    if len(name) < _NAME_LENGTH or f" {name} " not in y.said:
        return 0.0
    # One word must stand as the source writes it: "three times" is not the Times.
    written = x.article.source.split()[-1] if len(forms) == 1 else ""
    return WEIGHTS["carries-name"] if written in y.article.text else 0.0


def _seen(x: Candidate, y: Candidate) -> float:
    """x was seen first."""
    if UNOBSERVED in (x.article.first_seen, y.article.first_seen):
        return 0.0
    return WEIGHTS["seen-earlier"] if y.article.first_seen - x.article.first_seen >= _SEEN_APART else 0.0


_CASES: tuple[Callable[[Candidate, Candidate], float], ...] = (
    _attributed, _declared, _appeared, claimed, carries, _seen)
