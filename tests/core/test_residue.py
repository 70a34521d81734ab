"""Where a copy carries the name of the one it was taken from."""

import pytest

from crawler.core.elect import residue
from crawler.core.types import UNOBSERVED, Article

FILLER = "The council of Port Ellery met on Tuesday and sold the crane, the shed and the clock for less than a boat costs."


def mention(source: str, line: str, url: str = "https://www.elsewhere.example/1") -> bool | None:
    """True in a credit, False elsewhere, None where the name is not."""
    known = residue.names(Article("a", url, source, "", "", None, UNOBSERVED))
    found = residue.mention(known, f"{FILLER}\n{line}\n{FILLER}")
    return found.credit if found else None


@pytest.mark.parametrize(("source", "line"), [
    ("The Coast Courier", "By Ann Orr and Bob Lee, Coast Courier"),
    ("The Coast Courier", "Ann Orr The Coast Courier"),
    ("coastcourier.com", "By Philip Orr The Coast Courier"),
    ("The Coast Courier", "PORT ELLERY (Coast Courier) - The council met again on Wednesday to buy the clock back for more."),
    ("CNN", "By ANN ORR, CNN"), ("cnn.com", "Copyright 2018 by CNN NewSource. All rights reserved."),
    ("The Coast Courier", "Photo: Dee Sallis for the Coast Courier"),
    ("coast-courier.example", "coast-courier.example/news/2026/crane-sold"),
    ("云河日报", "本报讯（云河日报记者 柏青）港口理事会周二投票决定出售起重机和旧仓库。"),
    ("المرفأ", "المصدر صحيفة المرفأ"),
])
def test_a_line_that_says_whose_the_text_is(source: str, line: str) -> None:
    assert mention(source, line) is True


@pytest.mark.parametrize(("source", "line"), [
    ("The Coast Courier", "The mayor told the Coast Courier on Monday that the clock had never once been right in his life."),
    ("Заволжский вестник", "Мы этого не ждали, сказала она «Заволжскому вестнику» вчера вечером после заседания совета."),
    ("المرفأ", "وقال رئيس المجلس لصحيفة المرفأ إن الساعة لم تكن صحيحة يوما واحدا في حياته وإنه لا يأسف على بيعها أبدا."),
    ("Yayla Gazetesi", "Başkan, Yayla Gazetesi'ne yaptığı açıklamada saatin hiçbir zaman doğru olmadığını söyledi dün akşam."),
    ("Lauenbrücker Bote", "Der Bürgermeister sagte dem Lauenbrücker Boten am Montag, die Uhr habe nie richtig gezeigt, nie."),
])
def test_a_name_in_the_text_in_any_case(source: str, line: str) -> None:
    assert mention(source, line) is False


@pytest.mark.parametrize(("source", "line"), [
    ("The Times", "He tried three times to sell the crane, and at times he offered the clock with it for nothing at all."),
    ("The Times", "The New York Times wrote about the sale of the crane and of the clock in the spring of last year again."),
    ("Portal", "Port Ellery has a harbour, a porter and a porthole, and none of them is for sale at any price this year."),
    ("CNN", "Kenneth Orr said the crane was worth more than the clock, the shed and the boat of the mayor together."),
    ("The Economist", "Economists expect that the crane, the shed and the clock will be sold again before the year is out."),
    ("Dawn", "The crane was gone by noon. Dawn broke over a harbour that nobody in the town would have known any more."),
    ("The Independent", "On Independence Day the mayor will cut the ribbon before the clock, if the clock is still his to show."),
    ("The Nation", "The National Weather Service expects rain over the harbour on the day that the crane is to be taken away."),
    ("القدس", "قال رئيس المجلس إن الرافعة ستنقل إلى القدس في الربيع وإن الساعة ستبقى في مكانها فوق باب المخزن القديم هناك."),
    ("The Coast Courier", "The Coastal Courier Service takes the crane away in the morning, if the weather of the harbour lets it."),
    ("The Coast Courier", "The coast is clear, the courier said, and drove the crane away to the scrapyard in the evening."),
])
def test_a_word_that_is_no_name(source: str, line: str) -> None:
    assert mention(source, line) is None


def test_a_name_that_is_a_word_too_is_heard_but_is_not_sure() -> None:
    known = residue.names(Article("a", "https://e.example/1", "The Guardian", "", "", None, UNOBSERVED))
    bare = residue.mention(known, f"{FILLER} The mayor told the Guardian on Monday that the clock had never been right at all.")
    marked = residue.mention(known, f"{FILLER} The mayor told “Guardian” on Monday that the clock had never been right at all.")
    assert bare is not None
    assert not bare.sure
    assert marked is not None
    assert marked.sure


def test_a_quote_is_cut_between_words() -> None:
    known = residue.names(Article("a", "https://e.example/1", "Coast Courier", "", "", None, UNOBSERVED))
    found = residue.mention(known, f"{FILLER} {FILLER} The mayor told the Coast Courier so. {FILLER} {FILLER}")
    assert found is not None
    assert "told the Coast Courier so." in found.quote
    assert set(found.quote.split()) <= set(FILLER.split()) | {"The", "mayor", "told", "the", "Coast", "Courier", "so."}
