"""What must hold of claims, however many workers there are: parts of the fourth invariant and the seventh.

A claim is one queue, one id, one token. What a worker has claimed it alone does, until it says that it is done or until
the lease has run out; then another may, and what the first still writes is refused.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from evidence import Evidence
from ledger import Asked

from crawler.core import urls

ROBOTS_KEPT = timedelta(minutes=29)
LATE = 2.0              # seconds by which a busy ledger may take up a request late, and a mishap be felt after it
ENDS = ("polled", "stored", "attached", "postponed", "page-failed")
CLAIMED = ("claimed-feed", "claimed-page", "claimed-article")
PATIENCE = 10.0         # seconds, real ones, for what a dead or frozen worker had in hand: idle looks and a busy machine


def one_request_each(evidence: Evidence) -> Iterator[str]:
    """A claim is at most one request, by who made it, whatever became of it."""
    names = {line["pid"]: line["by"] for line in evidence.noted("born")}
    lines = evidence.noted("claimed-feed", "claimed-page", *ENDS)
    requests = [one for one in evidence.ledger.asked if one.resource != "robots"]
    held: dict[tuple[str, str], list[_Held]] = defaultdict(list)
    for at in sorted([*lines, *requests], key=mono):
        if isinstance(at, Asked):
            place = f"{at.host}{at.path}"
            claim = next((each for each in held[at.by, place] if not each.spent), None)
            if claim is None:
                yield (f"{place} was asked once more than {at.by or 'anybody'} had claimed it, at {at.at:%H:%M:%S} "
                       f"({at.mishap or 'well'})")
            else:
                claim.spent = True
        else:
            _claimed_or_ended(at, held[names.get(at["pid"], ""), place_of(at["url"])])


@dataclass(slots=True)
class _Held:
    spent: bool = False


def _claimed_or_ended(line: dict[str, Any], held: list[_Held]) -> None:
    if line["event"] not in ENDS:
        held.append(_Held())
    elif held:
        held.remove(next((each for each in held if each.spent), held[0]))


@dataclass(slots=True)
class _Claim:
    """A claim, and what is known of it. `until`: when its lease ends, by the world's clock; `last`: when that was said."""

    line: dict[str, Any]
    until: datetime
    last: float
    ending: float | None = None             # when it may have ended at the earliest, by its holder's own hand
    over: bool = False                      # it has

    @property
    def words(self) -> str:
        return f"{self.line['queue']} {self.line.get('url') or self.line['id']}"


def held_alone(evidence: Evidence) -> Iterator[str]:
    """No two have the same in hand; what somebody writes who no longer has it is refused."""
    for claims, lines in _histories(evidence):
        tokens = [claim.line["token"] for claim in claims]
        for first, second in pairwise(claims):
            if first.line["token"] == second.line["token"]:
                yield f"{first.words} was claimed twice with the token {first.line['token']}, by {_pids(first, second)}"
            elif first.ending is None or first.ending > second.line["mono"]:
                now = datetime.fromisoformat(second.line["now"])
                if now < first.until:
                    yield (f"{first.words} was claimed at {now:%H:%M:%S} once more, {first.until - now} before its lease "
                           f"ran out: {_pids(first, second)}")
        for line in lines:
            if line["event"] in (*ENDS, "judged") and line["inside"] is not None:
                since = next((claim.line["mono"] for claim, token in zip(claims, tokens, strict=True)
                              if token > line["token"]), None)
                if since is not None and since < line["inside"]:
                    yield (f"{line['event']} {line.get('url') or line['id']}: written with the token {line['token']}, "
                           f"{line['inside'] - since:.2f} s after another had claimed it")


def _pids(first: _Claim, second: _Claim) -> str:
    return f"{first.line['pid']} and {second.line['pid']}"


def _histories(evidence: Evidence) -> Iterator[tuple[list[_Claim], list[dict[str, Any]]]]:
    """For each thing that was claimed its claims, in the order of their tokens, and all lines of it."""
    by_id: dict[tuple[str, Any], list[dict[str, Any]]] = defaultdict(list)
    for line in evidence.journal:
        if line.get("token") is not None:
            by_id[line["queue"], line["id"]].append(line)
    for lines in by_id.values():
        claims = [_Claim(line, _until(evidence, line), line["mono"]) for line in lines if line["event"] in CLAIMED]
        claims.sort(key=lambda claim: (claim.line["token"], claim.line["mono"]))
        for claim in claims:
            _follow(evidence, claim, [line for line in lines if line["token"] == claim.line["token"]
                                      and line["pid"] == claim.line["pid"]])
        yield claims, lines


def _follow(evidence: Evidence, claim: _Claim, lines: list[dict[str, Any]]) -> None:
    for line in lines:
        if line["event"] == "renewed":
            claim.until, claim.last = _until(evidence, line), line["mono"]
        elif line["event"] == "ending":
            claim.ending = min(line["mono"], claim.ending or line["mono"])
        elif line["event"] in (*ENDS, "judged"):
            claim.over = True


def _until(evidence: Evidence, line: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(line["now"]) + evidence.lease


@dataclass(slots=True)
class Takeovers:
    """How long what a dead, frozen or cut off worker had in hand waited for another. In real seconds."""

    since_then: list[float] = field(default_factory=list)       # of feeds, from what befell the worker on
    beyond: list[float] = field(default_factory=list)           # from when the lease was over and it was due
    late: list[str] = field(default_factory=list)


def takeovers(evidence: Evidence) -> Takeovers:
    """What became of the claims that somebody could not end. Spells in which nobody could claim do not count."""
    found = Takeovers()
    for claims, _ in _histories(evidence):
        for claim, after in pairwise([*claims, None]):
            if claim is None or claim.over or claim.ending is not None:
                continue
            fell = min((spell.since for spell in evidence.spells
                        if spell.pid == claim.line["pid"] and spell.kind != "stopped" and spell.until > claim.line["mono"]),
                       default=None)
            if fell is None or after is None or after.line["mono"] < fell:
                continue
            free = claim.last + evidence.lease.total_seconds() / evidence.rate
            if claim.line["queue"] == "poll":
                free = max(free, claim.line["mono"] + evidence.every[claim.line["url"]].total_seconds() / evidence.rate)
                found.since_then.append(after.line["mono"] - fell)
            waited = after.line["mono"] - free
            waited -= _nobody(evidence, free, after.line["mono"])
            found.beyond.append(max(waited, 0.0))
            if waited > PATIENCE * evidence.strain:
                found.late.append(f"{claim.words} was claimed again {waited:.1f} s after its lease")
    return found


def _nobody(evidence: Evidence, since: float, until: float) -> float:
    """Seconds of a time in which no worker could claim anything."""
    return sum(max(0.0, min(until, spell.until + LATE * evidence.strain) - max(since, spell.since))
               for spell in evidence.spells if spell.worker == 0)


def robots_once(evidence: Evidence) -> Iterator[str]:
    """What a robots.txt says is kept for half an hour at least, for all; nothing is where nobody was left to hear it."""
    names = {line["by"]: line["pid"] for line in evidence.noted("born")}
    asked: dict[str, list[Asked]] = defaultdict(list)
    for one in evidence.ledger.asked:
        if one.resource == "robots":
            asked[one.host].append(one)
    for host, requests in asked.items():
        heard = [line for line in evidence.noted("heard") if line["host"] == host]
        for before, after in pairwise(requests):
            pid = names.get(before.by)
            known = any(line["pid"] == pid and before.mono < line["mono"] < after.mono for line in heard)
            if after.at - before.at < ROBOTS_KEPT and (known or not _lost(evidence, pid, before, after)):
                yield (f"robots.txt of {host} was asked for again {after.at - before.at} after it was, by "
                       f"{after.by} after {before.by}")


def _lost(evidence: Evidence, pid: int | None, before: Asked, after: Asked) -> bool:
    """Whether who asked may not have heard the answer, or could not tell the others."""
    worker = int(before.by.partition(".")[0] or 0)
    gone = any(before.mono - LATE < line["mono"] < after.mono
               and (line["dead"] == pid if line["event"] == "dead" else
                    line["pid"] == pid and urls.host(line["url"]) == before.host)
               for line in evidence.noted("dead", "cancelled"))
    return gone or any(spell.worker in (0, worker) and spell.since < after.mono and spell.until > before.mono - LATE
                       for spell in evidence.spells)


def mono(at: Asked | dict[str, Any]) -> float:
    """When it was, by time.monotonic()."""
    return at.mono if isinstance(at, Asked) else float(at["mono"])


def place_of(url: str) -> str:
    """Host and path."""
    return url.partition("://")[2].partition("?")[0]
