"""Translated copies in the daemon, over a real store: judged in whatever order and by whomever, the same comes of it."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from translated import ARABIC, ENGLISH, GERMAN, OTHER, SAME_EVENT, SHORT

from crawler.adapters.encoder import encoding
from crawler.adapters.http import HttpFetcher
from crawler.adapters.store import open_store
from crawler.adapters.store.tables import metadata
from crawler.core import boilerplate, urls
from crawler.core.types import Attribution, AttributionKind, Page, Relation
from crawler.crosslingual import CrossLingual
from crawler.documents import Documents
from crawler.errors import Reason, WorkerError
from crawler.pages import Pages
from crawler.pipeline import Pipeline
from crawler.ports import Draft, StoryQuery
from crawler.ports.encoding import Across
from crawler.settings import Crawl, Settings
from crawler.sources import Sources

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
LEASE = timedelta(minutes=15)


class Here:
    """A pool of one worker: this process. `ends` names functions that end the worker."""

    def __init__(self):
        self.ends = set()
        self.asked = []

    async def run(self, function, *args, timeout):
        await asyncio.sleep(0)
        self.asked.append(function.__name__)
        if function.__name__ in self.ends:
            raise WorkerError(Reason.CPU, f"took more than {timeout:g} s")
        return function(*args)


@pytest.fixture(scope="module")
async def stores(tmp_path_factory):
    url = f"sqlite:///{tmp_path_factory.mktemp('crosslingual') / 'store.db'}"
    one, other = await open_store(url), await open_store(url)
    yield one, other
    await one.close()
    await other.close()


@pytest.fixture
async def workers(stores):
    """Two workers over one database, as two processes would be."""
    async def work(connection):
        for table in reversed(metadata.sorted_tables):
            await connection.execute(sa.delete(table))

    await stores[0]._db.write(work)
    chosen = Settings(crawl=Crawl(follow_attribution=False))
    fetcher, sources = HttpFetcher(chosen.crawl, "test", lambda: NOW), Sources(chosen)
    made = []
    for store in stores:
        pool = Here()
        pages = Pages(chosen, store, fetcher, pool, lambda: NOW, "test", sources)
        documents = Documents(chosen, store, fetcher, pool, lambda: NOW, sources)
        made.append(Pipeline(chosen, store, fetcher, pool, lambda: NOW, documents, pages, sources,
                             CrossLingual(store, pool, Across(encoding()))))
    yield made
    await fetcher.close()


@pytest.fixture
def worker(workers):
    return workers[0]


def draft(name, text, language, hour, **more):
    url = f"https://{name}.example/1"
    page = Page(f"Title of {name}", text, language, **more)
    return Draft(urls.article_id(url), url, (), f"{name}.example", name, page, 200, NOW + timedelta(hours=hour),
                 boilerplate.unit_keys(text, page.title))


def id_of(name):
    return urls.article_id(f"https://{name}.example/1")


EN, DE, AR = draft("en", ENGLISH, "en", 0), draft("de", GERMAN, "de", 1), draft("ar", ARABIC, "ar", 2)
EVENT, OTHERS = draft("event", SAME_EVENT, "de", 1), draft("other", OTHER, "es", 1)


async def judge(worker, limit=1):
    claimed = await worker.store.claim_unjudged(NOW, LEASE, limit)
    await asyncio.gather(*map(worker.judge, claimed))
    return len(claimed)


async def drained(worker, most=60):
    for _ in range(most):
        if not await judge(worker, 2):
            return
    raise AssertionError("articles mark each other for ever")


async def shown(store):
    return sorted((one.story.original, tuple(sorted((copy.article, copy.kind.value) for copy in one.story.copies)))
                  for one in await store.stories(StoryQuery()))


WANTED = [(id_of("en"), tuple(sorted([(id_of("de"), "translation"), (id_of("ar"), "translation")])))]


@pytest.mark.parametrize("order", list(itertools.permutations([EN, DE, AR]))[::2])
async def test_a_story_in_three_languages_whatever_comes_first(worker, order):
    for one in (*order, EVENT, OTHERS):
        await worker.store.save_article(one, None, NOW)
        await drained(worker)
    assert await shown(worker.store) == WANTED


async def test_two_that_arrive_at_once_at_two_workers(workers):
    for one in (OTHERS, EVENT):     # both know of several languages, and of what is near, before
        await workers[0].store.save_article(one, None, NOW)
    await drained(workers[0])
    for one in (EN, DE):
        await workers[0].store.save_article(one, None, NOW)
    await asyncio.gather(*map(judge, workers))
    await workers[1].store.save_article(AR, None, NOW)
    await drained(workers[1])
    assert await shown(workers[0].store) == WANTED


async def test_nothing_is_encoded_while_there_is_one_language(worker):
    for one in (EVENT, DE):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    assert "encoded" not in worker.pool.asked
    assert await worker.store.last_place() == 0
    await worker.store.save_article(EN, None, NOW)     # then all that is near is
    await drained(worker)
    assert worker.pool.asked.count("encoded") == 3
    assert await shown(worker.store) == [(id_of("en"), ((id_of("de"), "translation"),))]


async def test_three_sentences_are_for_a_person_whose_word_lasts(worker):
    brief = draft("brief", SHORT, "de", 1)
    for one in (EN, brief):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    assert await shown(worker.store) == []
    (link,) = await worker.store.possible(Relation.TRANSLATION, None, None, 9)
    assert {link.a, link.b} == {EN.id, brief.id}
    assert link.translation.probability >= 0.5
    assert len(link.phrases) == len(link.translation.scores) == 3


async def test_a_page_that_is_named_is_compared_however_long_ago_it_was(worker):
    old = draft("en", ENGLISH, "en", -24 * 30)
    late = draft("de", GERMAN, "de", 0, attributions=(
        Attribution(AttributionKind.NAMES_SOURCE, None, "https://en.example/1", "Quelle", "text"),))
    unnamed = draft("ar", ARABIC, "ar", 0)
    for one in (OTHERS, old, unnamed, late):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    ((original, copies),) = await shown(worker.store)
    assert original == old.id
    assert (late.id, "translation") in copies


async def test_pages_that_name_each_other_as_alternates_are_editions(worker):
    both = ("https://en.example/1", "https://de.example/1")
    one_sided = draft("ar", ARABIC, "ar", 2, alternates=("https://en.example/1",))   # any copier could say so
    for one in (draft("en", ENGLISH, "en", 0, alternates=both), draft("de", GERMAN, "de", 1, alternates=both), one_sided):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    ((original, copies),) = await shown(worker.store)
    assert original == EN.id
    assert dict(copies)[AR.id] == "translation"
    assert dict(copies)[DE.id] == "edition"
    assert [flow.copies for flow in await worker.store.flows()] == [1]


async def test_what_cannot_be_encoded_is_judged_all_the_same(worker):
    worker.pool.ends = {"encoded"}
    near = draft("near", GERMAN.replace("Montag", "Dienstag"), "de", 2)
    for one in (EN, DE, near):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    assert await shown(worker.store) == [(DE.id, ((near.id, "near"),))]


async def test_a_wall_that_was_an_article_is_compared_no_more(worker):
    for one in (EN, DE):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    assert await worker.store.vectors([DE.id], "use-m3")
    for number in (2, 3):    # the same text under other headlines: a template
        url = f"https://de.example/{number}"
        same = draft("de", GERMAN, "de", 1)
        page = Page(f"Something else entirely number {number}", GERMAN, "de")
        await worker.store.save_article(
            Draft(urls.article_id(url), url, (), "de.example", "de", page, 200, same.fetched, same.units), None, NOW)
    await drained(worker)
    assert not await worker.store.vectors([DE.id], "use-m3")
    assert await shown(worker.store) == []


@pytest.mark.parametrize("order", [(EN, AR), (AR, EN)])
async def test_a_language_that_the_encoder_does_not_cover(workers, order):
    narrow = replace(encoding(), languages=frozenset({"en", "de", "es"}))
    for worker, across in zip(workers, (Across(narrow), Across(narrow, encoding())), strict=True):
        worker = replace(worker, crosslingual=CrossLingual(worker.store, worker.pool, across))
        for one in (OTHERS, *order):
            await worker.store.save_article(one, None, NOW)
        await worker.store.mark_unjudged(None)
        await drained(worker)
        links = await worker.store.possible(Relation.TRANSLATION, None, None, 9)
        if across.second is None:    # a person is asked
            assert [({link.a, link.b}, link.translation.encoder) for link in links] == [({EN.id, AR.id}, "names")]
            assert await shown(worker.store) == []
        else:
            assert await shown(worker.store) == [(EN.id, ((AR.id, "translation"),))]
            assert links == []


async def test_what_was_found_holds_where_the_encoder_fails_later_or_is_asked_no_more(worker):
    for one in (EN, DE, AR):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    for off in (replace(worker, crosslingual=None), worker):
        worker.pool.ends = {"encoded"}
        await worker.store.mark_unjudged(None)
        await drained(off)
        assert await shown(worker.store) == WANTED


async def test_a_failure_leaves_it_to_the_next_to_have_the_others_encoded(worker):
    await worker.store.save_article(DE, None, NOW)
    await drained(worker)
    worker.pool.ends = {"encoded"}
    await worker.store.save_article(EN, None, NOW)
    await drained(worker)
    worker.pool.ends = set()
    await worker.store.mark_unjudged(None, [EN.id])
    await drained(worker)
    assert await shown(worker.store) == [(EN.id, ((DE.id, "translation"),))]


async def test_a_second_encoder_is_asked_only_where_the_first_does_not_cover(worker):
    def encode(_name, readings):
        return [replace(one, encoder="slow") for one in encoding().encode("use-m3", readings)]

    narrow = replace(encoding(), languages=frozenset({"en", "de"}))
    slow = replace(encoding(), name="slow", encode=encode)
    worker = replace(worker, crosslingual=CrossLingual(worker.store, worker.pool, Across(narrow, slow)))
    for one in (OTHERS, EN, DE, AR):
        await worker.store.save_article(one, None, NOW)
    await drained(worker)
    assert await shown(worker.store) == WANTED
    match = await worker.store.match(EN.id, DE.id)
    assert match.translation.encoder == "use-m3"
    assert (await worker.store.match(EN.id, AR.id)).translation.encoder == "slow"
    await worker.store.drop_vectors(DE.id)
    await worker.store.forget(AR.id, NOW)
    await worker.store.mark_unjudged(None, [DE.id])
    await drained(worker)
    assert not await worker.store.vectors([DE.id], "slow")
