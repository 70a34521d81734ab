"""Judging over a real store: the same articles give the same stories, whichever order they arrive in, as `dedup` does."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crawler.adapters.http import HttpFetcher
from crawler.adapters.store import open_store
from crawler.adapters.store.tables import metadata
from crawler.core import boilerplate
from crawler.core.types import Page, Relation
from crawler.dedup import Document, attributions, deduplicate
from crawler.documents import Documents
from crawler.errors import Reason, WorkerError
from crawler.pages import Pages
from crawler.pipeline import Pipeline
from crawler.ports import Draft, StoryQuery
from crawler.ports.encoding import FoundAcross
from crawler.settings import Crawl, Settings
from crawler.sources import Sources

NOW = datetime(2026, 3, 2, 6, tzinfo=UTC)
LEASE = timedelta(minutes=15)
MANY = 40    # judgements an article: far more than any order needs, so that an endless loop is seen


class Here:
    """A pool of one worker: this process. `ends` names functions whose calls end the worker."""

    def __init__(self):
        self.ends = {}

    async def run(self, function, *args, timeout):
        await asyncio.sleep(0)
        if self.ends.get(getattr(function, "__name__", ""), lambda *_: False)(*args):
            raise WorkerError(Reason.CPU, f"took more than {timeout:g} s")
        return function(*args)


@pytest.fixture(scope="module")
async def opened_store(tmp_path_factory):
    store = await open_store(f"sqlite:///{tmp_path_factory.mktemp('judging') / 'store.db'}")
    yield store
    await store.close()


@pytest.fixture(scope="module")
async def pipeline(opened_store):
    chosen = Settings(crawl=Crawl(follow_attribution=False))
    fetcher, pool, sources = HttpFetcher(chosen.crawl, "test", lambda: NOW), Here(), Sources(chosen)
    pages = Pages(chosen, opened_store, fetcher, pool, lambda: NOW, "test", sources)
    documents = Documents(chosen, opened_store, fetcher, pool, lambda: NOW, sources)
    yield Pipeline(chosen, opened_store, fetcher, pool, lambda: NOW, documents, pages, sources)
    await fetcher.close()


async def empty(store):
    async def work(connection):
        for table in reversed(metadata.sorted_tables):
            await connection.execute(sa.delete(table))

    await store._db.write(work)


async def arrive(store, document):
    text = document.text
    page = Page(document.title, text, "en", attributions=attributions(text, "en", document.title))
    await store.save_article(Draft(
        document.id, document.url, (), document.url.split("/")[2], document.source, page, 200,
        datetime.fromisoformat(document.first_seen), boilerplate.unit_keys(text, document.title)), None, NOW)


async def drain(pipeline, most, width=1):
    """Judge until nothing waits; returns how many judgements that took."""
    done = 0
    while claimed := await pipeline.store.claim_unjudged(NOW, LEASE, width):
        await asyncio.gather(*map(pipeline.judge, claimed))
        done += len(claimed)
        assert done <= most, "articles mark each other for ever"
    return done


async def crawled(pipeline, documents, batches, width=1):
    """The stories after the documents arrived in batches, each drained before the next."""
    await empty(pipeline.store)
    for batch in batches:
        for document in batch:
            await arrive(pipeline.store, document)
        await drain(pipeline, MANY * len(documents), width)
    return shown(one.story for one in await pipeline.store.stories(StoryQuery()))


def shown(stories):
    return sorted((one.original, one.confidence, one.decided, tuple(
        (copy.article, copy.kind.value, copy.similarity, copy.of_original, copy.of_copy) for copy in one.copies))
        for one in stories)


def carried(links):
    return sorted((link.a, link.b, link.a_in_b, link.b_in_a) for link in links if link.relation is Relation.CARRIES)


# --- an invented press ------------------------------------------------------------------------------------------------

WORDS = str.split("harbour council grain ferry mill winter orchard bridge teacher lantern copper river market tower garden pilot "
         "engine baker window forest letter museum anchor village doctor ladder cotton summer valley signal")


def prose(seed, count):
    """`count` sentences of a dozen words or so, of its own for each seed."""
    rand = random.Random(seed)
    return [" ".join([rand.choice(WORDS) + rand.choice(["", "s", "ed", "ing"]) for _ in range(rand.randint(9, 15))]).capitalize() + "."
            for _ in range(count)]


BASES = [prose(f"story {n}", 12) for n in range(4)]
PHRASES = [prose(f"phrase {n}", 1)[0] for n in range(4)]


def press(seed, count):
    """Articles of three sources: whole stories and parts, versions, with some of a few lines that sites repeat."""
    rand = random.Random(seed)
    documents = []
    for n in range(count):
        base, source = rand.choice(BASES), rand.choice(["North", "South", "East"])
        lines = base[:rand.choice([12, 12, 9, 6])]
        for phrase in rand.sample(PHRASES, rand.choice([0, 1, 1, 2, 3])):
            lines = [*lines, phrase] if rand.random() < 0.7 else [phrase, *lines]
        if rand.random() < 0.3:
            lines = [*lines, *prose(f"own {seed} {n}", rand.choice([2, 6]))]
        if rand.random() < 0.15:   # a digest
            lines = [*lines, *rand.choice(BASES)]
        documents.append(Document(
            f"a{n:02}", "\n".join(lines), f"https://{source.lower()}.example/{n}", source,
            rand.choice(["Harbour news of the day", f"Headline number {n}", f"What happened {n}"]),
            # So far apart that a file tells no more of when they appeared than the store does.
            first_seen=(NOW + timedelta(hours=7 * rand.randint(0, 40))).isoformat()))
    return documents


def batched(documents, seed):
    rand = random.Random(seed)
    left = rand.sample(documents, len(documents))
    while left:
        count = rand.choice([1, 1, 2, 5, len(left)])
        yield left[:count]
        left = left[count:]


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10_000), count=st.integers(3, 12), orders=st.tuples(*[st.integers(0, 10_000)] * 2),
       width=st.sampled_from([1, 3]))
async def test_any_order_of_arrival_ends_with_the_stories_of_dedup(pipeline, seed, count, orders, width):
    documents = press(seed, count)
    result = deduplicate(documents)
    expected = shown(result.stories)
    for order in orders:
        assert await crawled(pipeline, documents, list(batched(documents, order)), width) == expected
        assert carried(await pipeline.store.links([one.id for one in documents])) == carried(result.links)


def paper(id_, text, source="North", title="", seen=0):
    return Document(id_, text, f"https://{source.lower()}.example/{id_}", source, title or f"Title of {id_}",
                    first_seen=(NOW + timedelta(minutes=seen)).isoformat())


async def test_two_families_that_differ_over_each_others_lines_come_to_rest(pipeline):
    """For one family `p` is the site's and `q` its own, for the other the other way round: each judgement marked the
    other family again, for ever."""
    (p,), (q,) = prose("p", 1), prose("q", 1)
    first, second = BASES[0], BASES[1]
    documents = [paper("x1", "\n".join([*first, q, p])), paper("x2", "\n".join([*first, q])),
                 paper("y1", "\n".join([*second, p, q])), paper("y2", "\n".join([*second, p]))]
    await empty(pipeline.store)
    for one in documents:
        await arrive(pipeline.store, one)
    await drain(pipeline, 40)


async def test_the_line_of_a_site_is_left_out_of_the_first_of_its_articles_too(pipeline):
    """The third holder is a version of the second, and drops nothing itself; the first has to."""
    foot = PHRASES[0]
    documents = [paper("b", "\n".join([*BASES[0], foot])), paper("c", "\n".join([*BASES[1], foot])),
                 paper("d", "\n".join([*BASES[1], foot, "Corrected."]))]
    await crawled(pipeline, documents, [[one] for one in documents])
    dropped = await pipeline.store.dropped(["b", "c", "d"])
    assert [len(dropped[id_]) for id_ in "bcd"] == [1, 0, 0]


async def test_two_judges_at_once_do_not_undo_each_others_match(pipeline):
    """One asks for candidates before the other has its keys in, and saves after it."""
    one, two = paper("one", "\n".join(BASES[0]), "North"), paper("two", "\n".join(BASES[0]), "South")
    await empty(pipeline.store)
    await arrive(pipeline.store, one)
    slow = (await pipeline.store.claim_unjudged(NOW, LEASE, 1))[0]
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def stop(*_args, **_more):
        asked.set()
        await go_on.wait()
        return FoundAcross()

    look, Pipeline._look_across = Pipeline._look_across, stop
    try:
        task = asyncio.create_task(pipeline.judge(slow))
        await asked.wait()
    finally:
        Pipeline._look_across = look
    await arrive(pipeline.store, two)
    await drain(pipeline, 9)
    go_on.set()
    await task
    assert len(await pipeline.store.stories(StoryQuery())) == 1


@pytest.mark.parametrize("order", ["abcd", "dcba", "bdac"])
@pytest.mark.parametrize("size", [1, 2, 4])
async def test_one_text_under_three_titles_of_one_host_is_no_article(pipeline, order, size):
    text = "\n".join(BASES[0])
    by_id = {id_: paper(id_, text, "North", seen=n) for n, id_ in enumerate("abc")} | {"d": paper("d", text, "South")}
    documents = [by_id[id_] for id_ in order]
    batches = [documents[at:at + size] for at in range(0, 4, size)]
    assert await crawled(pipeline, documents, batches, 3) == []
    assert deduplicate(documents).stories == ()
    assert deduplicate(documents).barred == dict.fromkeys("abc", "template")


@pytest.mark.parametrize("steps", [["prepare"], ["weigh", "verify"], ["settle"]])
async def test_an_article_whose_judging_fails_is_judged_once(pipeline, steps):
    """It took a worker's full minute every quarter of an hour, for ever."""
    documents = [paper("one", "\n".join(BASES[0]), "North"), paper("two", "\n".join(BASES[0]), "South")]
    pipeline.pool.ends = {step: lambda *_: True for step in steps}
    try:
        assert await crawled(pipeline, documents, [documents]) == []
        assert (await pipeline.store.backlog(NOW)).unjudged == 0
    finally:
        pipeline.pool.ends = {}
    await pipeline.store.mark_unjudged(None)
    await drain(pipeline, 9)
    assert len(await pipeline.store.stories(StoryQuery())) == 1


async def test_one_candidate_that_takes_too_long_does_not_hide_the_others(pipeline):
    documents = [paper(f"p{n}", "\n".join(BASES[0]), source) for n, source in enumerate(["North", "South", "East"])]
    slow = lambda _one, others, _rules: any(one.article.id == "p1" for one in others)   # noqa: E731 - two of one kind
    pipeline.pool.ends = {"weigh": slow, "verify": slow}
    try:
        found = await crawled(pipeline, documents, [documents[1:2], documents[:1], documents[2:]])
    finally:
        pipeline.pool.ends = {}
    assert [(one[0], [copy[0] for copy in one[3]]) for one in found] == [("p0", ["p2"])]
