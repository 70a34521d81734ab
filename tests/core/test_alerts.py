"""Which stories fulfil what somebody asked for."""

import pytest

from crawler.core.alerts import Conditions, fulfils

ROW = {
    "original": {"title": "Night ferry to Skarrow returns", "source": "The Harbour Post", "language": "en"},
    "copies": [{"title": "Ferry: it is back", "source": "NewsBasket", "kind": "exact"},
               {"title": "عودة العبّارة الليلية", "source": "بوابة الموجز", "kind": "wrapped"},
               {"title": "Night ferry returns, says council", "source": "The Harbour Post", "kind": "revision"}],
}
LEAD = "The council of Ångström voted for a Night  Train instead."


@pytest.mark.parametrize(("conditions", "found"), [
    (Conditions(), True),
    (Conditions(words=("ferry",)), True),
    (Conditions(words=("FERRIES",)), False),
    (Conditions(words=("tram", "night train")), True),
    (Conditions(words=("train night",)), False),
    (Conditions(words=("ferry to Skarrow",)), True),
    (Conditions(words=("angstrom",)), True),
    (Conditions(words=("العبارة",)), True),
    (Conditions(words=("newsbasket",)), True),
    (Conditions(sources=("the harbour post",)), True),
    (Conditions(sources=("Harbour",)), False),
    (Conditions(sources=("NewsBasket",), role="original"), False),
    (Conditions(sources=("NewsBasket",), role="copy"), True),
    (Conditions(sources=("The Harbour Post",), role="original"), True),
    (Conditions(languages=("ar", "en-GB")), True),
    (Conditions(languages=("ar",)), False),
    (Conditions(min_copies=2), True),
    (Conditions(min_copies=3), False),
    (Conditions(words=("ferry",), sources=("Nobody",)), False),
], ids=repr)
def test_a_story_fulfils(conditions, found):
    assert fulfils(conditions, ROW, LEAD) is found


def test_words_far_into_the_original_do_not_count():
    assert fulfils(Conditions(words=("zebra",)), ROW, "a " * 290 + "zebra")
    assert not fulfils(Conditions(words=("zebra",)), ROW, "a " * 300 + "zebra")


def test_a_story_without_a_language_is_in_none():
    assert not fulfils(Conditions(languages=("en",)), {**ROW, "original": {**ROW["original"], "language": None}}, "")
