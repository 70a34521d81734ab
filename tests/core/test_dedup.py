"""The matcher on documents in memory: the case that the project exists for, and that order does not matter."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler import compare, deduplicate
from crawler.dedup import Deduplicated, Document

GREET = "أهلا بكم زوارنا الكرام في بوابتكم الأولى، نقدم لكم الآن ما يدور في عالمكم"
ODD = "Sit down dear guest the kettle sings while the porter brings you letters from every corner of the realm"


def kinds(result: Deduplicated) -> dict[str, str | None]:
    return {row.id: row.kind or row.role for row in result.rows}


def wrapped(text: str, title: str, phrase: str) -> str:
    lines = [" ".join([*line.split()[:7], phrase, *line.split()[7:]]) if n % 3 == 1 else line
             for n, line in enumerate(text.split("\n"))]
    return "\n".join([phrase, title, *lines, phrase])


@pytest.mark.parametrize(("name", "phrase"), [("harbour", ODD), ("dam", GREET)])
def test_a_copy_wrapped_in_phrases_that_stand_in_no_table(prose: SimpleNamespace, name: str, phrase: str) -> None:
    texts = [prose.harbour, prose.market] if name == "harbour" else [prose.dam, prose.market]
    docs = [Document("paper", texts[0], source="Paper", title="First report", published="2026-03-02T09:00:00Z"),
            *(Document(f"portal{n}", wrapped(text, f"Headline number {n}", phrase), source="Portal",
                       title=f"Headline number {n}", published=f"2026-03-02T1{n}:00:00Z") for n, text in enumerate(texts))]
    result = deduplicate(docs)
    copy = next(row for row in result.rows if row.id == "portal0")
    assert (copy.kind, copy.original) == ("wrapped", "paper")
    assert copy.of_original is not None
    assert copy.of_original >= 0.95
    assert kinds(result)["portal1"] == "single"


def documents(prose: SimpleNamespace) -> list[Document]:
    half = "\n".join(prose.harbour.split("\n")[:4])
    return [
        Document("a", prose.harbour, source="Paper", published="2026-03-02T09:00:00Z"),
        Document("b", prose.harbour.replace("Tuesday", "Wednesday"), source="Other", published="2026-03-02T10:00:00Z"),
        Document("c", half, source="Third", published="2026-03-02T11:00:00Z"),
        Document("d", prose.market, source="Paper", published="2026-03-02T11:00:00Z"),
        Document("e", f"{prose.market}\nPrinted later, with thanks to those who stood in the rain for it all night.",
                 source="Paper", published="2026-03-02T12:00:00Z"),
        Document("f", prose.dam, source="Nahr", published="2026-03-02T08:00:00Z"),
        Document("g", "too short", source="Nahr"),
        Document("h", "", source="Nahr"),
    ]


def test_kinds_and_roles(prose: SimpleNamespace) -> None:
    result = deduplicate(documents(prose))
    assert kinds(result) == {"a": "original", "b": "near", "c": "excerpt", "d": "original", "e": "revision",
                             "f": "single", "g": "single", "h": "single"}
    assert result.barred == {"g": "short", "h": "short"}
    assert [(pair.a, pair.b) for pair in result.pairs] == [("a", "b"), ("a", "c"), ("b", "c"), ("d", "e")]


def test_a_pair_has_the_kind_that_the_story_gives_it(prose: SimpleNamespace) -> None:
    result = deduplicate(documents(prose))
    assert {(pair.a, pair.b): pair.kind for pair in result.pairs} == {
        ("a", "b"): "near", ("a", "c"): "excerpt", ("b", "c"): "excerpt", ("d", "e"): "revision"}


@settings(max_examples=15)
@given(order=st.permutations(range(8)))
def test_the_order_of_the_documents_does_not_matter(prose: SimpleNamespace, order: list[int]) -> None:
    docs = documents(prose)
    expected = deduplicate(docs)
    found = deduplicate([docs[n] for n in order])
    assert sorted(found.rows, key=lambda row: row.id) == sorted(expected.rows, key=lambda row: row.id)
    assert (found.pairs, found.stories) == (expected.pairs, expected.stories)


def test_the_number_of_processes_does_not_matter(prose: SimpleNamespace) -> None:
    docs = documents(prose)
    assert deduplicate(docs, jobs=2) == deduplicate(docs)


def test_a_hundred_identical_texts_are_one_story(prose: SimpleNamespace) -> None:
    docs = [Document(f"n{n:03}", prose.market, source=f"s{n}", published="2026-03-02T09:00:00Z") for n in range(100)]
    result = deduplicate(docs)
    assert len(result.stories) == 1
    assert len(result.stories[0].copies) == 99


def test_outside_the_window_nothing_is_compared(prose: SimpleNamespace) -> None:
    docs = [Document("old", prose.market, source="a", published="2025-01-01T09:00:00Z"),
            Document("new", prose.market, source="b", published="2026-01-01T09:00:00Z")]
    assert deduplicate(docs).stories == ()


def test_mappings_are_taken_and_ids_must_be_unique(prose: SimpleNamespace) -> None:
    assert deduplicate([{"id": "a", "text": prose.market}, {"id": "b", "text": prose.market}]).stories
    with pytest.raises(ValueError, match="not unique"):
        deduplicate([{"id": "a", "text": "x"}, {"id": "a", "text": "y"}])


def test_foreign_characters_break_nothing() -> None:
    texts = ["\ud800 lone", "nul \x00 here", "\u202e turned", "a" * 100_000, "क" * 1000, "١٢٣ mixed 中文 हिन्दी"]
    assert len(deduplicate([Document(str(n), text * 3) for n, text in enumerate(texts)]).rows) == len(texts)


def test_a_document_without_a_time_is_not_the_first_for_that(prose: SimpleNamespace) -> None:
    docs = [Document("a", prose.market, source="Copier"),
            Document("b", prose.market, source="Paper", published="2026-03-02T09:00:00Z")]
    story = deduplicate(docs).stories[0]
    assert story.original == "b"
    assert not story.decided


def test_compare_two_texts(prose: SimpleNamespace) -> None:
    found = compare(prose.harbour, prose.harbour + "\n" + prose.market)
    assert found is not None
    assert found.a_in_b == 1
    assert compare("one thing", "another matter") is None


def test_a_story_with_more_copies_than_candidates_stays_whole(prose: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 600 copies each is compared with 50, which need not be the original: they fell into two stories."""
    monkeypatch.setattr("crawler.matcher.CANDIDATES", 12)
    lines = prose.harbour.split("\n")
    own = prose.market.split("\n")
    docs = [Document(f"d{n:02}", "\n".join([*lines, *own[:n % 3]]), source=f"Paper {n}", first_seen=f"2026-03-02T09:{n:02}:00Z")
            for n in range(60)]
    found = deduplicate(docs)
    assert [len(one.copies) for one in found.stories] == [59]


def digest(prose: SimpleNamespace) -> list[Document]:
    both = f"Good morning, this is what others wrote.\n{prose.harbour}\nAlso in the news:\n{prose.market}\nSee you tomorrow."
    return [Document("h", prose.harbour, source="Post", first_seen="2026-03-02T09:00:00Z"),
            Document("h2", prose.harbour + "\nMore follows.", source="Gull", first_seen="2026-03-02T10:00:00Z"),
            Document("m", prose.market, source="Times", first_seen="2026-03-02T09:30:00Z"),
            Document("d", both, source="Round-up", first_seen="2026-03-02T12:00:00Z")]


def test_a_digest_is_linked_to_what_it_carries_and_is_no_copy(prose: SimpleNamespace) -> None:
    result = deduplicate(digest(prose))
    assert kinds(result) == {"h": "original", "h2": "near", "m": "single", "d": "single"}
    assert [(one.relation, one.a, one.b, one.b_in_a) for one in result.links] == [("carries", "d", "h", 1.0), ("carries", "d", "m", 1.0)]
    assert [(pair.a, pair.b) for pair in result.pairs] == [("h", "h2")]


@settings(max_examples=15)
@given(order=st.permutations(range(4)))
def test_links_do_not_depend_on_the_order(prose: SimpleNamespace, order: list[int]) -> None:
    docs = digest(prose)
    expected, found = deduplicate(docs), deduplicate([docs[n] for n in order])
    assert (found.links, found.stories, found.pairs) == (expected.links, expected.stories, expected.pairs)


def test_a_copy_of_a_later_version_is_measured_by_that_version(prose: SimpleNamespace) -> None:
    later = prose.harbour.replace("Eleven of the fifteen", "Twelve of the sixteen") + "\n" + "\n".join(prose.market.split("\n")[:3])
    result = deduplicate([Document("v1", prose.harbour, source="Post", first_seen="2026-03-02T09:00:00Z"),
                          Document("v2", later, source="Post", first_seen="2026-03-02T11:00:00Z"),
                          Document("c", later, source="Gull", first_seen="2026-03-02T12:00:00Z")])
    copy = next(row for row in result.rows if row.id == "c")
    assert (copy.kind, copy.original, copy.matched, copy.of_original) == ("exact", "v1", "v2", 1.0)


def half(prose: SimpleNamespace, told: str) -> list[Document]:
    part = "\n".join(prose.harbour.split("\n")[3:7])
    own = "\n".join(prose.market.split("\n")[:4])
    return [Document("a", prose.harbour, source="Ellery Post"), Document("b", f"{own}\n{told}\n{part}", source="Gull")]


def test_less_than_the_containment_makes_a_copy_where_it_names_its_source(prose: SimpleNamespace) -> None:
    silent, open_ = ("That is not all that happened there this week.", "The Ellery Post reported the sale first, on its front page.")
    assert kinds(deduplicate(half(prose, silent))) == {"a": "single", "b": "single"}
    assert kinds(deduplicate(half(prose, open_))) == {"a": "original", "b": "partial"}


def test_one_short_text_under_headlines_of_which_it_says_nothing_is_a_wall() -> None:
    wall = ("You are seeing this because your reading allowance for the present calendar period has been used up in full. Hand in "
            "your details in order to go on, or return once a new period has begun. Those who hold a pass need only show it, and "
            "whoever has mislaid theirs can have another one made out at the desk on the ground floor at any hour.")
    docs = [Document("a", wall, source="Telegraph", title="Libraries to shut on Mondays from June"),
            Document("b", wall, source="Courier", title="Stonecutters win vote over quarry sale")]
    assert kinds(deduplicate(docs)) == {"a": "single", "b": "single"}
    same = [Document("a", wall, source="Telegraph", title="Reading allowance used up"), Document("b", wall, source="Courier", title="x")]
    assert kinds(deduplicate(same)) == {"a": "original", "b": "exact"}


@settings(max_examples=10)
@given(order=st.permutations(range(27)))
def test_of_many_with_one_text_the_first_are_judged_and_the_others_follow(prose: SimpleNamespace, order: list[int]) -> None:
    docs = [*twins(prose, 25), Document("x", prose.market, source="Gull", first_seen="2026-03-03T12:00:00Z"), Document("y", prose.harbour)]
    result = deduplicate([docs[n] for n in order])
    assert result.stories == deduplicate(docs).stories
    assert kinds(result) == {"n00": "original", "x": "exact", "y": "single", **{f"n{n:02}": "revision" for n in range(1, 25)}}


@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from([
    "", " ", "a", "\ud800", "x\udfffy", "\0", "\u202eabc", "नमस्ते мир 世界 مرحبا hello", "👩‍👩‍👧‍👦" * 9, "'" * 50, "\n" * 50])), max_size=6))
def test_no_text_is_too_odd(texts: list[str]) -> None:
    docs = [Document(f"d{n}", text, source="S", title=text[:9]) for n, text in enumerate(texts)]
    assert len(deduplicate(docs).rows) == len(texts)


def twins(prose: SimpleNamespace, count: int) -> list[Document]:
    rest = [Document(f"n{n:02}", prose.market, source="Times", first_seen=f"2026-03-02T{n % 24:02}:30:00Z") for n in range(1, count)]
    return [Document("n00", prose.market, source="Times", first_seen="2026-03-02T00:30:00Z"), *rest]


@pytest.mark.parametrize("count", [20, 21, 40])
def test_many_of_one_outlet_leave_the_original_to_whom_it_belongs(prose: SimpleNamespace, count: int) -> None:
    """Whatever the number: the other outlet was there before them."""
    early = Document("early", prose.market, source="Post", first_seen="2026-03-01T06:00:00Z", appeared_after="2026-03-01T05:30:00Z")
    docs = [replace(one, appeared_after="2026-03-01T12:00:00Z") for one in twins(prose, count)]
    result = deduplicate([*docs, early])
    assert {(one.original, one.decided, len(one.copies)) for one in result.stories} == {("early", True, count)}


def test_those_that_were_seen_years_later_do_not_follow(prose: SimpleNamespace) -> None:
    near = prose.market.replace("thirty years", "forty years")
    late = [replace(one, first_seen=f"2029-{one.first_seen[5:]}") for one in twins(prose, 24) if one.first_seen]
    docs = [Document("a", prose.market, source="Times", first_seen="2026-01-01T00:00:00Z"),
            Document("x", near, source="Gull", first_seen="2026-01-02T00:00:00Z"), *late]
    result = deduplicate(docs)
    assert {(one.original, len(one.copies)) for one in result.stories} == {("a", 1), ("n00", 23)}


def test_a_small_paper_does_not_lose_to_one_that_is_called_like_a_word(prose: SimpleNamespace) -> None:
    text = prose.market + " Economists expect more such markets. Time is running out for the others."
    result = deduplicate([Document("small", text, source="Small Gazette", first_seen="2026-03-02T06:00:00Z", published="2026-03-02T05:50:00Z"),
                          Document("big", text, source="The Economist", first_seen="2026-03-02T12:00:00Z", published="2026-03-02T11:50:00Z")])
    assert result.stories[0].original == "small"


@pytest.mark.parametrize("ids", [("o", "x1", "x2"), ("o", "a1", "a2"), ("o", "a1", "x2")])
def test_what_becomes_of_two_halves_does_not_hang_on_their_ids(prose: SimpleNamespace, ids: tuple[str, str, str]) -> None:
    lines = prose.harbour.split("\n")
    whole, *halves = ids
    result = deduplicate([Document(whole, prose.harbour, source="Post"),
                          *(Document(id_, "\n".join(part), source=id_) for id_, part in zip(halves, (lines[:4], lines[4:]), strict=True))])
    assert [(one.relation, one.a, one.b) for one in result.links] == [("carries", whole, half_) for half_ in sorted(halves)]
    assert result.stories == ()


def test_a_time_that_is_none_is_an_error_and_not_never() -> None:
    with pytest.raises(ValueError, match="no RFC 3339 time"):
        deduplicate([Document("a", "some text", first_seen="yesterday")])
    with pytest.raises(ValueError, match="later than first_seen"):
        deduplicate([Document("a", "some text", first_seen="2026-03-02T09:00:00Z", appeared_after="2026-03-02T10:00:00Z")])


def test_a_rewording_is_offered_once_for_a_story(prose: SimpleNamespace) -> None:
    from tests.core.test_rewording import RETOLD

    docs = [Document("o", prose.harbour, source="Post"), Document("c", prose.harbour + "\nMore follows.", source="Gull"),
            Document("r", RETOLD, source="Other")]
    assert [link.relation for link in deduplicate(docs).links] == ["rewording"]
