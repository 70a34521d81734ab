"""The doors of texts: dates, phrases and quotations, comparison, lines to compare, the configuration."""

import json
from datetime import UTC
from pathlib import Path

import promises
from documents_in import ZONES
from envelope import opened, text, texts
from watch import SCRATCH

from crawler import compare as compare_texts
from crawler import matcher
from crawler.cli.jsonlines import Lines
from crawler.config import edit, load, shown
from crawler.core import dates, phrases, quotes
from crawler.core import text as core
from crawler.core.types import Origin
from crawler.dedup import Document, deduplicate
from crawler.errors import ConfigError, OperationError
from crawler.log import escape
from crawler.render import Layout, comparison

# --- dates ----------------------------------------------------------------------------------------------------------

def date(data: bytes) -> None:
    """A date: a moment that may be, or none; what is kept of it is read as the same; what is made of it too."""
    given, rest = opened(data)
    raw, language, zone = text(rest), given.get("language") or None, ZONES.get(given.get("zone", ""))
    found = dates.parse(raw, origin=Origin.FEED, language=language, zone=zone)
    promises.claim(found)
    again = dates.parse(found.raw, origin=Origin.FEED, language=language, zone=zone)
    if len(core.clean(raw).strip()) <= dates.MAX_LENGTH:
        assert again == found, f"{found.raw!r} is read otherwise"
    assert dates.parse(f"  {raw}\n", origin=Origin.FEED, language=language, zone=zone) == found
    if found.at is not None:
        written = dates.parse(found.at.isoformat(), origin=Origin.FEED)
        assert written.at == found.at, f"{found.at.isoformat()} is read as {written.at}"
        assert dates.usable(found, found.at)
    header = dates.http_date(raw)
    assert header is None or header.utcoffset() == UTC.utcoffset(None)


# --- phrases, words, quotations -------------------------------------------------------------------------------------

def words(data: bytes) -> None:
    """What a text says of itself, what it quotes, its words and sentences: within the text, in order."""
    given, rest = opened(data)
    body, title = texts(rest, 2)
    for hit in phrases.find(body, given.get("language") or None, title):
        assert 0 <= hit.start < hit.end <= len(body)
        assert body[hit.start:hit.end].startswith(hit.quote)
        assert len(hit.quote) <= 300
        assert hit.name is None or hit.name.strip()
    phrases.wall(body)
    phrases.is_site_phrase(body)
    phrases.source_label(body)
    phrases.agency(body)
    _apart(quotes.spans(body), body)
    for spans in (core.sentences(body), core.paragraphs(body)):
        _apart(spans, body)
        assert all(body[start:end].strip() == body[start:end] for start, end in spans)
    _apart([(word.start, word.end) for word in core.words(body)], body)
    folded = core.fold(body)
    assert core.fold(folded) == folded, "the normal form has a normal form of its own"
    cleaned = core.clean(body)
    promises.clean(cleaned, "a clean text")
    assert core.clean(cleaned) == cleaned


def _apart(spans: object, body: str) -> None:
    """Spans in order, none within another, none beyond the text."""
    last = 0
    for start, end in spans:
        assert last <= start < end <= len(body), f"{(start, end)} after {last} of {len(body)}"
        last = end


# --- comparison -----------------------------------------------------------------------------------------------------

def two(data: bytes) -> None:
    """Two texts beside each other: the same figures both ways, and passages that are the same words."""
    a, b = texts(data, 2)
    one, other = Document("a", a, title=a[:80]), Document("b", b, title=b[:80])
    found, turned = compare_texts(one, other), compare_texts(other, one)
    assert found == turned, "the order decides"
    sides = [comparison.Side(each.id, each.url or None, matcher.Reading(each.article())) for each in (one, other)]
    told = comparison.text(comparison.row(*sides, matcher.Rules(), {}), Layout())
    promises.clean(told, "a comparison")
    if found is None:
        return
    for share in (found.similarity, found.a_in_b, found.b_in_a, found.containment, found.unquoted, found.told):
        assert 0 <= share <= 1, found
    left, right = (core.clean(each) for each in (a, b))
    for passage in found.passages:
        assert 0 <= passage.a_start < passage.a_end <= len(left)
        assert 0 <= passage.b_start < passage.b_end <= len(right)
        mine, theirs = ([word.form for word in core.words(one_[start:end])] for one_, start, end in (
            (left, passage.a_start, passage.a_end), (right, passage.b_start, passage.b_end)))
        assert len(mine) >= passage.words
        assert mine[:1] == theirs[:1], "a passage begins with other words"


# --- lines to compare -------------------------------------------------------------------------------------------------

_MOST = 12   # documents that are compared as well: the rest is only read


def lines(data: bytes) -> None:
    """The input of `dedup`: bad lines are named and left out, damaged compression ends it, the rest is compared."""
    given, rest = opened(data)
    ending = given.get("ending", "")
    path = SCRATCH / f"lines{ending if ending in ('.gz', '.zst') else '.jsonl'}"
    path.write_bytes(rest)
    reader, told = Lines(str(path)), []
    documents: list[Document] = []
    try:
        documents.extend(reader.documents(told.append))
    except OperationError as error:
        promises.line(escape(str(error)), "an error", 4096)
    assert len(told) == reader.bad
    for complaint in told:
        promises.line(escape(complaint), "a complaint", 40 * len(rest) + 4096)
    assert len({one.id for one in documents}) == len(documents)
    result = deduplicate(documents[:_MOST], min_words=5)
    assert [row.id for row in result.rows] == [one.id for one in documents[:_MOST]]
    assert deduplicate(documents[:_MOST][::-1], min_words=5).stories == result.stories, "the order decides"
    for row in result.rows:
        assert row.role in ("original", "copy", "single", "carrier", "revision") or row.role, row
        json.dumps(row.id)


# --- the configuration ------------------------------------------------------------------------------------------------

_PATH = SCRATCH / "firsthand.yaml"
_NEW = "https://added.example/feed"
_SECRET = "S3CR3T-of-the-environment"


def configuration(data: bytes) -> None:
    """A configuration: every mistake on a line of its own, or settings that can be shown, and edited."""
    try:
        written = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        _PATH.write_bytes(data)
        _refused(_PATH, None)
        return
    environ = {"SECRET": _SECRET, "PORT": "8477", "EMPTY": ""}
    loaded = _refused(_PATH, written, environ)
    if loaded is None:
        return
    assert len(loaded.places) == len(loaded.settings.feeds)
    for warning in loaded.warnings:
        promises.line(escape(warning), "a warning")
    again = shown.dump(loaded.settings, loaded.secrets)
    assert _SECRET not in again, "a secret is shown"
    _edited(written, loaded, environ)


def _refused(path: Path, written: str | None, environ: dict[str, str] | None = None) -> object:
    try:
        return load(path, environ or {}, None if written is None else {path.resolve(): written})
    except ConfigError as error:
        promises.fault(bool(error.mistakes), "mistakes", {True})
        for mistake in error.mistakes:
            promises.line(mistake, "a mistake")
            assert _SECRET not in mistake, "a secret is shown"
        return None


def _edited(written: str, loaded: object, environ: dict[str, str]) -> None:
    """A feed put at the end and taken out again: the others stay."""
    before = [feed.url for feed in loaded.settings.feeds]
    if edit.known(loaded, _NEW) or any("opml" in place.path or place.mark.file != _PATH for place in loaded.places):
        return
    try:
        added = edit.insert(written, _PATH, [{"url": _NEW}])
    except ConfigError:
        return
    now = _refused(_PATH, added, environ)
    assert now is not None, f"an edit breaks the file: {added!r}"
    assert [feed.url for feed in now.settings.feeds] == [*before, _NEW]
    taken = edit.cut(added, _PATH, int(now.places[-1].path.partition("[")[2].rstrip("]")))
    assert [feed.url for feed in _refused(_PATH, taken, environ).settings.feeds] == before
