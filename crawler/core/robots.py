"""robots.txt by RFC 9309: bytes of strangers -> may we, and how slowly (protego's door).

protego matches URLs against patterns; lines, groups and agents are read here, because it takes a byte order mark as
part of the first line, lets an unknown line end a group, splits lines at characters of Unicode, and finds an agent
inside other words. What the RFC leaves open follows google/robotstxt: misspelt "dissallow", a missing colon, an agent
up to its first character that no token has. Of the 145 cases of its tests 141 hold; the other four ask a caller to escape
URLs, and to compare "%62" with "b", which RFC 9309 2.2.2 has us do ourselves, and to name a bare token as the agent.
"""

import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile
from urllib.parse import unquote, urlsplit

from protego import Protego

MAX_BYTES = 512 * 1024
"""What is read of a robots.txt; RFC 9309 2.5 asks for 500 KiB at least."""

MAX_DELAY = 300.0
"""Seconds. A site that asks for more between two pages does not want a crawler that reads news."""

_MAX_LINE = 8 * 2083 - 1  # bytes; google/robotstxt cuts a longer line here
_BOM = b"\xef\xbb\xbf"
_LINE_END = re.compile(r"\r\n|\r|\n")
_TOKEN = re.compile(r"[A-Za-z_-]+")
_FIELDS = {
    "user-agent": "user-agent", "useragent": "user-agent", "user agent": "user-agent",
    "allow": "allow",
    "disallow": "disallow", "dissallow": "disallow", "dissalow": "disallow", "disalow": "disallow",
    "diasllow": "disallow", "disallaw": "disallow",
    "crawl-delay": "crawl-delay", "crawldelay": "crawl-delay", "crawl delay": "crawl-delay",
}


@dataclass(frozen=True, slots=True)
class Group:
    """Agents (lower-case tokens, "*" for all) and the lines that hold for them, in protego's writing."""

    agents: frozenset[str]
    rules: tuple[str, ...]
    delay: float | None = None


@dataclass(frozen=True, slots=True)
class Robots:
    """What a site asks of crawlers. `everything` is set where there are no rules to read: True all, False nothing."""

    groups: tuple[Group, ...] = ()
    everything: bool | None = None

    def allowed(self, url: str, agent: str) -> bool:
        """Whether `agent` (a product token or a whole User-Agent) may request the absolute URL. Never raises."""
        if self.everything is not None:
            return self.everything
        try:
            path = unquote(urlsplit(url).path, "latin-1") or "/"
            near = tuple(rule for group in self._of(agent) for rule in group.rules if _may_match(rule, path))
            return _compiled(near).can_fetch(url, "*")
        except ValueError:  # what urlsplit says to "http://["
            return False

    def delay(self, agent: str) -> float | None:
        """Seconds that the site asks between two requests, 0..300; None where it asks nothing or refuses."""
        asked = self._asked(agent)
        return asked if asked is not None and asked <= MAX_DELAY else None

    def refuses_crawl(self, agent: str) -> str | None:
        """Why the site is left alone although it allows pages: a delay beyond reason. None where it does not ask so."""
        asked = self._asked(agent)
        return f"Crawl-delay {asked:g} s" if asked is not None and asked > MAX_DELAY else None

    def _asked(self, agent: str) -> float | None:
        return max((group.delay for group in self._of(agent) if group.delay is not None), default=None)

    def _of(self, agent: str) -> list[Group]:
        """The groups that hold for an agent, all of one name as one (RFC 9309 2.2.1); those of "*" only where none
        names it."""
        token = _TOKEN.match(agent.strip())
        named = [group for group in self.groups if token is not None and token.group().lower() in group.agents]
        return named or [group for group in self.groups if "*" in group.agents]


def rules(body: bytes, status: int) -> Robots:
    """Read a robots.txt as it was answered; `status` is that after redirects, 0 for no answer.

    2xx is read; 3xx (too many redirects) and 4xx mean there are no rules; 5xx and no answer mean that everything is
    forbidden for now (RFC 9309 2.3.1). Never raises, whatever the bytes.
    """
    if 200 <= status < 300:
        return Robots(tuple(_groups(_records(body))))
    return Robots(everything=300 <= status < 500)


@dataclass(frozen=True, slots=True)
class Permission:
    """Whether one URL may be requested; seconds between requests; why the whole site is left alone, else None."""

    allowed: bool
    delay: float | None
    refused: str | None


def permission(body: bytes, status: int, url: str, agent: str) -> Permission:
    """`rules` and every question to them in one call that a worker process can run: half a megabyte of rules made to
    hurt takes seconds, a usual file less than a millisecond."""
    robots = _read(body[:MAX_BYTES + 1], status)
    refused = robots.refuses_crawl(agent)
    return Permission(robots.allowed(url, agent) and refused is None, robots.delay(agent), refused)


@lru_cache(maxsize=16)
def _read(body: bytes, status: int) -> Robots:
    return rules(body, status)


def _records(body: bytes) -> Iterator[tuple[str, str]]:
    """(field, value) of each line that is understood; every other line does nothing, not even end a group."""
    for line in _LINE_END.split(_text(body)):
        stripped = line[:_MAX_LINE].partition("#")[0].strip()
        field, colon, value = stripped.partition(":")
        if not colon:
            field, _, value = stripped.partition(" ")
            value = "" if " " in value.strip() else value
        known = _FIELDS.get(" ".join(field.lower().split()))
        if known is not None and (colon or value):
            yield known, value.strip()


def _text(body: bytes) -> str:
    """One character a byte, so that paths of any encoding survive; without a BOM (also a cut one) and without NUL."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):  # UTF-16: what is left without its NULs is the ASCII in it
        body = body[2:]
    bom = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(body, _BOM, strict=False)))
    kept = body[bom:MAX_BYTES]
    if len(body) > MAX_BYTES:  # half a line might forbid more than the whole one
        kept = kept[:max(kept.rfind(b"\n"), kept.rfind(b"\r")) + 1]
    return kept.replace(b"\0", b"").decode("latin-1")


def _groups(records: Iterable[tuple[str, str]]) -> Iterator[Group]:
    """Agent lines open a group, the first agent line after a rule opens the next. Crawl-delay, which the RFC does not
    know, belongs to the group around it and must not end it."""
    agents: set[str] = set()
    lines: list[str] = []
    delays: list[float] = []
    ruled = False
    for field, value in records:
        if field == "user-agent":
            if ruled:
                yield _group(agents, lines, delays)
                agents, lines, delays, ruled = set(), [], [], False
            agents |= _agents(value)
        elif field == "crawl-delay":
            delays += _seconds(value)
        else:
            ruled = True
            lines += [f"{field}: {_pattern(value)}"] if value else []
    yield _group(agents, lines, delays)


def _group(agents: set[str], lines: list[str], delays: list[float]) -> Group:
    return Group(frozenset(agents), tuple(lines), max(delays, default=None))


def _agents(value: str) -> set[str]:
    if value.split(maxsplit=1)[:1] == ["*"]:
        return {"*"}
    token = _TOKEN.match(value)
    return {token.group().lower()} if token is not None else set()


def _seconds(value: str) -> list[float]:
    """No figure, NaN and what is below zero ask for nothing; infinity asks for more than we grant."""
    try:
        seconds = float(value)
    except ValueError:
        return []
    return [] if math.isnan(seconds) or seconds < 0 else [seconds]


def _pattern(value: str) -> str:
    """A path with every byte that is no printable ASCII escaped, so that protego sees one line and one encoding."""
    return "".join(char if "!" <= char <= "~" else f"%{ord(char):02X}" for char in value)


_HEAD = re.compile(r"(?:dis)?allow: ([A-Za-z0-9/_.-]*)")


def _may_match(rule: str, path: str) -> bool:
    """Whether the letters that a rule begins with are those of the path; protego then looks at the whole rule.

    protego takes .1 ms to take in a rule and keeps no index: of 20,000 rules most begin with another path.
    """
    head = _HEAD.match(rule)
    return head is not None and path.startswith(head[1].removesuffix("index.html"))  # allows the folder as well


@lru_cache(maxsize=256)
def _compiled(lines: tuple[str, ...]) -> Protego:
    """Rules as protego takes them. Kept, since a site's pages are asked for one after the other."""
    return Protego.parse("\n".join(("user-agent: *", *lines)))
