"""Documents across languages: who is compared with whom, and what comes of it. As the daemon does, over all at once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
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
from crawler.translations import SECOND, Text
from crawler.vector_index import Names

_BATCH = 16        # articles that are encoded together
_PARTNERS = 20     # copies of a translation's other side that are asked about as well


@dataclass(frozen=True, slots=True)
class Crossed:
    """The matches across languages, in order of their ids, and what is only proposed to a person."""

    matches: Sequence[Match]
    links: Sequence[Link]


def crossed(step: Any, readings: Sequence[Reading], matches: Sequence[Match], across: Across) -> Crossed:
    """What these articles have in other languages; `matches` are those within languages."""
    spoken = {one.article.id: one.article.language or "" for one in readings}
    if len({*spoken.values()} - {""}) < 2:
        return Crossed((), ())
    found = _covered(step, [one for one in readings if across.encoding.covers(spoken[one.article.id])], matches, across)
    by_name, links = _uncovered(step, [one for one in readings if spoken[one.article.id]], across)
    every = sorted([*found, *by_name], key=lambda one: (one.a, one.b))
    return Crossed(without_outdone(every, spoken), [*links, *(
        translations.doubtful(one, one.a) for one in every if one.refused is Refusal.DOUBTFUL)])


def _covered(step: Any, readings: Sequence[Reading], matches: Sequence[Match], across: Across) -> list[Match]:
    if len({one.article.language for one in readings}) < 2:
        return []
    texts = {text.reading.article.id: text for text in _texts(step, readings, across.encoding)}
    pairs = _candidates(texts, across.window)
    found = _compared(step, texts, sorted(pairs), across.encoding.calibration)
    more = {pair for pair in _partners(found, matches) if _may(texts, pair)} - pairs
    return found + _compared(step, texts, sorted(more), across.encoding.calibration)


def _uncovered(step: Any, readings: Sequence[Reading], across: Across) -> tuple[list[Match], list[Link]]:
    """Articles of languages that the encoder does not cover: by the numbers and names that they share with others, then by
    the second encoder, or for a person to say."""
    by_id = {one.article.id: one for one in readings}
    asked = [id_ for id_, one in by_id.items() if not across.encoding.covers(one.article.language or "")]
    if not asked:
        return [], []
    places = dict(zip(by_id, step(translations.named, [one.article for one in readings]), strict=True))
    names = Names(across.encoding.covers)
    for place in places.values():
        names.put(place)
    near = {id_: names.nearest(places[id_], across.window.total_seconds(), SECOND) for id_ in asked}
    second = across.second
    links = [link for id_, found in near.items() if second is None or not second.covers(by_id[id_].article.language or "")
             for link in translations.proposed(by_id[id_].article, found, [by_id[other].article for _, other in found])]
    if second is None:
        return [], links
    pairs = sorted({(min(id_, other), max(id_, other)) for id_, found in near.items() for _, other in found
                    if second.covers(by_id[id_].article.language or "")})
    wanted = sorted({id_ for pair in pairs for id_ in pair})
    texts = {text.reading.article.id: text for text in _texts(step, [by_id[id_] for id_ in wanted], second)}
    return _compared(step, texts, [pair for pair in pairs if _may(texts, pair)], second.calibration), links


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

