"""The whole way of the data, in order. Stages in `core` decide and return values; this file calls them, and has the two
things that come from strangers brought to it: `documents.py` gets a feed's document, `pages.py` an article's page.

    poll(feed)          fetch -> parse -> schedule -> commit entries and validators together
    collect(sighting)   known? -> robots -> fetch -> extract -> canonical address -> commit the article
    judge(article)      what its source repeats -> keys -> candidates -> matches, rewordings -> translations, where they are
                        asked for (`crosslingual.py`) -> stories, originals, links -> commit

Each step takes claimed work from the store and ends with one commit, so that a crash at any point loses nothing: the
lease runs out and somebody else does the step again.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from crawler import accounts, matcher, meters
from crawler.core import boilerplate, schedule, urls
from crawler.core.types import Article, FeedState, Link, Match, Settled
from crawler.documents import Documents, jitter
from crawler.errors import OperationError, Reason, UnstorableError, WorkerError
from crawler.log import event
from crawler.pages import Pages, Postponed, named_pages
from crawler.ports import (
    Clock,
    Counterparts,
    Draft,
    Failed,
    Feed,
    Fetcher,
    Judgement,
    PollStored,
    Pool,
    Refused,
    SeenEntry,
    Sighting,
    Store,
    StoryChange,
)
from crawler.ports.encoding import FoundAcross
from crawler.settings import Settings
from crawler.sources import Sources

JUDGE_SECONDS = 60.0                    # fifty candidates of the greatest length take a fraction of it
COMPONENT = 500                         # articles that one story is settled from
PAIR_SECONDS = 5.0                      # one pair, where all pairs together took too long
CLAIMS = 200                            # of a page that never came to an end: it takes whoever reads it along
if TYPE_CHECKING:
    from crawler.crosslingual import CrossLingual

NAMED_PAGES = 2                         # pages that one article may name as its source and have fetched

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The three steps over the ports."""

    settings: Settings
    store: Store
    fetcher: Fetcher
    pool: Pool
    clock: Clock
    documents: Documents
    pages: Pages
    sources: Sources
    crosslingual: "CrossLingual | None" = None    # the look at other languages, where that is wanted

    # --- poll ---------------------------------------------------------------------------------------------------

    async def poll(self, feed: Feed) -> None:
        """Ask a feed what is new, and commit its entries with the state from which the next poll follows."""
        policy = self.documents.policy(feed)
        address = feed.state.moved_to or feed.url
        document = await self.documents.get(feed, address)
        result = document.result
        if isinstance(result, schedule.Failure):
            await self.pages.keep_quiet(document.outcome)
            event(_log, "feed-failed", logging.WARNING, url=feed.url, reason=result.reason, detail=result.detail)
        state = schedule.after(*schedule.returned(feed.state, result), policy, jitter(feed.url, self.clock()))
        if address_ := schedule.adopt(state):
            state = schedule.moved(state)
            event(_log, "feed-moved", logging.WARNING, url=feed.url, to=address_)
        if state.unstable >= schedule.UNSTABLE > feed.state.unstable:
            event(_log, "feed-flagged", logging.WARNING, url=feed.url, flag="unstable_ids", detail=state.detail)
        stored = await self._finish_poll(feed, state, document.entries, result)
        accounts.polled(document, stored)
        if stored is not None and not isinstance(result, schedule.Failure):
            event(_log, "feed-polled", url=feed.url, entries=result.total, new=stored.new, changed=stored.changed,
                  next=state.next_poll)

    async def _finish_poll(
        self, feed: Feed, state: FeedState, entries: Sequence[SeenEntry], result: schedule.Success | schedule.Failure,
    ) -> PollStored | None:
        """Commit; None where the database refuses it, which is a failure of this feed, and holds up no other."""
        try:
            return await self.store.finish_poll(feed, state, entries, result.at)
        except UnstorableError as error:
            event(_log, "feed-failed", logging.ERROR, url=feed.url, reason=Reason.STORE, detail=error)
            failure = schedule.Failure(result.at, Reason.STORE, None, None, str(error))
            state = schedule.after(feed.state, failure, self.documents.policy(feed), jitter(feed.url, self.clock()))
            await self.store.finish_poll(feed, state, [], result.at)
            return None

    # --- collect ------------------------------------------------------------------------------------------------

    async def collect(self, sighting: Sighting) -> None:
        """Turn an entry, or a page that an article names as its source, into a stored article."""
        if sighting.token - sighting.attempts > CLAIMS:
            detail = f"taken up {sighting.token} times and never finished"
            event(_log, "page-failed", logging.ERROR, url=sighting.url, reason=Reason.MEMORY, detail=detail)
            await self.store.fail_sighting(sighting, Reason.MEMORY, detail, None, self.clock())
            accounts.given_up(sighting, Reason.MEMORY)
            return
        if sighting.known is not None and sighting.purpose != "revisit":
            await self.store.attach(sighting, sighting.known, self.clock())
            accounts.attached(sighting)
            return
        draft = await self._draft(sighting)
        if isinstance(draft, Postponed):
            event(_log, "page-postponed", url=sighting.url, reason=draft.reason, until=draft.until)
            await self.store.postpone(sighting, draft.until, draft.reason, draft.detail)
            accounts.postponed(draft.reason)
            return
        failed = await self._save(draft, sighting) if isinstance(draft, Draft) else draft
        if failed is not None:
            retry = self.pages.retry(sighting, failed)
            event(_log, "page-failed", logging.WARNING, url=sighting.url, reason=failed.reason, detail=failed.detail,
                  retry=retry)
            await self.store.fail_sighting(sighting, failed.reason, failed.detail, retry, self.clock())
            if retry is None:
                accounts.given_up(sighting, failed.reason)
            else:
                accounts.retried(failed.reason)

    async def _save(self, draft: Draft, sighting: Sighting) -> Failed | None:
        """Commit the article; None where that is done."""
        try:
            saved = await self.store.save_article(draft, sighting, self.clock())
        except UnstorableError as error:
            return Failed(Reason.STORE, str(error), self.clock())
        accounts.saved(sighting, draft, saved)
        event(_log, "article", url=draft.url, source=draft.source, outcome=saved.outcome,
              wall=",".join(draft.page.walls) or None)
        return None

    async def _draft(self, sighting: Sighting) -> Draft | Refused | Failed | Postponed:
        """A page that breaks what reads it is asked for again as one that fails is, and then given up."""
        try:
            return await self.pages.draft(sighting)
        except OperationError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a parser raises over foreign bytes
            return Failed(Reason.PROTOCOL, f"could not be read: {type(error).__name__}: {error}", self.clock())

    # --- judge --------------------------------------------------------------------------------------------------

    async def judge(self, judgement: Judgement) -> list[StoryChange]:
        """Find whom an article copies and who copies it, and settle the stories that this touches."""
        changes: list[StoryChange] = []
        outcome = "done"
        try:
            changes = await self._place(judgement)
        except (WorkerError, UnstorableError) as error:
            outcome = "failed"
            # It would fail again: what was found before stays, until something marks the article anew.
            reason = error.reason if isinstance(error, WorkerError) else Reason.STORE
            event(_log, "judge-failed", logging.ERROR, url=judgement.article.url, reason=reason, detail=error)
        await self._follow(judgement.article)
        await self.store.finish_judging(judgement, self.clock())
        meters.JUDGEMENTS.count(outcome=outcome)
        for change in changes:
            event(_log, change.event, story=change.story, original=change.original, previous=change.previous)
        return changes

    async def _place(self, judgement: Judgement) -> list[StoryChange]:
        article = judgement.article
        prepared, near = await self._prepare(judgement)
        mine, others = matcher.Reading(article, frozenset(prepared.dropped)), [matcher.Reading(*one) for one in near.readings]
        matches, links = await self._weigh(mine, others) if prepared.keys and others else ([], [])
        across = await self._look_across(judgement, mine, matches, is_article=bool(prepared.keys))
        if near.alone and not (matches or links or across.matches or across.links):
            return []   # as of most articles: nothing to write, nobody to wait for
        kept = await self._not_compared(mine, others, across, near.matched) if prepared.keys else set()
        while True:
            tied = _tied(article, [*matches, *across.matches])
            async with self.store.electing(tied):
                if prepared.keys:
                    matches = await self._renewed(mine, others, matches)
                every = [*matches, *across.beside(matches)]
                if {*_tied(article, every)} <= {*tied}:
                    parted = [id_ for id_ in await self._parted(article, every) if id_ not in kept]
                    met = [id_ for id_ in (*(one.article.id for one in others), *across.asked) if id_ not in kept]
                    await self.store.save_matches(article.id, every, met, links=[*links, *across.links], token=judgement.token)
                    return await self._settle([article.id, *parted])

    async def _not_compared(
        self, mine: matcher.Reading, others: Sequence[matcher.Reading], across: FoundAcross, matched: Mapping[str, bool],
    ) -> set[str]:
        """Whom the article was found to be translated from, or to, and was not compared with now: the encoder was another, or
        failed, or translations are asked for no more. Texts do not change, so that what was found holds."""
        ids = [one.article.id for one in others if one.article.id in matched
               and one.article.language != mine.article.language and one.article.id not in across.asked]
        found = {id_: await self.store.match(mine.article.id, id_) for id_ in ids}
        return {id_ for id_, match in found.items() if match is not None and match.translation is not None}

    async def _look_across(
        self, judgement: Judgement, mine: matcher.Reading, matches: Sequence[Match], *, is_article: bool,
    ) -> FoundAcross:
        """What the article has in other languages."""
        if self.crosslingual is not None and is_article:
            return await self.crosslingual.look(judgement, mine, matches, self._readings)
        if self.crosslingual is not None:
            await self.store.drop_vectors(judgement.article.id, token=judgement.token)
        return FoundAcross()

    @property
    def rules(self) -> matcher.Rules:
        """What the configuration says of matching."""
        return matcher.Rules(self.settings.match.containment, self.settings.match.min_words)

    async def _prepare(self, judgement: Judgement) -> tuple[matcher.Prepared, Counterparts]:
        """Units that the source repeats, the keys of the rest, whom to compare it with; a text that many addresses share is
        a wall.

        Whether it is one is asked again when the keys are in: of two that arrive at once, one sees the other.
        """
        article, token, site = judgement.article, judgement.token, urls.site(judgement.article.url)
        around = await self.store.surroundings(judgement, site, boilerplate.HOLDERS_ASKED)
        prepared = await self.pool.run(matcher.prepare, article, around.holders, self.rules, timeout=JUDGE_SECONDS)
        alike = _alike(article, around.alike)
        keys = () if alike else prepared.keys
        # Before candidates are asked for: of two copies that arrive at once, one sees the other.
        await self.store.put_keys(article.id, keys, article.first_seen, dropped=prepared.dropped, crowded=prepared.crowded, token=token)
        near = await self.store.counterparts(judgement, site, keys, self.settings.match.window, matcher.CANDIDATES)
        if keys and (alike := _alike(article, near.alike)):
            await self.store.put_keys(article.id, (), article.first_seen, token=token)
        if not alike:
            return prepared, near
        await self.store.mark_indexed(alike)   # those that were judged when there were fewer
        return replace(prepared, keys=(), wall="template"), near

    async def _weigh(self, mine: matcher.Reading, others: Sequence[matcher.Reading]) -> tuple[list[Match], list[Link]]:
        """The matches, and what a person may want to look at; where all together are too much for a worker, one by one."""
        try:
            return await self.pool.run(matcher.weigh, mine, others, self.rules, timeout=JUDGE_SECONDS)
        except WorkerError:
            matches = [match for other in others for match in await self._verify_one(mine, other)]
            return matches, await self._rewordings(mine, others, matches)

    async def _verify(self, mine: matcher.Reading, others: Sequence[matcher.Reading]) -> list[Match]:
        """The matches; where all together are too much for a worker, those that it can compare one by one."""
        try:
            return await self.pool.run(matcher.verify, mine, others, self.rules, timeout=JUDGE_SECONDS)
        except WorkerError:
            return [match for other in others for match in await self._verify_one(mine, other)]

    async def _verify_one(self, mine: matcher.Reading, other: matcher.Reading) -> list[Match]:
        try:
            return await self.pool.run(matcher.verify, mine, [other], self.rules, timeout=PAIR_SECONDS)
        except WorkerError as error:
            event(_log, "pair-failed", logging.WARNING, a=mine.article.url, b=other.article.url, reason=error.reason)
            return []

    async def _rewordings(
        self, mine: matcher.Reading, others: Sequence[matcher.Reading], matches: Sequence[Match],
    ) -> list[Link]:
        """Not worth a second try."""
        try:
            return await self.pool.run(matcher.rewordings, mine, others, matches, timeout=PAIR_SECONDS)
        except WorkerError:
            return []

    async def _renewed(
        self, mine: matcher.Reading, others: Sequence[matcher.Reading], matches: Sequence[Match],
    ) -> list[Match]:
        """The matches, those with an article that was judged meanwhile, and whose body changed, found anew."""
        dropped = await self.store.dropped([other.article.id for other in others])
        changed = [replace(other, dropped=dropped[other.article.id]) for other in others
                   if dropped[other.article.id] != other.dropped]
        ids = {other.article.id for other in changed}
        kept = [match for match in matches if not ids & {match.a, match.b}]
        return kept + (await self._verify(mine, changed) if changed else [])

    async def _parted(self, article: Article, matches: Sequence[Match]) -> list[str]:
        """Whom this article was tied to and no longer is: their stories may have hung on it."""
        still = {id_ for match in matches if match.copied for id_ in (match.a, match.b)}
        return [id_ for id_, copied in (await self.store.matched(article.id)).items() if copied and id_ not in still]

    async def _readings(self, ids: Sequence[str]) -> list[matcher.Reading]:
        return [matcher.Reading(one, dropped) for one, dropped in await self.store.readings(ids)]

    async def settle(self, touched: Sequence[str]) -> list[StoryChange]:
        """Part the stories of these articles anew, with the matches that are known: after a ruling. What is too much for a
        worker is left to the judges, for whom the ruling has marked its articles."""
        try:
            async with self.store.electing(touched):
                changes = await self._settle(touched)
        except WorkerError as error:
            event(_log, "settle-failed", logging.ERROR, reason=error.reason, detail=error)
            return []
        for change in changes:
            event(_log, change.event, story=change.story, original=change.original, previous=change.previous)
        return changes

    async def _settle(self, touched: Sequence[str]) -> list[StoryChange]:
        """Part the components of these articles anew."""
        changes: list[StoryChange] = []
        settled = set[str]()
        for id_ in touched:
            if id_ not in settled:
                ids, matches = await self.store.component(id_, COMPONENT)
                readings = await self._readings(ids)
                found = await self._settled(readings, matches) if len(readings) > 1 else Settled()
                changes += accounts.settled(await self.store.save_stories(ids, found.stories, self.clock(), found.links))
                settled.update(ids)
        return changes

    async def _settled(self, readings: Sequence[matcher.Reading], matches: Sequence[Match]) -> Settled:
        verdicts = await self.store.verdicts([reading.article.id for reading in readings])
        return await self.pool.run(matcher.settle, readings, matches, verdicts, self.sources.facts, self.rules,
                                   timeout=JUDGE_SECONDS)

    async def _follow(self, article: Article) -> None:
        """Have the pages fetched that an article of a feed names as its source, also where they are in no feed.

        One step only: two sites whose pages name each other's would else be crawled for ever.
        """
        if not self.settings.crawl.follow_attribution or article.window is None:
            return
        for url, link in list(named_pages(article).items())[:NAMED_PAGES]:
            if await self.store.want_page(url, article.id, self.clock(), link):
                event(_log, "source-page-wanted", url=link, named_by=article.url)


def _alike(article: Article, same: Sequence[tuple[str, str]]) -> list[str]:
    """The other addresses of the host that show this text, where that makes it a wall or a template; else none."""
    others = [(id_, title) for id_, title in same if id_ != article.id]
    return [id_ for id_, _ in others] if matcher.is_template(article.text, [article.title, *(title for _, title in others)]) else []


def _tied(article: Article, matches: Sequence[Match]) -> list[str]:
    """The article, and those of which it is a copy, or they of it."""
    return [article.id, *sorted({id_ for match in matches if match.copied for id_ in (match.a, match.b)} - {article.id})]
