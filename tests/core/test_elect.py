"""Who was first, by evidence; `undecided` rather than a guess."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.core import elect
from crawler.core.types import (
    UNOBSERVED,
    Article,
    Attribution,
    AttributionKind,
    Claim,
    Origin,
    Resolution,
    SourceFacts,
    Verdict,
    Window,
    Zone,
)

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TEXT = "The harbour council voted to sell the grain terminal."


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def claim(minutes: float, origin: Origin = Origin.JSON_LD, zone: Zone = Zone.STATED,
          resolution: Resolution = Resolution.SECOND) -> Claim:
    return Claim("published", origin, at(minutes).isoformat(), at(minutes), resolution, zone)


def article(id_: str, seen: float, *claims: Claim, without: float | None = None, says: tuple[Attribution, ...] = (),
            text: str = TEXT, observed: bool = True) -> Article:
    window = Window(None if without is None else at(without), at(seen)) if observed else None
    return Article(id_, f"https://{id_}.example/story", f"{id_.title()} News", "Terminal sold", text, "en", at(seen),
                   window, claims, says)


def says(kind: AttributionKind, name: str | None = None, url: str | None = None) -> tuple[Attribution, ...]:
    return (Attribution(kind, name, url, "quoted automatically"),)


def words(election: elect.Election) -> set[str]:
    return {one.evidence for one in election.why}


def test_windows_that_do_not_overlap_decide() -> None:
    found = elect.elect([article("late", 90, without=60), article("early", 30, without=0)], {})
    assert (found.original, found.decided) == ("early", True)
    assert "appeared-earlier" in words(found)


def test_windows_that_overlap_leave_it_undecided() -> None:
    found = elect.elect([article("one", 30, without=0), article("two", 31, without=0)], {})
    assert not found.decided
    assert found.rivals == ("two",)
    assert found.original == "one"


def test_credible_claims_inside_overlapping_windows_decide() -> None:
    found = elect.elect([article("one", 30, claim(20), without=0), article("two", 30, claim(5), without=0)], {})
    assert (found.original, found.decided) == ("two", True)
    assert "claimed-earlier" in words(found)


def test_a_claim_before_the_observed_window_is_back_dated_and_counts_for_nothing() -> None:
    found = elect.elect([article("honest", 30, claim(20), without=0), article("liar", 90, claim(-600), without=60)], {})
    assert (found.original, found.decided) == ("honest", True)
    liar = elect.candidates([article("liar", 90, claim(-600), without=60)], {})[0]
    assert [one.evidence for one in elect.copy_evidence(liar)] == ["back-dated"]


def test_a_claim_from_the_future_is_no_evidence() -> None:
    assert elect.candidates([article("a", 10, claim(300))], {})[0].claim is None


@pytest.mark.parametrize(
    "vague", [claim(5, zone=Zone.UNKNOWN), claim(-540, resolution=Resolution.DAY)], ids=["no zone", "day only"])
def test_a_claim_that_can_mean_many_hours_does_not_decide(vague: Claim) -> None:
    found = elect.elect([article("one", 30, claim(20), without=0), article("two", 31, vague, without=0)], {})
    assert not found.decided


@pytest.mark.parametrize(
    ("kind", "name", "url"),
    [
        (AttributionKind.DECLARED_COPY, "Paper News", None),
        (AttributionKind.NAMES_SOURCE, None, "https://paper.example/story"),
        (AttributionKind.NAMES_SOURCE, "paper.example", None),
        (AttributionKind.NAMES_SOURCE, "The Paper", None),
        (AttributionKind.CANONICAL_ELSEWHERE, None, "https://www.paper.example/other-path"),
        (AttributionKind.BASED_ON, None, "https://paper.example/story?utm_source=x"),
    ],
)
def test_a_copy_that_names_its_source_outweighs_being_seen_first(kind: AttributionKind, name: str, url: str) -> None:
    """The paper's feed was polled later than the copier's."""
    found = elect.elect([article("copier", 10, says=says(kind, name, url)), article("paper", 50)], {})
    assert (found.original, found.decided) == ("paper", True)
    assert kind.value in words(found)


def test_attribution_outweighs_the_observed_window_and_the_contradiction_is_shown() -> None:
    copier = article("copier", 10, without=0, says=says(AttributionKind.DECLARED_COPY, None, "https://paper.example/story"))
    found = elect.elect([copier, article("paper", 50, without=40)], {})
    assert found.original == "paper"
    assert "contradiction" in words(found)
    assert found.confidence < elect.elect([copier, article("paper", 50)], {}).confidence


def test_a_self_label_says_nothing() -> None:
    paper = article("paper", 10, without=0, says=says(AttributionKind.NAMES_SOURCE, "Paper News"))
    found = elect.elect([paper, article("other", 50, without=40)], {})
    assert (found.original, found.outside) == ("paper", None)


def test_a_source_outside_the_feeds_is_named() -> None:
    copies = [article(id_, seen, says=says(AttributionKind.DECLARED_COPY, "Valley Gazette"))
              for id_, seen in (("one", 10), ("two", 20))]
    assert elect.elect(copies, {}).outside == "Valley Gazette"


def test_an_agency_that_most_copies_credit_is_the_original_outside() -> None:
    quiet = article("quiet", 10, without=0)
    others = [article(id_, 60, without=40, says=says(AttributionKind.AGENCY_CREDIT, "Reuters")) for id_ in ("two", "three")]
    found = elect.elect([quiet, *others], {})
    assert (found.original, found.outside) == ("quiet", "Reuters")


def test_who_credits_an_agency_does_not_lose_to_a_copier_that_is_silent() -> None:
    honest = article("honest", 30, without=0, says=says(AttributionKind.AGENCY_CREDIT, "Reuters"))
    found = elect.elect([honest, article("silent", 31, without=0)], {})
    assert not found.decided
    assert found.original == "honest"


def test_the_configured_agency_among_the_members_is_the_original() -> None:
    facts = {"Coast Wire": SourceFacts("Coast Wire", "agency", ("coastwire.example",))}
    wire = Article("wire", "https://coastwire.example/1", "Coast Wire", "", TEXT, "en", at(30))
    paper = article("paper", 10, says=says(AttributionKind.AGENCY_CREDIT, "Coast Wire"))
    assert elect.elect([paper, wire], facts).original == "wire"


def test_a_persons_ruling_ends_the_question() -> None:
    members = [article("early", 10, without=0), article("late", 90, without=60)]
    ruled = Verdict(1, "original", "s", "early", ("late",), "desk", START)
    found = elect.elect(members, {}, [ruled])
    assert (found.original, found.confidence, found.decided) == ("late", 1.0, True)
    later = Verdict(2, "confirm", "s", "early", ("early", "late"), "desk", at(5), whole=True)
    assert elect.elect(members, {}, [ruled, later]).original == "early"
    gone = Verdict(3, "original", "s", "early", ("elsewhere",), "desk", at(9))
    assert elect.elect(members, {}, [gone]).original == "early"


def test_a_copy_that_carries_the_others_name_came_later() -> None:
    carrier = article("copier", 10, text=f"{TEXT} The mayor told Paper News that the sale was final.")
    found = elect.elect([carrier, article("paper", 12)], {})
    assert found.original == "paper"
    assert "carries-name" in words(found)


def versions(*seen: float) -> list[Article]:
    return [replace(article(f"v{n}", at_, claim(5 - n)), source="Paper News", url=f"https://paper.example/{n}")
            for n, at_ in enumerate(seen)]


def test_the_first_version_stands_for_its_source_whatever_later_ones_claim() -> None:
    found = elect.elect(versions(10, 20, 30), {})
    assert (found.original, found.decided, found.rivals) == ("v0", True, ())


def test_a_copy_that_links_its_source_does_not_make_a_later_version_the_original() -> None:
    first, second = versions(10, 20)
    relabelled = replace(first, attributions=says(AttributionKind.NAMES_SOURCE, "Ministry"))
    copier = article("copier", 15, says=says(AttributionKind.NAMES_SOURCE, None, second.url))
    assert elect.elect([relabelled, second, copier], {}).original == "v0"


def test_an_original_that_links_its_data_does_not_lose_to_a_silent_copier() -> None:
    paper = article("paper", 10, without=0, says=says(AttributionKind.NAMES_SOURCE, "Office of Statistics"))
    found = elect.elect([paper, article("copier", 15, without=0)], {})
    assert not found.decided
    assert elect.elect([paper, article("copier", 90, without=60)], {}).original == "paper"


def test_a_common_word_is_not_the_name_of_a_source() -> None:
    times = replace(article("times", 12), source="The Times")
    said, named = (article("copier", 10, text=f"{TEXT} {rest}") for rest in ("It failed three times.", "The Times saw it."))
    assert elect.elect([times, said], {}).original == "copier"
    assert elect.elect([times, named], {}).original == "times"


def test_a_lone_article_is_its_own_original() -> None:
    assert elect.elect([article("one", 10)], {}).original == "one"


def test_a_licence_counts_within_its_time() -> None:
    original, copy = article("wire", 0), article("paper", 10)
    def licensed(since: int, until: int) -> bool:
        days = (START.date() + timedelta(days=since), START.date() + timedelta(days=until))
        return elect.licensed(copy, original, {copy.source: SourceFacts(copy.source, licensed=((original.source, *days),))})
    assert licensed(-1, 1)
    assert not licensed(1, 2)
    assert not licensed(-2, -1)
    assert not elect.licensed(copy, original, {})


MEMBERS = st.lists(
    st.builds(
        article, st.sampled_from("abcdef"), st.integers(0, 200), st.builds(claim, st.integers(-100, 250)),
        without=st.none() | st.integers(-50, 0),
        says=st.just(()) | st.builds(says, st.sampled_from(list(AttributionKind)), st.sampled_from(["A News", "Z", None]))),
    min_size=1, max_size=4, unique_by=lambda one: one.id)


@given(MEMBERS)
def test_any_permutation_gives_the_same_answer(members: list[Article]) -> None:
    assert len({repr(elect.elect(list(order), {})) for order in permutations(members)}) == 1


@given(MEMBERS)
def test_the_case_of_two_is_antisymmetric(members: list[Article]) -> None:
    weighed = elect.candidates(members, {})
    for x in weighed:
        for y in weighed:
            assert elect.log_odds(x, y) == pytest.approx(-elect.log_odds(y, x))


def seen(without: float | None, at_: float) -> Article:
    return article(f"w{without}-{at_}", at_, without=without)


@given(st.tuples(*[st.integers(0, 99)] * 4))
def test_of_two_windows_one_is_sooner_as_much_as_the_other_is_later(ends: tuple[int, int, int, int]) -> None:
    a, b, c, d = ends
    one, other = seen(a, a + b + 1), seen(c, c + d + 1)
    forth, back = elect.sooner(one, other), elect.sooner(other, one)
    assert forth is not None
    assert back is not None
    assert forth + back == pytest.approx(1)
    assert (forth >= 1) == (a + b + 1 <= c)


def test_windows_that_hardly_overlap_decide_as_much_as_they_say() -> None:
    found = elect.elect([seen(0, 31), seen(30, 60)], {})
    assert (found.original, found.decided) == ("w0-31", True)
    assert "probably-earlier" in words(found)
    assert not elect.elect([seen(0, 31), seen(1, 32)], {}).decided
    assert elect.elect([seen(None, 31), seen(30, 60)], {}).decided      # before the first poll is early enough


def test_a_window_that_was_inferred_refutes_no_claim() -> None:
    guessed = replace(article("a", 90, claim(-600), without=60), window=Window(at(60), at(90), inferred=True))
    assert elect.candidates([guessed], {})[0].backdated == ()
    assert elect.candidates([article("a", 90, claim(-600), without=60)], {})[0].backdated != ()


def test_an_unobserved_claim_counts_for_nothing_against_whom_it_names() -> None:
    naming = article("copier", 10, claim(0), text=f"{TEXT} The mayor told Paper News that the sale was final.")
    paper = article("paper", 12, claim(30 - 20))
    assert elect.elect([naming, paper], {}).original == "paper"
    assert elect.elect([replace(naming, text=TEXT), paper], {}).original == "copier"


def test_a_byline_outweighs_a_name_in_the_text() -> None:
    bylined = article("copier", 10, claim(0), text=f"By Ann Orr, Paper News\n{TEXT}")
    found = elect.elect([bylined, article("paper", 12)], {})
    assert (found.original, found.decided) == ("paper", True)
    assert next(one.quote for one in found.why if one.evidence == "carries-credit") == "By Ann Orr, Paper News"


def unseen(id_: str, *claims: Claim) -> Article:
    return replace(article(id_, 0, *claims, observed=False), first_seen=UNOBSERVED)


def test_a_time_that_is_only_claimed_is_no_observation() -> None:
    honest = article("honest", 10, claim(5), without=0)
    found = elect.elect([honest, unseen("liar", claim(-600))], {})
    assert "appeared-earlier" not in words(found)
    assert found.confidence < 0.9
    assert elect.elect([unseen("one", claim(0)), unseen("two", claim(30))], {}).confidence < 0.8


def test_seen_before_the_other_claims_to_be() -> None:
    found = elect.elect([article("early", 0), article("late", 120, claim(60))], {})
    assert (found.original, found.decided) == ("early", True)
    assert "claimed-earlier" in words(found)


def test_who_is_named_by_the_chosen_one_is_shown() -> None:
    naming = article("early", 10, without=0, says=says(AttributionKind.NAMES_SOURCE, "Late News"))
    found = elect.elect([naming, article("late", 200, without=190, says=says(AttributionKind.NAMES_SOURCE, "Early News"))], {})
    assert found.original == "early"
    assert any(one.detail == "Early News names Late News" for one in found.why)


def test_a_declaration_that_names_nobody_is_a_reason() -> None:
    found = elect.elect([article("paper", 10), article("copier", 10, says=says(AttributionKind.DECLARED_COPY))], {})
    assert ("declared-copy", "quoted automatically") in {(one.evidence, one.quote) for one in found.why}
