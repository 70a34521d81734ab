"""The cases that one member has against another, each a weight in log-odds."""

import math
from collections.abc import Callable
from datetime import timedelta

from crawler.core.elect import residue
from crawler.core.elect.candidates import TOLERANCE, Candidate, observed_absent
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
    "claimed-earlier": 1.8,      # within what was observed …
    "claimed-unobserved": 1.2,   # … or where nothing was observed that could refute it
    "carries-credit": 3.0,
    "carries-name": 1.8,
    "carries-word": 0.6,         # a name that is a word as well
    "probably-earlier": 2.2,     # at most: the log-odds of the two windows …
    "probably-inferred": 1.4,    # … or of windows that nobody observed as such
    "seen-earlier": 0.4,
}
AGENCY_KINDS = (AttributionKind.AGENCY_CREDIT, AttributionKind.DATELINE)
_SEEN_APART = timedelta(seconds=1)


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
    absent = observed_absent(y)
    return absent is not None and x.first_seen != UNOBSERVED and x.first_seen <= absent


def claimed(x: Candidate, y: Candidate) -> float:
    """What x credibly claims comes before what y claims, or could have been, begins; or x was seen before what y claims.
    Where no poll could refute it, it counts for less, and for nothing against one that x itself names."""
    begins = y.span[0] if y.span else observed_absent(y.article)
    if begins is None:
        return 0.0
    stated = x.span is not None and x.span[1] + TOLERANCE <= begins
    seen = y.span is not None and x.article.first_seen != UNOBSERVED and x.article.first_seen + TOLERANCE <= begins
    if not stated and not seen:
        return 0.0
    if stated and observed_absent(x.article):
        return WEIGHTS["claimed-earlier"]
    named = carries(y, x)
    return 0.0 if named is not None and named.sure else WEIGHTS["claimed-unobserved"]


def carries(x: Candidate, y: Candidate) -> residue.Mention | None:
    """Where y's text carries the name of x's source."""
    if not x.names or x.names & y.names:
        return None
    return residue.mention(x.names, y.article.text)


def _carries(x: Candidate, y: Candidate) -> float:
    found = carries(x, y)
    if found is None:
        return 0.0
    return WEIGHTS["carries-credit" if found.credit else "carries-name" if found.sure else "carries-word"]


def _seen(x: Candidate, y: Candidate) -> float:
    """x was probably there first, by windows that overlap; or was seen first, where there are none."""
    if UNOBSERVED in (x.article.first_seen, y.article.first_seen) or appeared_earlier(x.article, y.article):
        return 0.0
    share = sooner(x.article, y.article)
    if share is not None:
        share = min(max(share, 0.5), 0.999)
        return min(math.log(share / (1 - share)), WEIGHTS[_by_what(x.article, y.article)])
    return WEIGHTS["seen-earlier"] if seen_earlier(x.article, y.article) else 0.0


def seen_earlier(x: Article, y: Article) -> bool:
    """Whether this crawler came upon x first."""
    return UNOBSERVED not in (x.first_seen, y.first_seen) and y.first_seen - x.first_seen >= _SEEN_APART


def _by_what(*articles: Article) -> str:
    return "probably-inferred" if any(one.window and one.window.inferred for one in articles) else "probably-earlier"


def sooner(x: Article, y: Article) -> float | None:
    """The probability that x appeared before y, where each may have appeared at any moment of its window alike. A window
    of x without a beginning makes it at least the one returned; None where that of y has none, or a window is empty."""
    if x.window is None or y.window is None or y.window.without is None:
        return None
    end = x.window.seen.timestamp()
    begin = x.window.without.timestamp() if x.window.without else end - 1
    first, last = y.window.without.timestamp(), y.window.seen.timestamp()
    if end <= begin or last <= first:
        return None

    def area(at: float) -> float:
        """Of the moments of x that lie before those of y, summed over those of y up to `at`."""
        inside = min(max(at, begin), end) - begin
        return inside * inside / 2 + max(0.0, at - end) * (end - begin)

    return (area(last) - area(first)) / ((end - begin) * (last - first))


_CASES: tuple[Callable[[Candidate, Candidate], float], ...] = (
    _attributed, _declared, _appeared, claimed, _carries, _seen)
