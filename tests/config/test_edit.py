"""Edits of the configuration: everything else stays as it was, and a mistake changes nothing."""

import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.config import load
from crawler.config.edit import add_feed, add_feeds, cut, insert, remove_feed
from crawler.errors import ConfigError, NotFoundError, UsageError

TEXT = """\
# top
contact:   me@b.org   # aligned
feeds:   # the list
  # group one
  - https://a.example/feed     # first

  - {url: "https://b.example/",  source: 'B'}
  # group two
  - url: https://c.example/     # third
    source: C
    tags:
      - x   # deep
  # end of the list

# tail
match: {min_words: 50}
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text(TEXT)
    return path


def test_a_feed_is_added_at_the_end_and_nothing_else_changes(path):
    loaded = add_feed(path, {"url": "https://d.example/"}, {})
    assert path.read_text() == TEXT.replace("      - x   # deep\n", "      - x   # deep\n  - https://d.example/\n")
    assert [feed.url for feed in loaded.settings.feeds][-1] == "https://d.example/"


def test_a_feed_with_more_is_added_as_a_mapping(path):
    add_feed(path, {"url": "https://d.example/", "source": "no", "every": "10m", "tags": ["a", "b: c"]}, {})
    feed = load(path, {}).settings.feeds[-1]
    assert (feed.source, feed.tags) == ("no", ("a", "b: c"))


@pytest.mark.parametrize(("name", "gone"), [
    ("https://a.example/feed", "  - https://a.example/feed     # first\n"),
    ("b", "  - {url: \"https://b.example/\",  source: 'B'}\n"),
    ("c.example", None),
    ("http://c.example", "  - url: https://c.example/     # third\n    source: C\n    tags:\n      - x   # deep\n"),
])
def test_a_feed_is_removed_and_the_comments_around_it_stay(path, name, gone):
    if gone is None:
        with pytest.raises(NotFoundError):
            remove_feed(path, name, {})
        assert path.read_text() == TEXT
    else:
        remove_feed(path, name, {})
        assert path.read_text() == TEXT.replace(gone, "")


def test_the_last_feed_leaves_an_empty_list_to_which_one_can_be_added(path):
    for name in ("A.EXAMPLE", "B", "C"):
        remove_feed(path, name if name != "A.EXAMPLE" else "https://a.example/feed", {})
    assert "feeds: []   # the list\n" in path.read_text()
    assert load(path, {}).settings.feeds == ()
    add_feed(path, {"url": "https://d.example/"}, {})
    assert "feeds:  # the list\n  - https://d.example/\n" in path.read_text()
    assert path.read_text().count("#") == TEXT.count("#") - 3


@pytest.mark.parametrize("text", [
    "feeds: [https://a.example/, {url: https://b.example/}]\ncontact: me@b.org # c\n",
    "feeds: [\n  https://a.example/,   # one\n  {url: https://b.example/, tags: [x]} # two\n]\n",
    "feeds:\n- https://a.example/\n- https://b.example/",
    "feeds:\r\n  - https://a.example/\r\n  - https://b.example/\r\n",
    "feeds:\n  - url: >-\n      https://a.example/\n  - url: |-\n      https://b.example/\n    source:\ncontact: me@b.org\n",
    "\ufefffeeds:\n  - https://a.example/\n  - https://b.example/\n",
])
def test_every_way_to_write_a_list_can_be_edited(tmp_path, text):
    path = tmp_path / "f.yaml"
    path.write_bytes(text.encode())
    add_feed(path, {"url": "https://c.example/", "source": "C, D: [e]"}, {})
    add_feed(path, {"url": "https://d.example/?a=1,2"}, {})
    assert remove_feed(path, "https://b.example/", {}) == "https://b.example/"
    assert remove_feed(path, "https://a.example/", {}) == "https://a.example/"
    feeds = load(path, {}).settings.feeds
    assert [(feed.url, feed.source) for feed in feeds] == [
        ("https://c.example/", "C, D: [e]"), ("https://d.example/?a=1,2", None)]
    assert path.read_bytes().count(b"\r\n") in (0, path.read_bytes().count(b"\n"))
    assert path.read_bytes().startswith(b"\xef\xbb\xbf") == text.startswith("\ufeff")


@pytest.mark.parametrize("feed", [
    {"url": "https://a.example/feed/"}, {"url": "ftp://x/"}, {"url": "https://d.example/", "every": "often"},
    {"url": "https://d.example/", "evry": "1h"},
])
def test_a_mistake_changes_nothing(path, feed):
    with pytest.raises(ConfigError, match="nothing was changed"):
        add_feed(path, feed, {})
    assert path.read_text() == TEXT
    assert [file.name for file in path.parent.iterdir()] == ["f.yaml"]


def test_a_file_with_mistakes_is_not_edited(path):
    path.write_text(TEXT + "nonsense: 1\n")
    with pytest.raises(ConfigError, match="unknown key"):
        add_feed(path, {"url": "https://d.example/"}, {})
    assert path.read_text() == TEXT + "nonsense: 1\n"


def test_mode_and_symbolic_link_stay(path):
    path.chmod(0o640)
    link = path.with_name("link.yaml")
    link.symlink_to(path)
    add_feed(link, {"url": "https://d.example/"}, {})
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert "https://d.example/" in path.read_text()


def test_a_feed_of_an_included_file_is_removed_there(path):
    other = path.with_name("more.yaml")
    other.write_text("# more\n- https://m.example/ # one\n- https://n.example/\n")
    path.write_text(TEXT.replace("match:", "").replace(" {min_words: 50}\n", "").replace(
        "  # end of", "  - include: more.yaml\n  # end of"))
    before = path.read_text()
    remove_feed(path, "https://m.example/", {})
    assert other.read_text() == "# more\n- https://n.example/\n"
    remove_feed(path, "https://n.example/", {})
    assert other.read_text() == "# more\n[]\n"
    assert path.read_text() == before


def test_a_source_with_several_feeds_is_not_guessed(path):
    add_feed(path, {"url": "https://b2.example/", "source": "B"}, {})
    with pytest.raises(UsageError, match=r"B has 2 feeds.*https://b\.example/, https://b2\.example/"):
        remove_feed(path, "B", {})


def test_many_editors_at_once_lose_nothing(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("feeds:\n  - https://a.example/\n")
    code = ("import sys; from pathlib import Path; from crawler.config.edit import add_feed\n"
            "for n in range(5): add_feed(Path(sys.argv[1]), {'url': f'https://{sys.argv[2]}{n}.example/'}, {})")
    children = [os.spawnv(os.P_NOWAIT, sys.executable, [sys.executable, "-c", code, str(path), name]) for name in "xyz"]
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len(load(path, {}).settings.feeds) == 16


COMMENTS = st.sampled_from(["", "  # c", " # - https://x.example/"])
BETWEEN = st.sampled_from(["", "\n", "  # between\n", "# left\n", "\n\n    # deep\n"])
ITEMS = st.sampled_from(["https://{}.example/", "url: https://{}.example/", "{{url: 'https://{}.example/', tags: [a]}}",
                         "url: https://{}.example/\n    tags:\n    - a\n    -  b"])


@given(st.lists(st.tuples(BETWEEN, ITEMS, COMMENTS), min_size=1, max_size=6), st.data())
def test_an_edit_touches_only_its_own_lines(rows, data):
    parts = [f"{between}  - {item.format(f'h{n}')}{comment}\n" for n, (between, item, comment) in enumerate(rows)]
    text = "feeds:\n" + "".join(parts) + "# end\ncontact: a@b.org\n"
    row = data.draw(st.integers(0, len(rows) - 1))
    left = cut(text, Path("f"), row)
    assert f"https://h{row}.example/" not in left
    kept = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in left.splitlines() if line.lstrip().startswith("#")] == kept
    added = insert(left, Path("f"), [{"url": "https://new.example/", "tags": ["t"]}])
    assert [line for line in added.splitlines() if line.lstrip().startswith("#")] == kept
    expected = [f"https://h{n}.example/" for n in range(len(rows)) if n != row] + ["https://new.example/"]
    assert [feed.url for feed in load(Path("f"), {}, {Path("f").resolve(): added}).settings.feeds] == expected


def test_a_thousand_feeds_are_one_edit(path):
    add_feeds(path, [{"url": f"https://n{n}.example/"} for n in range(1000)], {})
    assert len(load(path, {}).settings.feeds) == 1003
