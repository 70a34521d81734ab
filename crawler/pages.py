"""An article's page, had politely and read safely: robots.txt, the fetch, the extraction, when to ask again."""

import asyncio
import logging
import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from weakref import WeakValueDictionary

from crawler.core import intake, robots, schedule, urls
from crawler.core.intake import Intake
from crawler.core.types import Article, AttributionKind, Entry, Page
from crawler.errors import Reason, WorkerError
from crawler.log import event
from crawler.ports import (
    Clock,
    Draft,
    Failed,
    Fetched,
    Fetcher,
    HostState,
    Outcome,
    Pool,
    Refused,
    Request,
    Sighting,
    Store,
    Unchanged,
)
from crawler.settings import Settings
from crawler.sources import Sources

ROBOTS_SECONDS = 5.0                    # CPU of one robots.txt
ROBOTS_AGE = timedelta(hours=24)        # RFC 9309, 2.4
ROBOTS_RETRY = timedelta(minutes=30)    # after a robots.txt that could not be had
ROBOTS_WAIT = timedelta(seconds=5)      # of a page, while another worker asks for the robots.txt of its host
ATTEMPTS = 6                            # a page that fails is asked again over about ten hours, then given up
FIRST_RETRY = timedelta(minutes=10)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Postponed:
    """Nothing was requested: the host has asked for quiet, or had all that it is asked for on one day."""

    until: datetime
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True)
class Pages:
    """Pages of articles, over the ports."""

    settings: Settings
    store: Store
    fetcher: Fetcher
    pool: Pool
    clock: Clock
    agent: str               # the product token of the User-Agent, as robots.txt knows it
    sources: Sources
    patience: timedelta = timedelta(minutes=1)  # after which whoever asks for a robots.txt has died
    asking: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)   # for robots.txt, by host

    async def draft(self, sighting: Sighting) -> Draft | Refused | Failed | Postponed:
        """The article behind a sighting, from its page or from the full content that the feed carries."""
        full_text = self.settings.crawl.full_text
        if full_text != "page" and sighting.entry.content:
            taken = await self._feed_content(sighting)
            if full_text == "feed" or self._is_complete(sighting.entry, taken.page):
                return self._made(sighting, taken, None)
        outcome = await self._get_page(sighting)
        if isinstance(outcome, Fetched):
            return self._made(sighting, await self._read_page(sighting, outcome), outcome)
        if isinstance(outcome, Refused):
            await self.keep_quiet(outcome)
        if sighting.entry.content and not isinstance(outcome, Postponed) and self._is_final(outcome):
            taken = await self._feed_content(sighting)
            if not taken.page.walls:
                return self._made(sighting, taken, None)
        return outcome

    def _is_complete(self, entry: Entry, page: Page) -> bool:
        """Whether a feed's content is the article: long enough, longer than its summary, not cut off."""
        cut = page.text.rstrip().endswith(("…", "...", "[…]", "[...]"))
        return not page.walls and not cut and len(page.text) > 1.5 * len(entry.summary) + 200

    async def _feed_content(self, sighting: Sighting) -> Intake:
        entry = sighting.entry
        reader = partial(intake.take_content, zone=self.sources.zone(sighting.source or ""))
        try:
            return await self.pool.run(reader, entry.content or "", entry.link, entry.title,
                                       timeout=self.settings.extract.timeout.total_seconds())
        except WorkerError as error:
            return await self._unread(entry, error.reason)

    async def keep_quiet(self, outcome: Outcome) -> None:
        """A public host that asks for quiet gets it, for its feeds and its pages; a private bridge only for this one. It
        speaks for itself alone: where a redirect led to it, the host that redirected has asked for nothing."""
        if isinstance(outcome, Refused) and not outcome.private:
            wait = schedule.retry_after(outcome.headers, outcome.at)
            if wait:
                await self.store.pause_host(urls.host(outcome.final_url), outcome.at + min(wait, schedule.HORIZON))

    async def _get_page(self, sighting: Sighting) -> Fetched | Refused | Failed | Postponed:
        link = sighting.entry.link or sighting.url
        state = await self.store.host(urls.host(link))
        if quiet := self._quiet(state):
            return quiet
        if self.settings.crawl.robots == "obey" and (unasked := await self._robots(link, state)):
            return unasked
        if full := await self._full(link):
            return full
        outcome = await self.fetcher.get(Request(link, "page"))
        if isinstance(outcome, Unchanged):
            return Failed(Reason.PROTOCOL, "304 to a request without validators", outcome.at)
        return outcome

    def _quiet(self, state: HostState) -> Postponed | None:
        until = state.pause_until
        if until is None or until <= self.clock():
            return None
        return Postponed(until, Reason.RATE_LIMITED, "the host asked for quiet")

    async def _full(self, url: str) -> Postponed | None:
        now, most = self.clock(), self.settings.crawl.quota.pages
        if await self.store.take_page(urls.host(url), now, most):
            return None
        tomorrow = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
        return Postponed(tomorrow, Reason.QUOTA, f"{most} pages of this host today; the others wait for tomorrow")

    async def _robots(self, url: str, known: HostState) -> Failed | Postponed | None:
        """None where robots.txt lets us fetch; what it says is kept for a day."""
        state = known if self._is_fresh(known) else await self._robots_of(url)
        if state is None:
            return Postponed(self.clock() + ROBOTS_WAIT, Reason.ROBOTS, "another worker asks for its robots.txt")
        if state is not known and (quiet := self._quiet(await self.store.host(state.host))):
            return quiet    # asked for with its robots.txt, or of another page meanwhile
        status = state.robots_status or 0
        if _is_silent(status):  # everything is forbidden for now (RFC 9309, 2.3.1), and asked again
            reason, why = _SILENCE.get(status, (Reason.HTTP_5XX, f"HTTP {status}"))
            return Failed(reason, f"robots.txt could not be had: {why}", self.clock())
        ask = partial(robots.permission, state.robots or b"", status)
        try:
            # What is empty, is no work for a worker.
            permission = (await self.pool.run(ask, url, self.agent, timeout=ROBOTS_SECONDS) if state.robots
                          else ask(url, self.agent))
        except WorkerError as error:
            if error.reason is Reason.CPU:
                # Kept as if it could not be had: each page of the host would else cost the workers as much again.
                await self.store.save_robots(replace(state, robots=b"", robots_status=_UNREADABLE))
            return Failed(error.reason, f"robots.txt: {error.detail}", self.clock())
        if permission.delay:
            self.fetcher.set_delay(state.host, timedelta(seconds=permission.delay))
        if permission.allowed:
            return None
        return Failed(Reason.ROBOTS, f"robots.txt: {permission.refused}" if permission.refused else "robots.txt forbids it",
                      self.clock())

    async def _robots_of(self, url: str) -> HostState | None:
        """One page asks, the others of the host wait for what it hears; None where another worker asks."""
        host = urls.host(url)
        async with self.asking.setdefault(host, asyncio.Lock()):
            state = await self.store.host(host)
            if self._is_fresh(state):
                return state
            if not await self.store.take_robots(host, self.clock(), self.patience):
                return None
            state = await self.store.host(host)     # another worker may have heard it after the first look
            return state if self._is_fresh(state) else await self._asked_robots(url, host)

    def _is_fresh(self, state: HostState) -> bool:
        age = ROBOTS_RETRY if _is_silent(state.robots_status or 0) else ROBOTS_AGE
        return state.robots_at is not None and timedelta(0) <= self.clock() - state.robots_at < age

    async def _asked_robots(self, url: str, host: str) -> HostState:
        outcome = await self.fetcher.get(Request(f"{urls.origin(url)}/robots.txt", "robots"))
        body, status = (outcome.body, outcome.status) if isinstance(outcome, Fetched) else (b"", _status_of(outcome))
        now = self.clock()
        await self.keep_quiet(outcome)
        if isinstance(outcome, Failed | Refused) and _is_silent(status):
            event(_log, "robots-failed", logging.WARNING, host=host, reason=outcome.reason, detail=outcome.detail)
        state = await self.store.host(host)
        if _is_silent(status) and 200 <= (state.robots_status or 0) < 300:
            # What the site said last holds for longer than a day while it says nothing (RFC 9309, 2.4); that it once had
            # no robots.txt does not.
            body, status, now = state.robots or b"", state.robots_status or 0, now - ROBOTS_AGE + ROBOTS_RETRY
        state = replace(state, robots=body, robots_status=status, robots_at=now)
        await self.store.save_robots(state)
        return state

    async def _read_page(self, sighting: Sighting, outcome: Fetched) -> Intake:
        source = sighting.source or self.sources.of_page(outcome.final_url)
        reader = partial(intake.take_page, zone=self.sources.zone(source), status=outcome.status)
        try:
            return await self.pool.run(reader, outcome.body, outcome.final_url, dict(outcome.headers).get("content-type"),
                                       outcome.headers, sighting.entry.title,
                                       timeout=self.settings.extract.timeout.total_seconds())
        except WorkerError as error:
            return await self._unread(sighting.entry, error.reason)

    async def _unread(self, entry: Entry, reason: Reason) -> Intake:
        """A page whose reading was ended: the feed's summary is kept, barred from copy decisions."""
        page = Page(entry.title, entry.summary, entry.language, walls=(reason.value,))
        try:
            return await self.pool.run(intake.with_keys, page, "", timeout=self.settings.extract.timeout.total_seconds())
        except WorkerError:
            return Intake(page, (), None)       # it takes too long, too, and teaches nothing

    def _made(self, sighting: Sighting, taken: Intake, outcome: Fetched | None) -> Draft:
        entry, page = sighting.entry, taken.page
        final = urls.canonical(outcome.final_url) if outcome else None
        stated = urls.canonical(page.canonical) if page.canonical else None
        url = stated or final or sighting.url
        if sighting.feed_url and sighting.source:
            source = self.sources.of_entry(sighting.source, sighting.feed_url, url)
        else:
            source = self.sources.of_page(url)
        page = replace(page, title=page.title or entry.title, claims=(*page.claims, *entry.claims),
                       attributions=(*page.attributions, *entry.attributions), walls=(*page.walls, *entry.flags))
        aliases = {each for each in (sighting.url, final) if each and each != url}
        return Draft(
            urls.article_id(url), url, tuple(sorted(aliases)), urls.host(url), source, page,
            outcome.status if outcome else 0, outcome.at if outcome else self.clock(),
            taken.units, outcome.body if outcome else None,
            outcome.headers if outcome else (),
            urls.address(page.canonical or (outcome.final_url if outcome else entry.link)) or url,
            outcome.final_url if outcome else "", taken.text_hash)

    def _is_final(self, outcome: Refused | Failed) -> bool:
        """Whether asking again is useless: the server, or robots.txt, says no."""
        return (isinstance(outcome, Refused) and outcome.reason in {
            Reason.GONE, Reason.HTTP_4XX, Reason.CHALLENGE}) or outcome.reason is Reason.ROBOTS

    def retry(self, sighting: Sighting, outcome: Refused | Failed) -> datetime | None:
        """When to ask again: later each time, never against Retry-After; None gives up and keeps the reason."""
        tries = 2 if self._is_final(outcome) else ATTEMPTS   # a 404 right after publishing is often put right
        if sighting.attempts + 1 >= tries or outcome.reason is Reason.ROBOTS:
            return None
        wait = FIRST_RETRY * 2 ** sighting.attempts
        if isinstance(outcome, Refused):
            wait = max(wait, min(schedule.retry_after(outcome.headers, outcome.at) or wait, schedule.HORIZON))
        again: datetime = self.clock() + wait
        return again


_UNANSWERED, _PRIVATE, _UNREADABLE = 0, -1, -2   # in the place of a status
_SILENCE = {_UNANSWERED: (Reason.NETWORK, "no answer"), _PRIVATE: (Reason.PRIVATE, "not at a public address"),
            _UNREADABLE: (Reason.CPU, "too much work to read")}


def _status_of(outcome: Refused | Failed | Unchanged) -> int:
    """The status under which an answer that is no robots.txt is kept. That there are too many redirects, or that one
    leads nowhere, says as much as a 404 (RFC 9309, 2.3.1.2); one that leads inside has something to hide."""
    if isinstance(outcome, Refused):
        return outcome.status
    if isinstance(outcome, Failed) and outcome.reason in (Reason.REDIRECTS, Reason.REDIRECT):
        return 404
    return _PRIVATE if isinstance(outcome, Failed) and outcome.reason is Reason.PRIVATE else _UNANSWERED


def _is_silent(status: int) -> bool:
    """Whether a host did not say what its robots.txt is: no answer, a fault of its server, nothing one could read."""
    return status <= 0 or status >= 500


_FOLLOWED = (AttributionKind.CANONICAL_ELSEWHERE, AttributionKind.DECLARED_COPY, AttributionKind.BASED_ON,
             AttributionKind.NAMES_SOURCE)


def named_pages(article: Article) -> dict[str, str]:
    """Canonical form -> address to request, of the pages on other sites that an article names as its source, the
    strongest statement first; no home pages."""
    found: dict[str, str] = {}
    for kind in _FOLLOWED:
        for link in (one.url for one in article.attributions if one.kind is kind and one.url):
            url = urls.canonical(link)
            if url and not urls.same_site(url, article.url) and re.search(r"https?://[^/]+/.*\w", url):
                found.setdefault(url, urls.address(link) or url)
    return found
