"""What becomes of every entry, counted where it is committed and nowhere else; why the sum is whole says `meters.Ending`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from crawler import meters
from crawler.core import dates, schedule
from crawler.core.types import Claim, Dropped, Resolution, Zone
from crawler.documents import Document
from crawler.errors import Reason
from crawler.meters import Ending
from crawler.ports import Draft, PollStored, Saved, SeenEntry, Sighting, StoryChange

# What claims to be older than that is no news that was late, but an old page that a feed lists.
_CREDIBLE = timedelta(days=1)


def polled(document: Document, stored: PollStored | None) -> None:
    """A poll is committed: `stored` is None where the database did not take its entries."""
    result = document.result
    if isinstance(result, schedule.Failure):
        meters.POLLS.count(outcome="failed", reason=result.reason)
        return
    listed(document.entries, document.dropped, result.left, stored, document.settled)
    if stored is None:
        meters.POLLS.count(outcome="failed", reason=Reason.STORE)
    else:
        outcome = "changed" if result.changed else "same" if result.full else "not_modified"
        meters.POLLS.count(outcome=outcome, reason="")


def listed(
    entries: Sequence[SeenEntry], dropped: Sequence[Dropped], left: int, stored: PollStored | None, settled: int = 0,
) -> None:
    """A document, polled or pushed, is committed with these entries; `dropped` were left out, and `left` more for the day;
    `settled` were known, and nothing of them was to be stored."""
    outside = [*((meters.DROPPED[each.reason], each.count) for each in dropped), (Ending.OVER_QUOTA, left), (Ending.KNOWN, settled)]
    inside = (Ending.FAILED, len(entries)) if stored is None else (Ending.KNOWN, stored.known - stored.changed)
    for ending, count in (*outside, inside):
        meters.ENTRIES.count(count, outcome=ending, reason=Reason.STORE if ending is Ending.FAILED else "")
    meters.LISTED.count(sum(count for _, count in outside) + len(entries))


def attached(sighting: Sighting) -> None:
    """The entry is of an article that was there already."""
    _ended(sighting, Ending.DUPLICATE_URL)


def saved(sighting: Sighting, draft: Draft, result: Saved) -> None:
    """The page of an entry is stored, or was."""
    walls = draft.page.walls
    if result.outcome == "revision":
        _ended(sighting, Ending.REVISION)
    elif result.outcome == "known":
        _ended(sighting, Ending.UNCHANGED if sighting.purpose == "revisit" else Ending.DUPLICATE_URL)
    elif wall := next((each for each in walls if each != "short"), None):
        _ended(sighting, Ending.WALL, wall)
    else:
        _ended(sighting, Ending.TOO_SHORT if walls else Ending.STORED)
    window = sighting.window
    if result.outcome == "new" and window is not None and window.without is not None:
        _lag(draft.page.claims, window.seen)


def given_up(sighting: Sighting, reason: Reason) -> None:
    """An entry whose page will not be asked for again."""
    _ended(sighting, Ending.FAILED, reason)


def retried(reason: Reason) -> None:
    """A page failed and will be asked for again."""
    meters.RETRIED.count(reason=reason)


def postponed(reason: Reason) -> None:
    """A page was not asked for."""
    meters.POSTPONED.count(reason=reason)


def settled(changes: Sequence[StoryChange]) -> Sequence[StoryChange]:
    """Stories have changed; the changes themselves."""
    for change in changes:
        meters.STORY_CHANGES.count(event=change.event)
    return changes


def _ended(sighting: Sighting, ending: Ending, reason: str = "") -> None:
    meter = meters.SOURCE_PAGES if sighting.purpose == "attribution" else meters.ENTRIES
    meter.count(outcome=ending, reason=reason)


def _lag(claims: Sequence[Claim], seen: datetime) -> None:
    """Of a feed that was polled before: what a first poll lists has stood there for nobody knows how long."""
    times = [claim.at for claim in claims if claim.at is not None and claim.what == "published" and dates.usable(claim, seen)
             and claim.resolution is not Resolution.DAY and claim.zone is not Zone.UNKNOWN]
    if times and timedelta(0) <= seen - times[0] <= _CREDIBLE:
        meters.LAG.observe((seen - times[0]).total_seconds())
