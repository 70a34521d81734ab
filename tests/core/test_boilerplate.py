"""What a source repeats around its articles is learnt, and nothing else."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from crawler.core import boilerplate
from crawler.core.text import words

FOOT = "Join forty thousand neighbours who get the Ellery Lantern in their letterbox before breakfast"
STORIES = [
    ("Grain terminal sold", "The council voted to sell the terminal. Eleven members backed the plan after a long night."),
    ("Ferry sinks at its mooring", "A ferry sank at its mooring on Sunday. Nobody was on board when the pump failed."),
    ("School wins robot prize", "Pupils from the hill school won a prize. Their robot sorted beans faster than a cook."),
    ("Bakers warn of shortage", "Bakers warned of a flour shortage. Two mills have closed since the autumn floods."),
]


def body_of(stories: list[tuple[str, str]], at: int) -> str:
    """The kept words of one story, with what its source repeats learnt from all of them."""
    own = {f"a{n}": boilerplate.units(text, title) for n, (title, text) in enumerate(stories)}
    holders: dict[int, list[str]] = {}
    for id_, units in own.items():
        for key in {unit.key for unit in units}:
            holders.setdefault(key, []).append(id_)
    title, text = stories[at]
    repeats = boilerplate.repeated(f"a{at}", own[f"a{at}"], holders)
    body = boilerplate.strip(f"a{at}", "Lantern", text, title, repeats)
    return " ".join(body.words[n].form for n in body.kept())


def test_a_line_under_three_articles_is_the_sites_own() -> None:
    three = [(title, f"{text}\n{FOOT}") for title, text in STORIES[:3]]
    assert "letterbox" not in body_of(three, 0)
    assert "eleven members backed" in body_of(three, 0)


def test_a_line_under_two_articles_is_not_yet() -> None:
    two = [(title, f"{text}\n{FOOT}") for title, text in STORIES[:2]]
    assert "letterbox" in body_of(two, 0)


def test_a_sentence_inside_a_paragraph_is_learnt_too() -> None:
    stories = [(title, text.replace(". ", f". {FOOT}. ", 1)) for title, text in STORIES]
    assert "letterbox" not in body_of(stories, 1)
    assert "nobody was on board" in body_of(stories, 1)


def test_the_articles_own_title_inside_a_line_does_not_hide_the_line() -> None:
    stories = [(title, f"{text}\nRead at the Lantern: {title}") for title, text in STORIES]
    assert "lantern" not in body_of(stories, 2)


def test_numbers_do_not_hide_a_line() -> None:
    stories = [(title, f"{text}\nPrinted on {n} March, page {n * 7}") for n, (title, text) in enumerate(STORIES)]
    assert "printed" not in body_of(stories, 3)


def test_versions_of_one_story_do_not_make_its_paragraphs_site_phrases(prose: SimpleNamespace) -> None:
    versions = [("Terminal sold", f"Update {word}: counting went on.\n{prose.harbour}") for word in ("one", "two", "three", "four")]
    assert "grain terminal" in body_of(versions, 0)


def test_the_title_as_a_line_is_left_out() -> None:
    body = boilerplate.strip("a", "s", "Grain terminal sold\nThe council voted.", "Grain terminal sold", set())
    assert [body.words[n].form for n in body.kept()] == ["the", "council", "voted"]


@given(st.text(), st.text(max_size=40))
def test_any_text_has_units_in_order_inside_it(text: str, title: str) -> None:
    from crawler.core.text import words

    count = len(words(text))
    assert all(0 <= unit.start < unit.end <= count for unit in boilerplate.units(text, title))
    assert boilerplate.unit_keys(text, title) == tuple(sorted({unit.key for unit in boilerplate.units(text, title)}))


def test_short_items_in_long_wrapping_are_unwrapped() -> None:
    """An aggregator's phrases can be more than half of what it publishes; measured limit: three quarters."""
    wrap = "Dear reader welcome to the portal of all portals where news is gathered for your comfort every single hour of the day"
    stories = [(title, f"{wrap}\n{text}") for title, text in STORIES]
    assert "dear reader" not in body_of(stories, 0)


def test_a_line_of_very_many_sentences_costs_no_more_than_its_length() -> None:
    """One line of 60 kB took 52 s: each sentence was searched from the start of its line."""
    counted: list[int] = []

    class Counted(int):
        """A word position that counts how often it is looked at."""

        def __lt__(self, other: int) -> bool:
            counted.append(1)
            return int(self) < int(other)

    many = 2000
    text = "Ab. " * many
    found = words(text)
    all_words = SimpleNamespace(forms=found.forms, starts=[Counted(start) for start in found.starts])
    assert len(boilerplate._units(text, all_words, "")) == many + 1
    assert len(counted) < 40 * many
