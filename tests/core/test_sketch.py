"""What a sketch rules out, the matcher would not have found: leaving it out changes nothing."""

from datetime import timedelta
from itertools import combinations, compress

from hypothesis import given
from hypothesis import strategies as st

from crawler.core import boilerplate, match, rewording
from crawler.core.text import Body
from crawler.dedup import Document, deduplicate, sketch

WORDS = [f"{stem}{end}" for stem in ("harb", "grain", "counc", "railw", "termin", "vot") for end in ("our", "ers", "ing", "al", "90")]
FLOOR = 0.3


def body(id_: str, words: list[str]) -> Body:
    return boilerplate.strip(id_, "", " ".join(words), "", set())


texts = st.lists(st.lists(st.sampled_from(WORDS), min_size=1, max_size=80), min_size=2, max_size=5)


@given(texts)
def test_what_cannot_match_by_its_sketch_does_not(drawn: list[list[str]]) -> None:
    bodies = [body(f"a{at}", words) for at, words in enumerate(drawn)]
    for a, b in combinations([*bodies, body("z", drawn[0][len(drawn[0]) // 2:] + drawn[1])], 2):
        if match.match(a, b, floor=FLOOR) is not None:
            assert sketch.Compared(sketch.of(a)).may_match(sketch.of(b), FLOOR)


@given(st.lists(st.sets(st.integers(0, 79)), min_size=1, max_size=4))
def test_who_cannot_retell_by_its_sketch_is_not_missed(drawn: list[set[int]]) -> None:
    """Each keeps some words of one article in their order, and has others between them."""
    mine = body("mine", [f"kept{n}" for n in range(80)])
    others = [body(f"a{at}", [word for n in range(80) for word in (f"own{at}x{n}", f"kept{n}") if word[0] == "o" or n in kept])
              for at, kept in enumerate(drawn)]
    may = sketch.Compared(sketch.of(mine)).may_retell([sketch.of(other) for other in others])
    assert rewording.possible(mine, list(compress(others, may))) == rewording.possible(mine, others)


def test_unlike_bodies_are_ruled_out() -> None:
    one, other = (sketch.of(body(str(at), [f"word{at}x{n}" for n in range(100)])) for at in range(2))
    assert not sketch.Compared(one).may_match(other, FLOOR)
    assert sketch.Compared(one).may_match(one, FLOOR)
    assert sketch.Compared(one).may_retell([other]) == [False]


def test_nothing_is_said_of_a_script_without_spaces() -> None:
    chinese = sketch.of(body("a", ["港口委员会周二晚间投票决定关闭旧粮食码头"]))
    assert chinese is None
    assert sketch.Compared(chinese).may_match(sketch.of(body("b", WORDS)), FLOOR)
    assert sketch.Compared(sketch.of(body("b", WORDS))).may_retell([None]) == [True]


def test_a_rewording_is_found_beside_a_copy() -> None:
    """The copy is left out of the question, so that only the one that retells is asked about."""
    whole, again = ("".join(f"name{n} place{n} {filler}{n % 5} " for n in range(60)) for filler in ("of", "to"))
    found = deduplicate([Document("a", whole), Document("b", whole), Document("c", again)], window=timedelta(days=1))
    assert {each.kind.value for each in found.pairs} == {"exact"}
    assert {"c"} < {id_ for link in found.links for id_ in (link.a, link.b)}
