"""The matcher on documents in memory: the case that the project exists for, and that order does not matter."""

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
