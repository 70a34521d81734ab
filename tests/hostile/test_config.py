"""A configuration that somebody has spoilt, or meant badly: refused by its line, at once, without an import or a wait."""

import asyncio
import gc
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crawler.config import load
from crawler.config.shown import dump
from crawler.config.source import MAX_BYTES
from crawler.errors import ConfigError

ROOT = Path(__file__).parents[2]
FEEDS = "feeds: [https://a.example/feed]\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="f.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def refused(path, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    assert all(one.isprintable() and len(one) < 1000 for one in caught.value.mistakes)
    return caught.value.mistakes


LAUGHS = "\n".join(["a: &a [lol, lol, lol, lol, lol, lol, lol, lol, lol]",
                    *(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)), ""])


@pytest.mark.parametrize(("text", "line", "why"), [
    pytest.param("contact: !!python/object/apply:os.system [touch pwned]\n", 1, "a tag", id="a Python object"),
    pytest.param("contact: !!python/object/new:subprocess.Popen [[touch, pwned]]\n", 1, "a tag", id="a Python class"),
    pytest.param("contact: !!python/name:os.system\n", 1, "a tag", id="a Python name"),
    pytest.param("contact: !include /etc/passwd\n", 1, "a tag", id="a tag of another program"),
    pytest.param("contact: !!str a@b.org\n", 1, "a tag", id="a tag of YAML itself"),
    pytest.param("? !!python/tuple [a, b]\n: c\n", 1, "", id="a tag on a key"),
    pytest.param("%TAG ! tag:evil.example,2000:\n---\ncontact: !x a@b.org\n", 3, "a tag", id="a tag by a directive"),
    pytest.param("contact: a@b.org\n---\ncontact: c@d.org\n", 2, "a second document", id="a second document"),
    pytest.param("crawl:\n\ttimeout: 30s\n", 2, "a tab", id="a tab in the indentation"),
    pytest.param("contact: a@b.org\ncontact: c@d.org\n", 2, "stands here twice", id="a key twice"),
    pytest.param("crawl: {timeout: 30s, timeout: 40s}\n", 1, "stands here twice", id="a key twice in braces"),
    pytest.param("contact: a@b.org\n'contact': c@d.org\n", 2, "stands here twice", id="a key twice, once in quotes"),
    pytest.param("contact: &x a@b.org\n", 1, "an anchor", id="an anchor"),
    pytest.param("contact: *x\n", 1, "", id="an alias of nothing"),
    pytest.param("a: &a {b: *a}\n", 1, "an anchor", id="a mapping that holds itself"),
    pytest.param("crawl: &c {timeout: 30s}\nextract:\n  <<: *c\n", 1, "an anchor", id="a merge key"),
    pytest.param("extract:\n  <<: {timeout: 30s}\n", 2, "a merge key", id="a merge key without an alias"),
    pytest.param(LAUGHS, 1, "an anchor", id="a billion laughs"),
    pytest.param(LAUGHS.replace("&", "&=").replace("*", "*="), 1, "a value that begins with * or &", id="a billion laughs under odd names"),
    pytest.param(f"contact: {'[' * 30_000}\n", 1, "nested too deeply", id="thirty thousand brackets"),
    pytest.param("".join(f"{' ' * n}a:\n" for n in range(300)), 20, "nested too deeply", id="three hundred levels"),
    pytest.param("contact: a\x00b\n", 1, "a control character", id="a NUL"),
    pytest.param("contact: a\x1b[31mb\n", 1, "a control character", id="an escape"),
    pytest.param('contact: "a\\0b@c.org"\n', 1, "expected an e-mail address", id="a NUL in an escape"),
    pytest.param("1: 2\n", 1, "unknown key", id="a number as a key"),
    pytest.param("? [a, b]\n: c\n", 1, "a list or mapping as a key", id="a list as a key"),
    pytest.param("crawl: 12:30:00\n", 1, "expected a mapping", id="a time where a mapping is meant"),
    pytest.param("crawl: {concurrency: 12:30}\n", 1, "an ambiguous number", id="a number to the base of sixty"),
    pytest.param("crawl: {concurrency: 0x10}\n", 1, "an ambiguous number", id="a number to the base of sixteen"),
    pytest.param("crawl: {concurrency: .inf}\n", 1, "expected a whole number", id="infinity"),
    pytest.param("match: {containment: .nan}\n", 1, "match.containment", id="not a number"),
    pytest.param("match: {containment: 1e999}\n", 1, "match.containment", id="a number beyond all"),
    pytest.param(f"crawl: {{concurrency: {'9' * 5000}}}\n", 1, "crawl.concurrency", id="a number of five thousand digits"),
    pytest.param("contact: no\n", 1, "expected an e-mail address", id="no"),
    pytest.param("sources: {A: {timezone: no}}\n", 1, "no IANA time zone", id="no as a time zone"),
    pytest.param("retention: {pages: 2024-01-01}\n", 1, "retention.pages", id="a date where a duration is meant"),
    pytest.param(f"contact: {'a' * 2_000_000}@b.org\n", 1, "contact", id="two million letters"),
])
def test_what_yaml_could_be_made_to_do_is_refused_by_its_line(write, text, line, why):
    found = refused(write(f"{text}{FEEDS}" if "feeds" not in text else text))
    assert found[0].startswith(f"f.yaml:{line}: "), found[:2]
    assert why in found[0]
    assert not Path("pwned").exists()


def test_a_byte_order_mark_is_no_part_of_a_key(write):
    assert load(write("\ufeffcontact: a@b.org\n" + FEEDS), {}).settings.contact == "a@b.org"


@pytest.mark.parametrize(("encoding", "why"), [("utf-16", "not UTF-8"), ("utf-32", "not UTF-8"), ("cp500", "not UTF-8")])
def test_another_encoding_is_named(write, encoding, why):
    assert why in refused(write(f"contact: ä@b.org\n{FEEDS}".encode(encoding)))[0]


@pytest.mark.parametrize("code", ["no", "NO", "on", "y", "~a", "12:30:00", "2024-01-01", "1e3", "0b1", ".5", "=", "<<x"])
def test_a_text_stays_a_text_whatever_it_looks_like(write, code):
    feed = load(write(f"feeds:\n  - {{url: https://a.example/, source: '{code}', tags: [{code}]}}\n"), {}).settings.feeds[0]
    assert (feed.source, feed.tags) == (code, (code,))


@pytest.mark.parametrize("make", ["same", "ring", "link to itself", "link to a folder above"])
def test_includes_that_lead_back_end(write, make):
    write("- include: x.yaml\n" if make == "same" else "- include: y.yaml\n", "d/x.yaml")
    match make:
        case "ring":
            write("- include: x.yaml\n", "d/y.yaml")
        case "link to itself":
            Path("d/y.yaml").symlink_to("y.yaml")
        case "link to a folder above":
            write("- https://b.example/\n", "d/y.yaml")
            Path("d/again").symlink_to(Path("d").absolute())
    pattern = "'d/**/*.yaml'" if make == "link to a folder above" else "d/x.yaml"
    found = refused(write(f"feeds:\n  - include: {pattern}\n"))
    assert any("loop" in one or "twice" in one or "no such file" in one or "links" in one for one in found)


@pytest.mark.parametrize("key", ["include", "opml"])
@pytest.mark.parametrize("what", ["/dev/zero", "/dev/stdin", "/proc/self/mem", "a FIFO", "a socket", "a folder", "a huge file"])
def test_an_included_thing_that_is_no_file_is_refused_without_reading_it(write, tmp_path, key, what):
    import socket

    path = tmp_path / "thing"
    match what:
        case "a FIFO":
            os.mkfifo(path)
        case "a socket":
            with socket.socket(socket.AF_UNIX) as one:
                one.bind("thing" if len(str(path)) > 100 else str(path))
        case "a folder":
            path.mkdir()
        case "a huge file":
            with path.open("wb") as out:
                out.truncate(MAX_BYTES + 1)
        case _:
            path = Path(what)
    assert len(refused(write(f"feeds:\n  - {key}: {path}\n"))) == 1


def test_the_configuration_itself_may_be_no_device_either():
    for path in (Path("/dev/zero"), Path("/dev"), Path("/proc/self/mem")):
        assert len(refused(path)) == 1


XXE = """<!DOCTYPE opml [<!ENTITY file SYSTEM "file://{file}"><!ENTITY % outer SYSTEM "http://127.0.0.1:{port}/x.dtd"> %outer;]>
<opml version="2.0"><body><outline text="&file;" xmlUrl="https://a.example/&file;"/>
<outline xmlUrl="https://b.example/feed"/></body></opml>"""
BOMB = ("<!DOCTYPE opml [<!ENTITY a0 'https://x.example/'>" + "".join(
    f"<!ENTITY a{n + 1} '{f'&a{n};' * 10}'>" for n in range(9)) + "]><opml><body><outline xmlUrl='&a9;'/></body></opml>")


async def test_an_opml_file_reads_nothing_but_itself(write, tmp_path):
    asked = []

    async def serve(reader, writer):
        asked.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        secret = write("top-secret-word", "secret.txt")
        write(XXE.format(file=secret.absolute(), port=port), "r.opml")
        try:
            shown = repr(await asyncio.to_thread(load, write("feeds: [{opml: r.opml}]"), {}))
        except ConfigError as error:
            shown = str(error)
    assert "top-secret-word" not in shown
    assert asked == []


def test_an_opml_file_of_a_billion_laughs_is_soon_over(write):
    write(BOMB, "r.opml")
    try:
        found = load(write("feeds: [{opml: r.opml}]"), {}).settings.feeds
    except ConfigError as error:
        found = [error]
    assert len(found) <= 1
    assert len(repr(found)) < 10_000


def test_a_feed_among_ten_thousand_takes_little_longer_than_one_among_a_thousand(write, request):
    """A ratio, since a clock depends on the machine."""
    def seconds(count):
        rows = "".join(f"  - {{url: 'https://h{n}.example/', source: S{n}, tags: [a, b]}}\n" for n in range(count))
        path, began = write(f"feeds:\n{rows}", f"{count}.yaml"), time.process_time()
        assert len(load(path, {}).settings.feeds) == count
        return time.process_time() - began

    seconds(100)
    gc.collect()
    gc.freeze()     # what other tests have left is walked through again and again while 10,000 feeds are made
    request.addfinalizer(gc.unfreeze)
    assert seconds(10_000) < 25 * seconds(1_000)


def test_the_parser_in_c_is_used(write):
    import yaml

    from crawler.config import source

    assert issubclass(source._Composer, yaml.CSafeLoader)


# --- secrets ------------------------------------------------------------------------------------------------------

SECRET = "hush-4711-secret"
KEPT = """\
store: postgresql://desk:${{DB}}@db.internal/news
contact: a@b.org
crawl: {{proxy: 'http://me:${{PROXY}}@127.0.0.1:3128'}}
webhooks: [{{url: 'https://hook.internal/x', secret: '${{HOOK}}'}}]
feeds:
  - {{url: 'https://u:${{FEED}}@a.example/feed', headers: {{X-Token: '${{TOKEN}}'}}, auth: {{username: u, password: '${{PASS}}'}}}}
  - {row}
"""
ENVIRON = dict.fromkeys(("DB", "PROXY", "HOOK", "FEED", "TOKEN", "PASS"), SECRET)


@pytest.mark.parametrize("row", [
    "https://b.example/", "{url: 'https://${FEED}:99999/'}", "'ftp://x:${FEED}@b.example/'", "{url: 'https://b.example/', every: '${PASS}'}",
    "{url: 'https://b.example/', language: '${PASS}'}", "{url: 'https://b.example/', headers: {X: \"a\\n${PASS}\"}}",
    "{url: 'https://u:${FEED}@a.example/feed'}", "{url: 'https://b.example/', '${PASS}': 1}", "{include: '${PASS}.yaml'}",
    "{url: 'https://b.example/', keep: ['(${PASS}']}", "{url: 'https://b.example/', auth: {username: u, password: ['${PASS}']}}",
])
def test_no_secret_of_the_environment_is_printed_whatever_is_wrong_beside_it(write, row):
    path = write(KEPT.format(row=row))
    try:
        loaded = load(path, ENVIRON)
        shown = [*loaded.warnings, dump(loaded.settings, loaded.secrets)]
        assert "***" in shown[-1]
    except ConfigError as error:
        shown = error.mistakes
    assert [one for one in shown if SECRET in one] == []


def test_no_secret_is_printed_by_the_command(write):
    path = write(KEPT.format(row="https://b.example/"))
    for more in ([], ["--debug"]):
        done = subprocess.run([sys.executable, "-m", "crawler", "-c", path, *more, "check"], capture_output=True, text=True,
                              timeout=60, env={**os.environ, **ENVIRON, "PYTHONPATH": str(ROOT)})
        assert done.returncode == 0, done.stderr
        assert SECRET not in done.stdout + done.stderr
        assert "***" in done.stdout
