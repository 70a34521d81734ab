"""One event, one line; no value can break it, fake another, or show a password."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import log

LOGGER = logging.getLogger("crawler.test")


@pytest.fixture(autouse=True)
def _as_before():
    root, ours = logging.getLogger(), logging.getLogger("crawler")
    before = (list(root.handlers), root.level, ours.level)
    yield
    root.handlers[:], root.level, ours.level = before[0], before[1], before[2]
    logging.captureWarnings(capture=False)


def written(format_, call, **options):
    stream = io.StringIO()
    log.configure("debug", format_, stream, **options)
    call()
    return stream.getvalue()


HOSTILE = ["a\nb", "a\r\nFAKE", "\x1b[31mred", "\x00\x9b", "\u202eabc", "\u2066x", "a\u2028b", "\ud800", "x\u0085y"]


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("format_", ["text", "json"])
def test_no_value_breaks_a_line(format_, value):
    text = written(format_, lambda: log.event(LOGGER, "feed-failed", url=value, reason=value))
    assert len(text.splitlines()) == 1
    assert text.rstrip("\n").isprintable()


@given(st.dictionaries(st.sampled_from("abc"), st.text(), max_size=3))
def test_json_gives_back_every_value(fields):
    line = json.loads(written("json", lambda: log.event(LOGGER, "x", **fields)))
    assert {key: line[key] for key in fields} == fields
    assert set(line) - set(fields) == {"ts", "level", "event"}


def test_text_is_quoted_only_where_it_must_be():
    text = written("text", lambda: log.event(LOGGER, "poll-done", url="https://a/", new=3, title='a "b"', gone=None, ok=True))
    assert text.split(" ", 1)[1] == 'info poll-done url=https://a/ new=3 title="a \\"b\\"" ok=yes\n'


def test_passwords_in_addresses_are_masked():
    text = written("text", lambda: log.event(LOGGER, "x", url="https://me:secret@a/?x=b@c", dsn="postgresql://u:p%40@h/d"))
    assert "secret" not in text
    assert "p%40" not in text
    assert "https://***@a/?x=b@c" in text


@pytest.mark.parametrize(("tracebacks", "lines"), [(False, False), (True, True)])
def test_a_traceback_is_on_request_and_on_the_same_line(tracebacks, lines):
    def fail():
        try:
            raise ValueError("a\nb")
        except ValueError as error:
            log.event(LOGGER, "x", logging.ERROR, error=error)
    text = written("json", fail, tracebacks=tracebacks)
    assert len(text.splitlines()) == 1
    assert json.loads(text)["error"] == "ValueError: a\nb"
    assert ("traceback" in json.loads(text)) is lines


def test_libraries_are_heard_from_warnings_on_in_the_same_form():
    def speak():
        logging.getLogger("aiohttp").info("not this")
        logging.getLogger("aiohttp").warning("bad %s", "x\ny")
    line = json.loads(written("json", speak))
    assert (line["event"], line["logger"], line["message"]) == ("log", "aiohttp", "bad x\ny")


def test_configuring_again_replaces_the_stream():
    first = io.StringIO()
    log.configure("info", "text", first)
    second = written("text", lambda: log.event(LOGGER, "x"))
    assert (first.getvalue(), second.count("\n")) == ("", 1)


def test_a_field_cannot_replace_what_every_line_has():
    line = json.loads(written("json", lambda: log.event(LOGGER, "x", level="fake", ts=1)))
    assert (line["level"], line["level_"], line["ts_"]) == ("info", "fake", 1)


def test_a_long_value_is_cut():
    assert len(written("text", lambda: log.event(LOGGER, "x", body="a" * 1_000_000))) < 2200


def test_a_closed_stream_loses_the_line_and_nothing_else(capsys):
    stream = io.StringIO()
    log.configure("info", "text", stream)
    stream.close()
    log.event(LOGGER, "x")
    assert capsys.readouterr().err == ""
