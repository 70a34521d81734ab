"""YAML text -> nodes with lines: what is refused, where, and what is taken literally."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.config.source import Items, Pairs, Scalar, parse, read_file, render
from crawler.errors import ConfigError

FILE = Path("f.yaml")


def refused(text):
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE)
    return caught.value.mistakes


@pytest.mark.parametrize(("text", "line", "word"), [
    ("a: &x 1\n", 1, "an anchor, &x"),
    ("a: 1\nb: *x\n", 2, "alias"),
    ("x: 1\na: !!python/object/apply:os.system [id]\n", 2, "a tag"),
    ("a: !!str 3\n", 1, "a tag"),
    ("a: !secret x\n", 1, "a tag"),
    ("a: 1\n<<: {b: 1}\n", 2, "merge key"),
    ("a: 1\n---\nb: 2\n", 2, "second document"),
    ("a:\n\t- b\n", 2, "a tab"),
    ("a: 1\nb: 2\na: 3\n", 3, "stands here twice, first in line 1"),
    ("a:\n  b: {c: 1, c: 2}\n", 2, "stands here twice"),
    ("[a]: 1\n", 1, "as a key"),
    ("a: 1\nb: 'x\nc: 2\n", 2, "quotation mark that begins here"),
    ("a: 1\nb: [x\nc: 2\n", 2, "bracket"),
    ("a: b: c\n", 1, "second colon"),
    ("a: @x\n", 1, "quote it"),
    ("a:\n  b: 1\n c: 2\n", 3, "indentation"),
    ("a: 1\n\x00", 2, "control character"),
    ("a: " + "[" * 30 + "]" * 30, 1, "nested too deeply"),
    ("a: " + "[" * 200_000, 1, ""),
    ("a: " + "{a: " * 50_000, 1, ""),
])
def test_what_surprises_is_refused_with_its_line(text, line, word):
    mistakes = refused(text)
    assert mistakes[0].startswith(f"f.yaml:{line}: ")
    assert word in mistakes[0]
    assert all(len(mistake.splitlines()) == 1 for mistake in mistakes)


def test_every_anchor_and_tag_is_named():
    assert len(refused("a: &x 1\nb: *x\nc: !!int 1\n")) == 3


@pytest.mark.parametrize("text", ["no", "12:30:00", "010", "2024-01-31", "1e3", "0x1f", "on", ".inf", "=", "a&b=*c!"])
def test_a_plain_text_stays_as_it_is_written(text):
    node = parse(f"a: {text}\n{text}: 1\n", FILE)
    assert node.pairs["a"].text == text
    assert text in node.pairs


@pytest.mark.parametrize(("text", "null"), [
    ("", True), ("~", True), ("null", True), ("'null'", False), ('""', False), ("nullo", False),
])
def test_only_a_bare_null_is_no_value(text, null):
    assert parse(f"a: {text}\n", FILE).pairs["a"].null is null


@pytest.mark.parametrize(("text", "trap"), [
    ("010", True), ("1_000", True), ("0x1f", True), ("12:30:00", True), ("0o17", True), ("-08", True),
    ("10", False), ("0", False), ("0.5", False), ("-3", False), ("1e3", False), ("no", False),
])
def test_ambiguous_numbers_are_known(text, trap):
    assert parse(f"a: {text}", FILE).pairs["a"].trap is trap


def test_marks_count_lines_from_one():
    node = parse("# comment\na:\n  - x\n  - b: y\n", FILE)
    assert (node.keys["a"].mark.line, node.pairs["a"].items[1].pairs["b"].mark.line) == (2, 4)


def test_an_empty_text_has_no_node():
    assert parse("# nothing\n", FILE) is None


@pytest.mark.parametrize(("body", "word"), [
    (b"\xff\xfe\x00binary\x00", "not UTF-8"), (b"a: 1\nb: \xe9\n", ":2: not UTF-8"),
])
def test_binary_and_other_encodings_are_one_clear_line(tmp_path, body, word):
    path = tmp_path / "c.yaml"
    path.write_bytes(body)
    with pytest.raises(ConfigError) as caught:
        read_file(path)
    assert len(caught.value.mistakes) == 1
    assert word in caught.value.mistakes[0]


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert list(parse(read_file(path), path).pairs) == ["a"]


def test_missing_folder_huge_and_odd_files_are_one_clear_line(tmp_path):
    huge = tmp_path / "huge.yaml"
    with huge.open("wb") as file:
        file.truncate(65 * 1024 * 1024)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, word in [(tmp_path / "none.yaml", "no such file"), (tmp_path, "not a regular file"),
                       (huge, "too large"), (pipe, "not a regular file")]:
        with pytest.raises(ConfigError) as caught:
            read_file(path)
        assert word in str(caught.value)
        assert "\n" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text):
    try:
        node = parse(text, FILE)
    except ConfigError as error:
        node = error.mistakes
    assert node is None or isinstance(node, Scalar | Items | Pairs | list)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30), max_size=5))
def test_what_is_rendered_is_read_as_the_same_texts(texts):
    for flow in (False, True):
        node = parse(render({"x": texts}, flow=flow), FILE)
        assert [item.text for item in node.pairs["x"].items] == texts
