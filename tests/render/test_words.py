"""Figures as people read them."""

import pytest

from crawler.core.elect import WEIGHTS
from crawler.core.types import AttributionKind, Kind
from crawler.render import words
from crawler.render.harmless import link, shortened


@pytest.mark.parametrize(("seconds", "text"), [
    (0, "0 s"), (45, "45 s"), (60, "1 min"), (90, "1 min 30 s"), (3600, "1 h"), (5400, "1 h 30 min"), (3605, "1 h"),
    (100000, "1 d 3 h"), (-60, "1 min"), (86400 * 3, "3 d")])
def test_duration(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "same time"), (90, "1 min 30 s"), (-300, "5 min before it")])
def test_lag(seconds, text):
    assert words.lag(seconds) == text


@pytest.mark.parametrize(("share", "text"), [
    (0, "0 %"), (0.001, "1 %"), (0.5, "50 %"), (0.994, "99 %"), (0.9999, "99 %"), (1.0, "100 %"), (None, "-")])
def test_percent_never_says_all_or_nothing_where_it_is_not(share, text):
    assert words.percent(share) == text


def test_every_kind_and_every_word_of_evidence_is_explained():
    assert set(words.KINDS) == {kind.value for kind in Kind}
    known = {*(kind.value for kind in AttributionKind), *WEIGHTS} - {"declared-copy-of", "elsewhere", "claimed-unobserved", "carries-word",
                                                                     "probably-inferred"}
    assert known <= set(words.EVIDENCE)


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:x", "//a.example", "https://a.example/\"x", "http://[", "", None,
                                 "https://a.example/<b>"])
def test_no_other_address_is_linked(url):
    assert link(url) is None


def test_shortened_cuts_at_a_word():
    assert shortened("one two three", 9) == "one two …"
    assert shortened("一二三四五六七", 4) == "一二三四 …"
    assert shortened("short", 9) == "short"
