"""Pairs of sentences, as each reader gets them."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest

from crawler.core.report import report
from crawler.core.types import (
    Article,
    Kind,
    Link,
    Match,
    Passage,
    Relation,
    Translation,
)
from crawler.matcher import Reading, Rules
from crawler.render import FORMATS, Layout, comparison, detail, render, words
from crawler.render.sides import beside

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOSTILE = "\x1b[31mred\x07 [bold]b[/bold] <script>alert(1)</script> \u202egnp.exe | *x* `y` ](javascript:1) \u2028 {{7*7}}"


def article(id_, text, language):
    return Article(id_, f"https://{id_}.example/", f"{id_.upper()} Post", f"Title {id_}", text, language, NOW, None)


def offered(one="one two.", other="eins zwei."):
    """A report with a pair that a person is asked about, of three pairs of sentences."""
    ends = [(at * len(one), (at + 1) * len(one)) for at in range(3)], [(at * len(other), (at + 1) * len(other)) for at in range(3)]
    pairs = tuple(Passage(*a, *b, 2) for a, b in zip(*ends, strict=True))
    link = Link(Relation.TRANSLATION, "a", "b", 0.4, 0.3, pairs, Translation("use-m3", 0.63, 0.5, (0.71, 0.52, 0.66)))
    return report([], generated=NOW, since=None, until=None, articles=2,
                  translations=[(link, article("a", one * 3, "en"), article("b", other * 3, "de"))])


def written(format_, found):
    return "".join(render(format_, found, Layout()))


@pytest.mark.parametrize(("format_", "pairs"), [("table", 2), ("md", 2), ("html", 3)])
def test_people_read_of_possible_translations(format_, pairs):
    out = " ".join(unescape(re.sub(r"<[^>]+>", " ", written(format_, offered())) if format_ == "html" else written(format_, offered())).split())
    assert "ossible translation, 63 %" in out
    assert "firsthand verdict a confirm|reject b" in out
    assert [out.count(sentence) for sentence in ("one two.", "eins zwei.")] == [pairs, pairs]
    assert "71 %" in out
    assert ("and 1 more pair of sentences" in out) == (format_ == "table")


@pytest.mark.parametrize("format_", FORMATS)
def test_no_sentence_acts_on_the_reader(format_):
    out = written(format_, offered(HOSTILE, HOSTILE))
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028]", out)
    if format_ in ("html", "md"):
        assert "<script" not in out.replace("\\<script", "")
    if format_ == "table":
        assert "[bold]b[/bold]" in out


def test_programs_read_both_sentences():
    (one,) = json.loads(written("json", offered()))["possible_translations"]
    assert (one["probability"], one["order"], one["encoder"]) == (0.63, 0.5, "use-m3")
    assert one["shared"][0] == {"a": [0, 8], "b": [0, 10], "quote": "one two.", "translated": "eins zwei.", "score": 0.71}


def test_shares_and_sentences_are_turned_with_the_sides():
    texts = {"a": "one two. three four.", "b": "vier drei. zwei eins."}
    one, other = (Reading(Article(id_, f"https://{id_}.example/", id_, "", text, language, NOW, None))
                  for (id_, text), language in zip(texts.items(), ("en", "de"), strict=True))
    match = Match("a", "b", 1.0, 0.8, 0.6, 2, 2, 1.0, Kind.TRANSLATION, True, (Passage(0, 8, 11, 21, 2), Passage(9, 20, 0, 10, 2)),
                  translation=Translation("e", 0.97, 0.5, (0.7, 0.9)))
    straight, turned = (beside(left, right, Rules(), match)["translation"] for left, right in ((one, other), (other, one)))
    assert (straight["coverage"], turned["coverage"]) == ([0.8, 0.6], [0.6, 0.8])
    assert straight["pairs"] == [{"left": "one two.", "right": "zwei eins.", "score": 0.7},
                                 {"left": "three four.", "right": "vier drei.", "score": 0.9}]
    assert turned["pairs"] == [{"left": "vier drei.", "right": "three four.", "score": 0.9},
                               {"left": "zwei eins.", "right": "one two.", "score": 0.7}]
    assert beside(one, other, Rules(), replace(match, translation=None))["translation"] is None


def test_a_shared_passage_of_a_translation_is_two_sentences_with_their_score():
    match = Match("a", "b", 1.0, 0.8, 0.6, 1, 2, 1.0, Kind.TRANSLATION, True, (Passage(0, 8, 9, 19, 2),),
                  translation=Translation("e", 0.97, 1.0, (0.7,)))
    texts = {"a": "one two. three.", "b": "nothing. eins zwei."}
    assert list(detail.passages(match, "b", texts)) == [
        {"words": 2, "original": [9, 19], "copy": [0, 8], "quote": "eins zwei.", "translated": "one two.", "score": 0.7}]
    assert "score" not in next(detail.passages(replace(match, translation=None), "a", texts))


def side(id_, text, language):
    return comparison.Side(id_, None, Reading(article(id_, text, language)))


@pytest.mark.parametrize(("probability", "copied", "refused", "verdict"), [
    (0.97, True, None, "translated copy"), (0.63, False, "doubtful", "possible translation"), (0.2, False, None, "unrelated")])
def test_a_comparison_says_how_sure_it_is(probability, copied, refused, verdict):
    from crawler.core.types import Refusal

    match = Match("a", "b", 0.5, 0.8, 0.6, 1, 2, 1.0, Kind.TRANSLATION, copied, (Passage(0, 8, 0, 10, 2),),
                  refused=None if copied else Refusal.DOUBTFUL, translation=Translation("use-m3", probability, 1.0, (0.7,)))
    found = comparison.row(side("a", "one two.", "en"), side("b", "eins zwei.", "de"), Rules(), {}, match)
    assert (found["copied"], found["related"], found["refused"]) == (copied, bool(refused), refused)
    assert found["translation"]["probability"] == probability
    out = comparison.text(found, Layout())
    assert out.startswith(verdict + "\n")
    assert f"{words.percent(probability)} probable that one is the other translated" in " ".join(out.split())
    assert ("neither a translated copy nor a possible translation, 20 % probable" in out) == (verdict == "unrelated")
    assert ("shared runs of words" in out) == (verdict == "unrelated")


def test_a_copy_by_words_is_judged_by_its_words():
    text = " ".join(f"On day {n} the ferry to pier {n * 7} carried {n * 3} lorries and a brass band from village {n}." for n in range(9))
    match = Match("a", "b", 0.5, 0.8, 0.6, 1, 2, 1.0, Kind.TRANSLATION, True, (Passage(0, 8, 0, 10, 2),),
                  translation=Translation("use-m3", 0.97, 1.0, (0.7,)))
    found = comparison.row(side("a", text, "en"), side("b", text, "de"), Rules(), {}, match)
    assert (found["kind"], found["translation"]["probability"]) == ("exact", 0.97)


def test_certain_is_nothing():
    assert [words.probable(share) for share in (1.0, 0.999, 0.99, 0.63)] == ["over 99 %", "over 99 %", "99 %", "63 %"]
    assert [words.order(share) for share in (1.0, 0.999, 0.5)] == [
        "all in the same order", "99 % of them in the same order", "50 % of them in the same order"]
