"""Any text in any field comes back as it was, NUL and lone surrogates aside; what is packed into JSON too."""

import asyncio
import dataclasses
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.adapters.store.codec import decode, encode
from crawler.adapters.store.columns import pack_keys, storable, unpack_keys
from crawler.core.types import Attribution, Claim, Copy, Entry, FeedState, Match, Reservation, Story, Verdict
from crawler.ports import StoryQuery

NASTY = ["'; DROP TABLE articles; --", "100%_\\", "\x00", "a\x00b", "😀 𝕏 \u202e", "\ud800", ":name ? $1 {x} %s", "", "\r\n\t", "é" * 9]
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
moments = st.datetimes(timezones=st.just(UTC))
durations = st.timedeltas(timedelta(0), timedelta(days=400))
floats = st.floats(allow_nan=False, allow_infinity=False)


@pytest.mark.parametrize("kind", [Claim, Attribution, Entry, FeedState, Match, Story, Copy, Reservation])
def test_the_codec_loses_nothing(kind):
    for known, strategy in ((datetime, moments), (timedelta, durations), (str, texts), (float, floats)):
        st.register_type_strategy(known, strategy)

    @given(st.from_type(kind))
    @settings(max_examples=25)
    def round_trip(value):
        assert decode(kind, encode(value)) == value

    round_trip()


def test_the_codec_reads_rows_of_other_programs():
    assert decode(Reservation, {"kind": "k", "value": "v", "added later": 1}) == Reservation("k", "v")
    assert decode(FeedState, {}) == FeedState()
    with pytest.raises(TypeError, match="no codec"):
        decode(dataclasses.make_dataclass("Odd", [("value", complex)]), {"value": 1})


@given(st.lists(st.integers(0, 2**64 - 1)))
def test_packed_keys(keys):
    assert unpack_keys(pack_keys(keys)) == keys


async def stored_everywhere(store, desk, make, text, name):
    """Put a text into every field there is, and read it back."""
    clean = storable(text)
    url, feed = f"https://daily.example/{name}?{text}", f"https://a.example/{text}"
    claims = (Claim("published", "feed", text, make.START),)
    attributions = (Attribution("names-source", text, text, text, text),)
    desk.feeds.clear()
    await desk.add_feeds(feed, tags=(text,), keep=(text,))
    await desk.poll(storable(feed), make.seen(f"{name}{text}", url, title=text, summary=text, content=text, language=text,
                                             author=text, claims=claims, attributions=attributions))
    (sighting,) = await desk.claim()
    assert (sighting.entry.title, sighting.entry.content, sighting.tags) == (clean, clean, (text,))
    await store.save_article(make.draft(
        name, url=url, aliases=(f"{url}2",), title=text, text=text, language=text, claims=claims,
        attributions=attributions, walls=(text,), site_name=text, body=text.encode("utf-8", "replace"),
        headers=((text, text),), source=text,
    ), sighting, desk.now)
    found = (await store.article(f"a{name}")).article
    assert (found.title, found.text, found.source, found.language, found.url) == (clean, clean, clean, clean, storable(url))
    assert (found.claims, found.attributions, found.walls) == (claims, attributions, (text,))
    assert [await store.article_at(each) for each in (url, f"{url}2")] == [f"a{name}"] * 2
    assert (await store.pages(f"a{name}"))[0].headers == ((text, text),)
    await desk.put(f"{name}copy")
    await store.save_stories([f"a{name}", f"a{name}copy"], [make.story(
        f"a{name}", f"a{name}copy", outside=text, rivals=(text,))], make.START)
    found = await store.stories(StoryQuery(source=text, language=text))
    (one,) = [each for each in found if each.story.original == f"a{name}"]
    assert (one.story.outside, one.story.rivals) == (clean, (text,))
    given = Verdict(0, "confirm", one.story.id, f"a{name}", (f"a{name}copy",), text, make.START, text)
    await store.add_verdict(given)
    assert [(said.who, said.note) for said in await store.verdicts([f"a{name}"])] == [(clean, clean)]


async def test_any_text_anywhere(store, desk, make):
    for number, text in enumerate([*NASTY, "words 😀 " * 10_000]):   # longer than any index row may be
        await stored_everywhere(store, desk, make, text, f"n{number}")


async def test_a_text_of_a_megabyte(store, desk):
    text = "words 😀 " * 130_000
    await desk.put("1", text=text)
    assert (await store.articles(["a1"]))[0].text == text


async def test_a_megabyte_in_every_field(store, desk, make):
    await stored_everywhere(store, desk, make, "'; -- words 😀 " * 70_000, "big")


@pytest.fixture
async def loop():
    return asyncio.get_running_loop()


def test_statements_are_never_made_of_values(store, desk, make, loop):
    """Whatever the text, in whatever field; hypothesis knows no coroutines, so the loop is run for each example."""
    number = itertools.count()

    @given(st.text(st.characters(exclude_categories=()), max_size=60) | st.text("'\"`;\\%_$:?{}()-/*\x00\ud800\udfff", max_size=60))
    @settings(max_examples=12)
    def stored(text):
        loop.run_until_complete(stored_everywhere(store, desk, make, text, f"h{next(number)}"))

    stored()
