"""Which parts of a text are other people's words."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import quotes


def quoted(text: str) -> list[str]:
    return [text[start:end] for start, end in quotes.spans(text)]


@pytest.mark.parametrize(("text", "expected"), [
    ('She said "there is nothing left to sell" and went.', ['"there is nothing left to sell"']),
    ("Er sagte: „Das ist ‚nur ein Test‘ für alle hier“, und ging.", ["„Das ist ‚nur ein Test‘ für alle hier“"]),
    ("Il a dit : « Nous n’avons rien à vendre ici » hier.", ["« Nous n’avons rien à vendre ici »"]),
    ("»Wir haben hier nichts zu verkaufen«, sagte er.", ["»Wir haben hier nichts zu verkaufen«"]),
    ("Он сказал: «Это „важный“ вопрос для всех».", ["«Это „важный“ вопрос для всех»"]),
    ("他说：“我们这里没有什么可以卖的东西了。”", ["“我们这里没有什么可以卖的东西了。”"]),
    ("He said ‘there’s nothing left to sell here’ twice.", ["‘there’s nothing left to sell here’"]),
    ("The mayor's dog isn't for sale, the town's cat is.", []),
    ('The "Ship" and the "Crown" are closed.', []),                       # names, too short for words
    ("“The first part goes on\n“and the second ends it here.” He left.",
     ["“The first part goes on", "“and the second ends it here.”"]),
], ids=range(10))
def test_quotation_marks_of_every_habit(text: str, expected: list[str]) -> None:
    assert quoted(text) == expected


def test_the_turns_of_a_transcript_are_not_the_reporters() -> None:
    text = ("The hearing lasted an hour.\nThe Chair: Did you read it?\nMs Orr: I skimmed it.\nThe Chair: All of it?\n"
            "Ms Orr: The first page.\nIt goes on next week.")
    assert quoted(text) == text.split("\n")[1:5]


def test_a_dialogue_with_dashes_is_one_and_a_list_with_dashes_none() -> None:
    talk = "Мы встретились утром.\n— Почему так вышло?\n— Не знаю.\n— А кто знает?\n— Никто."
    assert quoted(talk) == talk.split("\n")[1:]
    assert quoted("The rules:\n— No dogs\n— No bicycles\n— No music\n— No fires") == []


def test_terms_with_a_colon_are_no_speakers() -> None:
    assert quoted("Time: noon\nPlace: the harbour\nEntry: free\nDress: warm\nTalk starts at two.") == []


@pytest.mark.parametrize("post", [
    "We sail at noon whatever they say\n— Ferry Line (@ferryline) March 3, 2026",
    "Ferry Line @ferryline · 3 Mar\nWe sail at noon whatever they say",
])
def test_a_post_is_known_by_its_author(post: str) -> None:
    assert quoted(f"The line answered.\n{post}\nNobody believed it.") == post.split("\n")


@given(st.text(alphabet="“”„«»\"'‘’—: \nabcd@?", max_size=200))
def test_spans_are_in_order_and_apart(text: str) -> None:
    found = quotes.spans(text)
    assert all(0 <= start < end <= len(text) for start, end in found)
    assert all(one[1] <= other[0] for one, other in pairwise(found))


LONG = "The council of Port Ellery met on Tuesday and sold the crane, the shed and the clock for less than a boat costs. " * 6


@pytest.mark.parametrize("text", [
    f"{LONG}Follow us on Twitter @harbourpost.", f"{LONG}More at https://t.co/abc today.",
    'בשנה שעברה אמר צה"ל כי כוחות ארה"ב יישארו עד האביב ואז יצאו מן הנמל הישן.',
    'They sell screens of 24" and of 32" in the shop beside the harbour, and no others at all.',
    "The ‘90s were good to the town and to its clubs’ members, who built the pier."])
def test_what_only_looks_like_other_peoples_words(text: str) -> None:
    assert sum(end - start for start, end in quotes.spans(text)) < 0.2 * len(text)


@pytest.mark.parametrize(("text", "expected"), [
    ("“There is nothing left to sell\" she said, and went to “the other room” at once.", "“There is nothing left to sell\""),
    ("»Meillä ei ole mitään myytävää täällä», hän sanoi lähtiessään.", "»Meillä ei ole mitään myytävää täällä»")])
def test_marks_that_do_not_match_close_all_the_same(text: str, expected: str) -> None:
    assert quoted(text)[0] == expected


@pytest.mark.parametrize(("opens", "closes"), [("“", "”"), ("«", "»"), ('"', '"'), ("„", "“")])
def test_one_pair_of_marks_about_several_paragraphs(opens: str, closes: str) -> None:
    said = f"{opens}We have nothing left to sell but the clock,\nand the clock has never once been right,\nas everybody knows.{closes}"
    assert quoted(f"The mayor spoke.\n{said} she ended.\nThen she went.") == [said]


def test_a_mark_too_many_quotes_nothing() -> None:
    text = 'The screen" was sold.\n' + "\n".join(f"In the year {n} the harbour sold another one of its many cranes." for n in range(9))
    assert sum(end - start for start, end in quotes.spans(text)) < 0.2 * len(text)
