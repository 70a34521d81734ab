"""Two texts beside each other with what they share marked: paragraphs of pieces, for the page, the report and the API."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from crawler import matcher
from crawler.core import anchors, text
from crawler.core.report import brief
from crawler.core.text import Body
from crawler.core.types import Article, Match

Mark = Literal["shared", "own", "site", "plain"]
_ANCHORS = 40   # numbers and names that are shown
_CLOSING = ".,;:!?…)]}»”’\"'。、，．！？；：）」』،؛؟۔।"


@dataclass(frozen=True, slots=True)
class _Span:
    """A stretch of a text, half open; `number` is that of the shared passage."""

    start: int
    end: int
    mark: Mark
    number: int | None = None


def beside(
    left: matcher.Reading, right: matcher.Reading, rules: matcher.Rules, known: Match | None = None,
) -> dict[str, Any]:
    """The original (left) and the copy: `{"left", "right", "passages", "words"}`. Each side is the article in a line and
    `paragraphs`, lists of `{"mark", "text", "passage"}`: "shared" stands in both and has the passage's number (from 1, in
    the order of the left text); "own" only on this side; "site" is what its source repeats around its articles; "plain"
    is white space and punctuation between them. Of a translation, whose match is `known`, passages are pairs of sentences,
    and `translation` says how they agree (see `translated`); it is null where words were compared."""
    found = known if known is not None and known.translation is not None else matcher.pair(left, right, rules)
    swapped = found is not None and found.a != left.article.id
    spans = [((one.b_start, one.b_end), (one.a_start, one.a_end)) if swapped else
             ((one.a_start, one.a_end), (one.b_start, one.b_end)) for one in found.passages] if found else []
    spans.sort()
    return {
        "left": _side(left, [one for one, _ in spans]), "right": _side(right, [other for _, other in spans]),
        "passages": len(spans), "words": sum(one.words for one in found.passages) if found else 0,
        "translation": translated(found, left.article, right.article) if found else None,
    }


def translated(found: Match, left: Article, right: Article) -> dict[str, Any] | None:
    """How two articles of two languages agree; None of a match by words. `coverage` are the shares of both texts that stand
    in pairs of sentences, `order` that of the best pairs which stand in one order in both, each 0..1; `pairs` in the order
    of the left text; `anchors` numbers and names that both have, as each writes them."""
    if found.translation is None:
        return None
    is_turned = found.a != left.id
    rows = sorted(((one.b_start, one.b_end, one.a_start, one.a_end) if is_turned else
                   (one.a_start, one.a_end, one.b_start, one.b_end), score)
                  for one, score in zip(found.passages, found.translation.scores, strict=False))
    shares = (found.a_in_b, found.b_in_a)
    return {
        "probability": found.translation.probability, "order": found.translation.order, "encoder": found.translation.encoder,
        "coverage": [round(share, 4) for share in (reversed(shares) if is_turned else shares)],
        "pairs": [{"left": left.text[span[0]:span[1]], "right": right.text[span[2]:span[3]], "score": score} for span, score in rows],
        "anchors": [list(each) for each in anchors.shared(left.text, right.text)[:_ANCHORS]],
    }


def _side(reading: matcher.Reading, shared: Sequence[tuple[int, int]]) -> dict[str, Any]:
    article = reading.article
    spans = [_Span(start, end, "shared", number) for number, (start, end) in enumerate(shared, 1)]
    spans += _site(reading.body())
    whole = list(_filled(article.text, _apart(spans)))
    return {**brief(article), "paragraphs": list(_paragraphs(article.text, whole))}


def _site(body: Body) -> Iterator[_Span]:
    """Runs of the source's own phrases."""
    for _, run in itertools.groupby(enumerate(sorted(body.site)), lambda each: each[1] - each[0]):
        places = [at for _, at in run]
        yield _Span(body.words[places[0]].start, body.words[places[-1]].end, "site")


def _apart(spans: Sequence[_Span]) -> list[_Span]:
    """In order, without overlap. A shared passage may run over what the site has put in between: that is cut out of it."""
    site = sorted((one for one in spans if one.mark == "site"), key=lambda one: one.start)
    kept, end = [], 0
    for one in sorted((one for one in spans if one.mark == "shared"), key=lambda one: (one.start, -one.end)):
        start = max(one.start, end)
        end = max(end, one.end)
        for cut in [each for each in site if each.start < one.end and each.end > start]:
            if start < cut.start:
                kept.append(_Span(start, cut.start, one.mark, one.number))
            start = max(start, cut.end)
        if start < one.end:
            kept.append(_Span(start, one.end, one.mark, one.number))
    return sorted([*kept, *site], key=lambda one: one.start)


def _filled(whole: str, spans: Sequence[_Span]) -> Iterator[_Span]:
    """The spans with what lies between them."""
    at, before = 0, _Span(0, 0, "plain")
    for one in (*spans, _Span(len(whole), len(whole), "plain")):
        for part in (_Span(at, one.start, "own"), one):
            if part.end <= part.start:
                continue
            if text.words(whole[part.start:part.end]):
                before = part
                yield part
            else:
                yield from _wordless(whole, part, before)
        at = one.end


def _wordless(whole: str, part: _Span, before: _Span) -> Iterator[_Span]:
    """White space and punctuation between two spans: a full stop goes with the words that it ends."""
    stretch = whole[part.start:part.end]
    closing = part.start + len(stretch) - len(stretch.lstrip(_CLOSING))
    if closing > part.start:
        yield replace(before, start=part.start, end=closing)
    if part.end > closing:
        yield _Span(closing, part.end, "plain")


def _paragraphs(whole: str, spans: Sequence[_Span]) -> Iterator[list[dict[str, Any]]]:
    for start, end in text.paragraphs(whole):
        yield [_piece(whole, one, start, end) for one in spans if one.start < end and one.end > start]


def _piece(whole: str, one: _Span, start: int, end: int) -> dict[str, Any]:
    return {"mark": one.mark, "text": whole[max(one.start, start):min(one.end, end)], "passage": one.number}
