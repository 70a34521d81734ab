"""An article among those of other languages: its vectors, who lies near, and which of them it is a translation of, or they of
it. What `pipeline` asks where `match.translations` is on.

    store.put_vectors -> atlas.nearest, pages it names, copies of what is found -> translations.compare

As long as all that is stored is of one language nothing is encoded. The first article of another one has what was seen
within the window encoded after all.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime

from crawler import atlas, translations
from crawler.atlas import Atlas
from crawler.core.extract import language
from crawler.core.outdone import without_outdone
from crawler.core.types import Link, Match, Refusal
from crawler.core.vectors import Vectors, packed
from crawler.errors import WorkerError
from crawler.log import event
from crawler.matcher import Reading
from crawler.pages import named_pages
from crawler.ports import Judgement, Pool, Store
from crawler.ports.encoding import Across
from crawler.translations import Text

_SECONDS = 60.0    # CPU of a worker for one article: loading a model takes two, a slow encoder some seconds an article
_NAMED = 5         # pages that an article names which it is compared with
_PARTNERS = 20     # copies of what is found that it is compared with as well

_log = logging.getLogger(__name__)

Readings = Callable[[Sequence[str]], Awaitable[Sequence[Reading]]]


@dataclass(slots=True)
class Abroad:
    """The look at other languages, of one process."""

    store: Store
    pool: Pool
    across: Across
    _atlas: Atlas = field(init=False)
    _mixed: bool = False     # more than one language is stored

    def __post_init__(self) -> None:
        self._atlas = Atlas(self.store, self.across.encoding.name)

    async def _encoded(self, reading: Reading, judgement: Judgement) -> Text | None:
        """The article with its vectors, which are stored then; None where it is compared with none."""
        spoken = await self._language(reading)
        if not self.across.encoding.covers(spoken) or not await self._is_mixed(spoken, reading):
            return None
        text = await self._text(reading)
        if text is not None:
            # Before anybody near is asked for: of two that arrive at once, one sees the other.
            await self.store.put_vectors(text.vectors, packed(text.vectors.mean()[None, :]), reading.article.first_seen,
                                         token=judgement.token)
        return text

    async def _language(self, reading: Reading) -> str:
        return reading.article.language or await self.pool.run(language.of, reading.article.text, timeout=_SECONDS) or ""

    async def _text(self, reading: Reading) -> Text | None:
        """None where there are no sentences."""
        vectors = (await self.pool.run(encoded, self.across, [reading], timeout=_SECONDS))[0]
        return Text(reading, vectors) if vectors.spans else None

    async def _is_mixed(self, spoken: str, reading: Reading) -> bool:
        if not self._mixed and await self.store.other_languages(spoken):
            self._mixed = True
            marked = await self.store.mark_unencoded(self.across.encoding.name, reading.article.first_seen - 2 * self.across.window)
            event(_log, "languages-mixed", language=spoken, marked=marked)
        return self._mixed

    async def look(
        self, judgement: Judgement, reading: Reading, within: Sequence[Match], readings: Readings,
    ) -> tuple[list[Match], list[str]]:
        """The matches of an article in other languages, those that a person is asked about among them, and whom it was
        compared with. `within` are its matches in its own; `readings` gives articles as they were judged. What a worker
        cannot encode has none."""
        try:
            text = await self._encoded(reading, judgement)
            if text is None:
                return [], []
            return await self._compared(text, await self._asked(text, within), readings)
        except WorkerError as error:
            event(_log, "translations-failed", logging.WARNING, url=reading.article.url, reason=error.reason, detail=error)
            return [], []

    async def find(self, reading: Reading, within: Sequence[Match], readings: Readings, until: datetime) -> list[Match]:
        """The same for an article that need not be stored, among all that was seen up to a time; nothing is stored. Those
        that another match explains are left out. Raises WorkerError."""
        if not await self.store.last_place() or not self.across.encoding.covers(await self._language(reading)):
            return []
        text = await self._text(reading)
        if text is None:
            return []
        near = await atlas.anywhen(self.store, text.vectors, until, translations.CANDIDATES)
        found, met = await self._compared(text, sorted({*near, *await self._theirs(reading.article.id, within)} - {reading.article.id}), readings)
        spoken = await self.store.vectors(met, text.vectors.encoder)
        return without_outdone(found, {reading.article.id: text.vectors.language, **{id_: one.language for id_, one in spoken.items()}})

    async def _compared(self, text: Text, asked: Sequence[str], readings: Readings) -> tuple[list[Match], list[str]]:
        """The matches with these and with the copies of what is found, and whom that was."""
        found = await self._matches(text, await readings(asked))
        more = await self._partners(found, {*asked, text.reading.article.id})
        return found + await self._matches(text, await readings(more)), [*asked, *more]

    def possible(self, found: Sequence[Match], article: str) -> list[Link]:
        """What a person is asked about."""
        return [translations.doubtful(one, article) for one in found if one.refused is Refusal.DOUBTFUL]

    async def _asked(self, text: Text, within: Sequence[Match]) -> list[str]:
        """Whom an article is compared with: who lies near, the pages that it names, those that it was matched with before,
        and what its own copies were matched with."""
        article = text.reading.article
        near = await self._atlas.nearest(text.vectors, article.first_seen, self.across.window, translations.CANDIDATES)
        named = [await self.store.article_at(url) for url in list(named_pages(article))[:_NAMED]]
        before = await self.store.matched(article.id)
        return sorted({*near, *(id_ for id_ in named if id_), *before, *await self._theirs(article.id, within)} - {article.id})

    async def _theirs(self, article: str, within: Sequence[Match]) -> list[str]:
        """What an article's own copies were matched with."""
        copies = sorted({id_ for one in within if one.copied for id_ in (one.a, one.b)} - {article})[:_PARTNERS]
        return (await self._copies(copies))[:_PARTNERS]

    async def _matches(self, text: Text, readings: Sequence[Reading]) -> list[Match]:
        vectors = await self.store.vectors([one.article.id for one in readings], text.vectors.encoder)
        others = [Text(one, vectors[one.article.id]) for one in readings
                  if one.article.id in vectors and vectors[one.article.id].language != text.vectors.language]
        return await self.pool.run(compared, self.across, text, others, timeout=_SECONDS) if others else []

    async def _partners(self, found: Sequence[Match], known: AbstractSet[str]) -> list[str]:
        """The copies of what an article is a translation of: which of them it was taken from, an election tells."""
        sure = {id_ for one in found if one.refused is not Refusal.DOUBTFUL for id_ in (one.a, one.b)}
        return [id_ for id_ in await self._copies(sorted(sure)) if id_ not in known][:_PARTNERS]

    async def _copies(self, ids: Sequence[str]) -> list[str]:
        """What these articles were found to be copies of, or to have as copies."""
        found = [await self.store.matched(one) for one in ids]
        return list(dict.fromkeys(id_ for each in found for id_, copied in each.items() if copied))


def encoded(across: Across, readings: Sequence[Reading]) -> list[Vectors]:
    """In a worker."""
    return across.encoding.encode(across.encoding.name, readings)


def compared(across: Across, text: Text, others: Sequence[Text]) -> list[Match]:
    """In a worker."""
    found = (translations.compare(text, other, across.encoding.calibration) for other in others)
    return [one for one in found if one is not None]
