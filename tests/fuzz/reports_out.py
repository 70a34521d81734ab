"""The way out: a report full of foreign text, in every format."""

import csv
import io
import json
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from html.parser import HTMLParser

import promises
from envelope import texts

from crawler.core import report as core
from crawler.core.types import (
    Article,
    Claim,
    Copy,
    Evidence,
    Kind,
    Link,
    Origin,
    Passage,
    Relation,
    Story,
    Window,
)
from crawler.ports import StoredArticle, StoredStory
from crawler.render import FORMATS, Layout, changes, detail, harmless, render

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
# Beyond what `promises` names: what moves or hides its neighbours on a terminal.
_ACTING = re.compile("[\u061c\u200b\u200e\u200f\u2028\u2029\u2060-\u206f\ufeff\ufff9-\uffff]")
_FIGURE = re.compile(r"-\d+(?:\.\d+)?")


def everything(data: bytes) -> None:
    """A report with these texts in every field that foreign text reaches: it changes no format's structure."""
    given = texts(data, 5)
    found = _report(*given)
    out, wanted = {name: "".join(render(name, found, Layout())) for name in FORMATS}, _plain(tuple(map(bool, given)))
    for name, written in out.items():
        promises.clean(written.replace("\r", "") if name == "csv" else written, name)   # a cell may hold line breaks
        assert not _ACTING.search(written), f"{name} holds {_ACTING.search(written)!r}"
        written.encode()
    assert json.loads(out["json"]) == found
    assert [json.loads(one) for one in out["jsonl"].splitlines()] == found["stories"]
    _csv(out["csv"], found)
    _html(out["html"], wanted["html"])
    _markdown(out["md"], wanted["md"])
    _details(given)


@cache
def _plain(given: tuple[bool, ...]) -> dict[str, str]:
    """The formats of a report without anything foreign in it."""
    found = _report(*(f"plain {at}" if one else "" for at, one in enumerate(given)))
    return {name: "".join(render(name, found, Layout())) for name in ("html", "md")}


def _article(id_: str, minutes: int, source: str, title: str, text: str, url: str) -> Article:
    seen = NOW - timedelta(hours=6) + timedelta(minutes=minutes)
    claim = Claim("published", Origin.JSON_LD, text[:100], seen - timedelta(minutes=10))
    return Article(id_, url, source, title, text, text[:5] or None, seen, Window(seen - timedelta(minutes=30), seen), (claim,),
                   (), (), (url,))


def _members(title: str, source: str, quote: str, url: str) -> list[Article]:
    return [_article("orig", 0, source, title, quote, url), _article("copy", 90, "Portal", title, quote, url),
            _article("later", 120, source, title, quote, "https://later.example/1")]


def _story(title: str, quote: str, outside: str, url: str) -> Story:
    said = (Evidence("declared-copy", title, quote or None, url or None),)
    return Story("s1", "orig", 0.97, False, (Evidence("appeared-earlier", quote),),
                 (Copy("copy", Kind.WRAPPED, "orig", 0.81, 0.996, 0.82, said, "licensed"),
                  Copy("later", Kind.REVISION, "orig", 0.9, 1.0, 0.95)), outside or None, None, ("copy",))


def _report(title: str, source: str, quote: str, outside: str, url: str) -> dict:
    members, told = _members(title, source, quote, url), _story(title, quote, outside, url)
    carried = [(Link(Relation.CARRIES, "later", "orig", 0.2, 1.0), members[2])]
    retold = (Link(Relation.REWORDING, "orig", "copy", 0.1, 0.1, (Passage(0, len(quote), 0, len(quote), 3),)), *members[:2])
    return core.report([(told, members, carried)], generated=NOW, since=None, until=NOW, articles=3, rewordings=[retold])


def _csv(written: str, found: dict) -> None:
    rows = list(csv.reader(io.StringIO(written, newline="")))
    assert len(rows) == 1 + len(found["stories"][0]["copies"])
    assert {len(row) for row in rows} == {len(rows[0])}
    for row in rows[1:]:
        for cell in row:
            assert not cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) or _FIGURE.fullmatch(cell), f"a formula: {cell!r}"
    named = dict(zip(rows[0], rows[1], strict=True))
    title = found["stories"][0]["original"]["title"]
    assert named["original_title"].removeprefix("'") == harmless.cell(title).removeprefix("'")


class _Page(HTMLParser):
    """Tags, attributes and links, as a browser would find them."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag != "a":   # what is no address is no link
            self.tags[tag, tuple(sorted(given))] += 1
        else:
            self.links.append(given.pop("href", "") or "")
        assert not [name for name in given if name.startswith("on")], given


def _html(written: str, wanted: str) -> None:
    pages = [_Page(), _Page()]
    for page, one in zip(pages, (written, wanted), strict=True):
        page.feed(one)
    assert set(pages[0].tags) == set(pages[1].tags), set(pages[0].tags) ^ set(pages[1].tags)
    assert all(re.match(r"https?://", link) for link in pages[0].links), pages[0].links
    assert pages[0].tags["script", ()] == 0


def _markdown(written: str, wanted: str) -> None:
    """As many lines of each kind, and no markup that a text brought."""
    kinds = [Counter(re.match(r"[#|\-*>`]*", one)[0] for one in text.split("\n")) for text in (written, wanted)]
    assert kinds[0] == kinds[1], f"{kinds[0] - kinds[1]} instead of {kinds[1] - kinds[0]}"
    bare = re.sub(r"\\.|\]\(<https?://[^<>\s]*>\)", "", written)
    assert "<" not in bare, f"a tag: {bare[bare.index('<'):][:40]!r}"
    assert "](" not in bare


@cache
def _layout() -> Layout:
    return Layout(80)


def _details(given: list[str]) -> None:
    """What `show` and `rematch` print."""
    title, source, quote, outside, url = given
    members = _members(title, source, quote, url)
    stored = StoredArticle(members[0], "s1", "original", reservations=({"kind": "tdm-policy", "value": quote},))
    story = StoredStory(_story(title, quote, outside, url), tuple(members), NOW)
    for shown in (detail.text(detail.article(stored, story), _layout()),
                  changes.text({**changes.between([], [story]), "judged": 3})):
        promises.clean(shown, "what is shown")
        assert not _ACTING.search(shown)
