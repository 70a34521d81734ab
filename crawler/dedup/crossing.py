"""Documents across languages: who is compared with whom, and what comes of it. As the daemon does, over all at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from crawler import translations
from crawler.core.align import Calibration
from crawler.core.outdone import without_outdone
from crawler.core.types import UNOBSERVED, Link, Match, Refusal
from crawler.dedup.candidates import moment_of
from crawler.matcher import Reading
from crawler.ports.encoding import Across, Encoding
from crawler.translations import Text

_BATCH = 16        # articles that are encoded together
_PARTNERS = 20     # copies of a translation's other side that are asked about as well


def crossed(step: Any, readings: Sequence[Reading], matches: Sequence[Match], across: Across) -> list[Match]:
    """The matches of these articles across languages, in order of their ids; `matches` are those within languages."""
    spoken = {one.article.id: one.article.language or "" for one in readings}
    asked = [one for one in readings if across.encoding.covers(spoken[one.article.id])]
    if len({spoken[one.article.id] for one in asked}) < 2:
        return []
    texts = {text.reading.article.id: text for text in _texts(step, asked, across.encoding)}
    pairs = _candidates(texts, across.window)
    found = _compared(step, texts, sorted(pairs), across.encoding.calibration)
    more = {pair for pair in _partners(found, matches) if _may(texts, pair)} - pairs
    every = sorted([*found, *_compared(step, texts, sorted(more), across.encoding.calibration)], key=lambda one: (one.a, one.b))
    return without_outdone(every, spoken)


def _texts(step: Any, readings: Sequence[Reading], encoding: Encoding) -> Iterator[Text]:
    """Those that have a sentence, with their vectors."""
    batches = list(_batched(readings, _BATCH))
    for batch, vectors in zip(batches, step(partial(encoding.encode, encoding.name), batches), strict=True):
        yield from (Text(one, each) for one, each in zip(batch, vectors, strict=True) if each.spans)


def _batched(readings: Sequence[Reading], size: int) -> Iterator[list[Reading]]:
    return (list(readings[at:at + size]) for at in range(0, len(readings), size))


def _candidates(texts: Mapping[str, Text], window: timedelta) -> set[tuple[str, str]]:
    ids = sorted(texts)
    if not ids:
        return set()
    moments = [moment_of(texts[id_].reading.article) for id_ in ids]
    known = translations.places([texts[id_].vectors for id_ in ids],
                                [at.timestamp() if at != UNOBSERVED else float("nan") for at in moments])
    return {(min(ids[row], ids[other]), max(ids[row], ids[other]))
            for row, others in enumerate(translations.nearest(known, known, window.total_seconds())) for _, other in others}


def _compared(step: Any, texts: Mapping[str, Text], pairs: Iterable[tuple[str, str]], calibration: Calibration) -> list[Match]:
    asked = ((texts[a], texts[b]) for a, b in pairs)
    return [one for one in step(partial(_compare, calibration), asked) if one is not None]


def _compare(calibration: Calibration, pair: tuple[Text, Text]) -> Match | None:
    return translations.compare(*pair, calibration)


def _partners(found: Sequence[Match], matches: Sequence[Match]) -> set[tuple[str, str]]:
    """Each side of a translation with the copies of the other side: which of them it was taken from is not known yet."""
    near: dict[str, set[str]] = {}
    for each in matches:
        if each.copied:
            near.setdefault(each.a, set()).add(each.b)
            near.setdefault(each.b, set()).add(each.a)
    return {(min(one, partner), max(one, partner)) for each in found if each.refused is not Refusal.DOUBTFUL
            for one, other in ((each.a, each.b), (each.b, each.a)) for partner in sorted(near.get(other, ()))[:_PARTNERS]}


def _may(texts: Mapping[str, Text], pair: tuple[str, str]) -> bool:
    return all(id_ in texts for id_ in pair) and len({texts[id_].vectors.language for id_ in pair}) > 1


def doubtful(matches: Iterable[Match]) -> Iterator[Link]:
    """What a person is asked about."""
    return (translations.doubtful(one, one.a) for one in matches if one.refused is Refusal.DOUBTFUL)
