"""include and opml: relative names, patterns, loops, lines in the file that holds the mistake."""

from pathlib import Path

import pytest

from crawler.config import load
from crawler.errors import ConfigError


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name, text):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
    return write


def urls(path):
    return [feed.url for feed in load(path, {}).settings.feeds]


def mistakes(path):
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    return caught.value.mistakes


def test_included_files_come_in_their_place_and_by_name(write):
    write("c/feeds.d/b.yaml", "feeds:\n  - https://b.example/\n")
    write("c/feeds.d/a.yaml", "- https://a.example/\n- include: ../more/x.yaml\n")
    write("c/more/x.yaml", "- {url: https://x.example/, tags: [x]}\n")
    path = write("c/f.yaml", "feeds:\n  - https://1.example/\n  - include: feeds.d/*.yaml\n  - https://2.example/\n")
    assert urls(path) == [f"https://{name}.example/" for name in ("1", "a", "x", "b", "2")]
    assert [str(file) for file in load(path, {}).files] == [
        "c/f.yaml", "c/feeds.d/a.yaml", "c/feeds.d/../more/x.yaml", "c/feeds.d/b.yaml"]


def test_an_absolute_name_is_taken_as_it_is(write, tmp_path):
    write("elsewhere/x.yaml", "- https://x.example/\n")
    assert urls(write("f.yaml", f"feeds: [{{include: {tmp_path}/elsewhere/*.yaml}}]")) == ["https://x.example/"]


def test_a_mistake_in_an_included_file_has_its_file_and_line(write):
    write("x.yaml", "feeds:\n  - https://a.example/\n  - {url: https://b.example/, evry: 1h}\nstore: x\n")
    path = write("f.yaml", "feeds:\n  - https://a.example\n  - include: x.yaml\n")
    assert mistakes(path) == [
        "x.yaml:2: feeds[0]: the same feed as in f.yaml:2; keep one of the two",
        "x.yaml:3: feeds[1].evry: unknown key; did you mean every?",
        "x.yaml:4: store: an included file holds feeds only; move it",
    ]


def test_broken_and_unreadable_files_are_named(write):
    write("a.yaml", "- [\n")
    Path("b.yaml").write_bytes(b"\xff\xfe")
    path = write("f.yaml", "feeds:\n  - include: a.yaml\n  - include: b.yaml\n  - include: c.yaml\n")
    found = mistakes(path)
    assert [mistake.split(": ")[0] for mistake in found] == ["a.yaml:2", "b.yaml:1", "f.yaml:4"]


@pytest.mark.parametrize("inner", ["x.yaml", "../f.yaml", "'*.yaml'"])
def test_loops_end(write, inner):
    write("d/x.yaml", f"- include: {inner}\n")
    path = write("f.yaml", "feeds:\n  - include: d/x.yaml\n")
    assert "a loop of includes" in mistakes(path)[0]
    assert mistakes(path)[0].startswith("d/x.yaml:1: [0].include: ")


def test_a_file_included_twice_is_named_once(write):
    write("x.yaml", "- https://a.example/\n")
    path = write("f.yaml", "feeds:\n  - include: x.yaml\n  - include: ./*.yaml\n")
    assert any("x.yaml is included twice" in mistake for mistake in mistakes(path))


def test_a_pattern_without_files_is_a_doubt_and_a_name_without_a_file_a_mistake(write):
    path = write("f.yaml", "feeds:\n  - include: none/*.yaml\n  - https://a.example/\n")
    assert "f.yaml:2: feeds[0].include: no file matches none/*.yaml" in load(path, {}).warnings
    assert "none.yaml: no such file" in mistakes(write("f.yaml", "feeds: [{include: none.yaml}]"))[0]


@pytest.mark.parametrize(("row", "expected"), [
    ("{include: x.yaml, source: A}", "feeds[0].source: unknown key beside include"),
    ("{include: [x.yaml]}", "feeds[0].include: expected the name of a file"),
    ("{include: }", "feeds[0].include: expected the name of a file"),
    ("{opml: none.opml}", "feeds[0].opml: none.opml: no such file"),
    pytest.param(f"{{include: {'a' * 3000}/**}}", "File name too long", id="a name longer than the system takes"),
    pytest.param(f"{{include: {'a' * 5000}}}", "longer or deeper than the name of any file", id="a name longer than any path"),
    pytest.param(f"{{include: x{'/*' * 2000}}}", "longer or deeper than the name of any file", id="a pattern of 2000 folders"),
])
def test_a_reference_is_a_name_and_nothing_else(write, row, expected):
    assert any(expected in mistake for mistake in mistakes(write("f.yaml", f"feeds:\n  - {row}\n")))


def test_rows_of_an_opml_file_are_feeds(write):
    write("r.opml", """<opml version="2.0"><body><outline text="World">
        <outline type="rss" text="A" xmlUrl="https://a.example/feed"/>
        <outline type="rss" text="A" xmlUrl="http://a.example/feed/"/>
        <outline type="rss" text="nothing"/>
        </outline></body></opml>""")
    loaded = load(write("f.yaml", "feeds:\n  - opml: r.opml\n"), {})
    assert [(feed.url, feed.tags) for feed in loaded.settings.feeds] == [("https://a.example/feed", ("World",))]
    assert any(warning.startswith("r.opml:4: left out: ") for warning in loaded.warnings)


def test_a_feed_in_yaml_and_opml_is_named(write):
    write("r.opml", '<opml><body><outline xmlUrl="https://a.example/feed"/></body></opml>')
    path = write("f.yaml", "feeds:\n  - https://a.example/feed\n  - opml: r.opml\n")
    assert mistakes(path) == ["r.opml:1: https://a.example/feed: the same feed as in f.yaml:2; keep one of the two"]


def test_what_is_no_opml_is_a_mistake(write):
    write("r.opml", "<html></html>")
    assert "name an OPML file" in mistakes(write("f.yaml", "feeds: [{opml: r.opml}]"))[0]
