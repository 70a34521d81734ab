"""The IO of `translations`, where `match.translations` is on: an article among those of other languages, who lies near it,
and which of them it is a translation of, or they of it.

    covered by the encoder   vectors into the store -> who lies near, what it names, copies of what is found -> compare
    not covered              numbers and names into the store -> who shares them -> compare by the second encoder; where
                             there is none, or it does not cover them either, a person is asked about the best one

As long as all that is near in time is of one language nothing is encoded. The first article of another one has what was seen
within the window encoded after all; likewise with numbers and names and the first article that is not covered.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime

from crawler import translations, vector_index
from crawler.core.extract import language
from crawler.core.outdone import without_outdone
from crawler.core.segments import segments
from crawler.core.types import NAMES, Match, Refusal
from crawler.core.vectors import Place, Vectors, packed
from crawler.errors import WorkerError
from crawler.log import event
from crawler.matcher import Reading
from crawler.pages import named_pages
from crawler.ports import Judgement, Pool, Store
from crawler.ports.encoding import Across, Encoding, FoundAcross
from crawler.translations import Text
from crawler.vector_index import Means, Names, VectorIndex

_SECONDS = 60.0    # CPU of a worker for one article: loading a model takes two, a slow encoder some seconds an article
_NAMED = 5         # pages that an article names which it is compared with
_PARTNERS = 20     # copies of what is found that it is compared with as well

_log = logging.getLogger(__name__)

Readings = Callable[[Sequence[str]], Awaitable[Sequence[Reading]]]


@dataclass(slots=True)
class CrossLingual:
    """The look at other languages, of one process."""

    store: Store
    pool: Pool
    across: Across
    _near: VectorIndex = field(init=False)
    _by_name: VectorIndex = field(init=False)
    _mixed: bool = False     # more than one language has been met
    _named: bool = False     # … and one that the encoder does not cover

    def __post_init__(self) -> None:
        self._near = VectorIndex(self.store, self.across.encoding.name, Means)
        self._by_name = VectorIndex(self.store, NAMES, lambda: Names(self.across.encoding.covers))

    async def look(self, judgement: Judgement, reading: Reading, within: Sequence[Match], readings: Readings) -> FoundAcross:
        """Look for an article's translations. `within` are its matches in its own language; `readings` gives articles as they
        were judged. Where a worker fails nothing is found."""
        try:
            spoken = await self.pool.run(language.of, reading.article.text, reading.article.language, timeout=_SECONDS)
            since = reading.article.first_seen - 2 * self.across.window
            if not spoken or not (self._mixed or await self.store.other_languages(spoken, since)):
                return FoundAcross()
            found = await self._encoded(judgement, reading, within, readings) if self.across.encoding.covers(spoken) else FoundAcross()
            if not self.across.encoding.covers(spoken) or await self._has_names():
                await self._add_named(found, judgement, replace(reading, article=replace(reading.article, language=spoken)), readings)
            if not self._mixed:
                marked = await self.store.mark_unencoded(self.across.encoding.name, since)
                self._mixed = True    # not before: what fails meanwhile leaves it to the next article
                event(_log, "languages-mixed", language=spoken, marked=marked)
            found.links += [translations.doubtful(one, reading.article.id) for one in found.matches if one.refused is Refusal.DOUBTFUL]
            return found
        except WorkerError as error:
            event(_log, "translations-failed", logging.WARNING, url=reading.article.url, reason=error.reason, detail=error)
            return FoundAcross()

    # --- covered --------------------------------------------------------------------------------------------------

    async def _encoded(
        self, judgement: Judgement, reading: Reading, within: Sequence[Match], readings: Readings,
    ) -> FoundAcross:
        text = await self._text(self.across.encoding, reading, judgement.token)
        if text is None:
            return FoundAcross()
        found, met = await self._compared(text, await self._asked(text, within), readings)
        return FoundAcross(found, [], met)

    async def find(self, reading: Reading, within: Sequence[Match], readings: Readings, until: datetime) -> list[Match]:
        """The matches of an article that need not be stored, among all that was seen up to a time; nothing is stored. Those
        that another match explains are left out. Raises WorkerError."""
        spoken = await self.pool.run(language.of, reading.article.text, reading.article.language, timeout=_SECONDS)
        if not await self.store.last_place() or not self.across.encoding.covers(spoken or ""):
            return []
        vectors = await self.pool.run(encoded, self.across.encoding, reading, None, timeout=_SECONDS)
        if not vectors.spans:
            return []
        text = Text(reading, vectors)
        near = await vector_index.anywhen(self.store, _place(text), vectors.encoder, until, translations.CANDIDATES)
        asked = sorted({*near, *await self._theirs(reading.article.id, within)} - {reading.article.id})
        found, met = await self._compared(text, asked, readings)
        others = await self.store.vectors(met, vectors.encoder)
        return without_outdone(found, {reading.article.id: vectors.language, **{id_: one.language for id_, one in others.items()}})

    async def _compared(self, text: Text, asked: Sequence[str], readings: Readings) -> tuple[list[Match], list[str]]:
        """The matches with these and with the copies of what is found, and whom that was."""
        found = await self._matches(self.across.encoding, text, await readings(asked))
        more = await self._partners(found, {*asked, text.reading.article.id})
        return found + await self._matches(self.across.encoding, text, await readings(more)), [*asked, *more]

    async def _text(self, encoding: Encoding, reading: Reading, token: int | None = None) -> Text | None:
        """The article with its vectors, which are stored before anybody near is asked for; None where it has no sentence."""
        known = (await self.store.vectors([reading.article.id], encoding.name)).get(reading.article.id)
        vectors = await self.pool.run(encoded, encoding, reading, known, timeout=_SECONDS)
        if not vectors.spans:
            return None
        await self.store.put_vectors(vectors, _mean(vectors), reading.article.first_seen, token=token)
        return Text(reading, vectors)

    async def _asked(self, text: Text, within: Sequence[Match]) -> list[str]:
        """Whom an article is compared with: who lies near, the pages that it names, those that it was matched with before,
        and what its own copies were matched with."""
        article = text.reading.article
        near = await self._near.nearest(_place(text), self.across.window, translations.CANDIDATES)
        named = [await self.store.article_at(url) for url in list(named_pages(article))[:_NAMED]]
        before = await self.store.matched(article.id)
        theirs = await self._theirs(article.id, within)
        return sorted({*(id_ for _, id_ in near), *(id_ for id_ in named if id_), *before, *theirs} - {article.id})

    async def _theirs(self, article: str, within: Sequence[Match]) -> list[str]:
        """What an article's own copies were matched with."""
        copies = sorted({id_ for one in within if one.copied for id_ in (one.a, one.b)} - {article})[:_PARTNERS]
        return (await self._copies(copies))[:_PARTNERS]

    async def _matches(self, encoding: Encoding, text: Text, readings: Sequence[Reading]) -> list[Match]:
        vectors = await self.store.vectors([one.article.id for one in readings], encoding.name)
        others = [Text(one, vectors[one.article.id]) for one in readings
                  if one.article.id in vectors and vectors[one.article.id].language != text.vectors.language]
        return await self.pool.run(compared, encoding, text, others, timeout=_SECONDS) if others else []

    async def _partners(self, found: Sequence[Match], known: AbstractSet[str]) -> list[str]:
        """The copies of what an article is a translation of: which of them it was taken from, an election tells."""
        sure = {id_ for one in found if one.refused is not Refusal.DOUBTFUL for id_ in (one.a, one.b)}
        return [id_ for id_ in await self._copies(sorted(sure)) if id_ not in known][:_PARTNERS]

    async def _copies(self, ids: Sequence[str]) -> list[str]:
        """What these articles were found to be copies of, or to have as copies."""
        found = [await self.store.matched(one) for one in ids]
        return list(dict.fromkeys(id_ for each in found for id_, copied in each.items() if copied))

    # --- not covered ----------------------------------------------------------------------------------------------

    async def _has_names(self) -> bool:
        self._named = self._named or await self.store.has_places(NAMES)
        return self._named

    async def _add_named(self, found: FoundAcross, judgement: Judgement, reading: Reading, readings: Readings) -> None:
        article = reading.article
        is_first = not await self._has_names()
        place = await self.pool.run(translations.named, article, timeout=_SECONDS)
        await self.store.put_vectors(Vectors(article.id, NAMES, place.language, (), b""), place.mean, place.seen, token=judgement.token)
        if is_first:
            await self.store.mark_unencoded(NAMES, article.first_seen - 2 * self.across.window)
        near = await self._by_name.nearest(place, self.across.window, translations.SECOND)
        second = self.across.second
        if second is None or not second.covers(place.language):
            others = [one.article for one in await readings([id_ for _, id_ in near])]
            found.links += await self.pool.run(translations.proposed, article, near, others, timeout=_SECONDS)
            return
        before = await self.store.matched(article.id)
        asked = [one for one in await readings(list(dict.fromkeys([*(id_ for _, id_ in near), *before])))
                 if self._is_for_second(place.language, one.article.language or "")]
        if asked and (text := await self._text(second, reading)) is not None:
            known = await self.store.vectors([one.article.id for one in asked], second.name)
            for one in asked:
                if one.article.id not in known:
                    await self._text(second, one)
            found.matches += await self._matches(second, text, asked)
            found.asked += [one.article.id for one in asked]

    def _is_for_second(self, one: str, other: str) -> bool:
        """Whether the first encoder cannot compare two languages: where it can, it has, and the second takes seconds."""
        covers = self.across.encoding.covers
        return one != other and not (covers(one) and covers(other))


def _place(text: Text) -> Place:
    return Place(text.vectors.article, text.vectors.language, text.reading.article.first_seen, _mean(text.vectors))


def _mean(vectors: Vectors) -> bytes:
    return packed(vectors.mean()[None, :])


def encoded(encoding: Encoding, reading: Reading, known: Vectors | None) -> Vectors:
    """In a worker. A text never changes: with the same segments as before its vectors are the same."""
    if known is not None and known.spans == segments(reading.body()):
        return known
    return encoding.encode(encoding.name, [reading])[0]


def compared(encoding: Encoding, text: Text, others: Sequence[Text]) -> list[Match]:
    """In a worker."""
    found = (translations.compare(text, other, encoding.calibration) for other in others)
    return [one for one in found if one is not None]
