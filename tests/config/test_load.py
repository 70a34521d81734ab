"""The configuration as a whole: every mistake at once by its line, and what a sound one means."""

import os
from datetime import date, timedelta
from ipaddress import ip_network
from pathlib import Path

import pytest

from crawler.config import load
from crawler.errors import ConfigError
from crawler.settings import Translations

FEEDS = "feeds: [https://a.example/feed]\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="f.yaml"):
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path
    return write


def mistakes(path, environ=None):
    with pytest.raises(ConfigError) as caught:
        load(path, environ or {})
    assert caught.value.exit_status == 2
    return caught.value.mistakes


def test_every_mistake_is_named_at_once_by_its_line(write):
    path = write("""\
store: mysql://x
contct: a@b.org
crawl:
  concurency: 5
  poll: {min: 2h, start: 1h}
  timeout: 30
match:
  containment: high
sources:
  A: {kind: agenci, timezone: Europe/Madird}
feeds:
  - https://a.example/x
  - http://a.example/x/
  - url: file:///etc/passwd
  - url: https://b.example/
    keep: ['(']
    validaters: false
""")
    assert mistakes(path) == [
        "f.yaml:1: store: expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME",
        "f.yaml:2: contct: unknown key; did you mean contact?",
        "f.yaml:4: crawl.concurency: unknown key; did you mean concurrency?",
        "f.yaml:5: crawl.poll.start: below poll.min; poll.min <= poll.start <= poll.max must hold",
        'f.yaml:6: crawl.timeout: expected a number with one of ms s m h d w, such as 30s or 10m, not "30"',
        'f.yaml:8: match.containment: expected a number, not "high"',
        "f.yaml:10: sources.A.kind: expected 'agency', 'publisher' or 'aggregator', not \"agenci\"",
        "f.yaml:10: sources.A.timezone: no IANA time zone such as Europe/Madrid; did you mean Europe/Madrid?",
        "f.yaml:13: feeds[1]: the same feed as in f.yaml:12; keep one of the two",
        'f.yaml:14: feeds[2].url: expected an http:// or https:// address, not "file:///etc/passwd"',
        "f.yaml:16: feeds[3].keep[0]: not a regular expression: missing ), unterminated subpattern at position 0",
        "f.yaml:17: feeds[3].validaters: unknown key; did you mean validators?",
    ]


@pytest.mark.parametrize(("text", "expected"), [
    ("crawl: {poll: {min: 2h, start: 1h}}", "crawl.poll.start: below poll.min"),
    ("crawl: {poll: {start: 2d}}", "crawl.poll.max: below poll.start"),
    ("crawl: {poll: {min: 0s}}", "crawl.poll.min: expected more than 0s"),
    ("crawl: {timeout: 1e999s}", "crawl.timeout: expected a number"),
    ("crawl: {timeout: 999999999999d}", "crawl.timeout: expected at most"),
    ("crawl: {concurrency: 0}", 'crawl.concurrency: expected at least 1, not "0"'),
    ("crawl: {concurrency: 010}", "crawl.concurrency: an ambiguous number"),
    ("crawl: {concurrency: 1_0}", "crawl.concurrency: an ambiguous number"),
    ("crawl: {follow_attribution: 3}", "crawl.follow_attribution: expected true or false"),
    ("crawl: {max_bytes: {feed: 16}}", "crawl.max_bytes.feed: expected a number with one of B KiB"),
    ("crawl: {max_bytes: {feed: 0B}}", "crawl.max_bytes.feed: expected at least 1KiB"),
    ("crawl: {private_networks: [10.0.0.1/8]}", "crawl.private_networks[0]: expected a network"),
    ("crawl: {proxy: socks5://x}", "crawl.proxy: expected http://HOST:PORT"),
    ("crawl: [a]", "crawl: expected a mapping"),
    ("store: [a]", "store: expected a text"),
    ("store: sqlite://", "store: expected a file"),
    ("store: postgresql://user@host", "store: expected postgresql://"),
    ("contact: no", "contact: expected an e-mail address"),
    ('contact: "a@b.org\\r\\nX: y"', "contact: expected an e-mail address"),
    ("match: {containment: 1.5}", "match.containment: expected at most 1"),
    ("match: {translations: perhaps}", "match.translations: expected true or false"),
    ("match: {translations: {encoder: use-m4}}", "match.translations.encoder: 'use-m4': expected use-m3"),
    ("match: {translations: {second: 'e5:x'}}", "match.translations.second: 'e5:x': expected use-m3"),
    ("match: {translations: {encoder: 'sentence-transformers:LaBSE'}}",
     "match.translations.encoder: sentence-transformers:LaBSE: the package sentence_transformers is not installed; run `pip install"),
    ("match: {translations: {encoder: 'model2vec:x'}}", "match.translations.encoder: its thresholds are not known"),
    ("match: {translations: {calibration: /nowhere/c.json}}", "match.translations.calibration: /nowhere/c.json: there is no such file"),
    ("match: {translations: {window: 0s}}", "match.translations.window: expected more than 0s"),
    ("match: {min_words: 5.5}", "match.min_words: expected a whole number"),
    ("sources: {A: {timezone: Europe/Madird}}", "did you mean Europe/Madrid?"),
    ("sources: {A: {timezone: ../../etc/passwd}}", "sources.A.timezone: no IANA time zone"),
    pytest.param(f"sources: {{A: {{timezone: Europe{'/Mad' * 2000}}}}}", "sources.A.timezone: no IANA time zone", id="a zone of 2000 parts"),
    ("sources: {A: {domains: ['http://x.org/']}}", "sources.A.domains[0]: expected a domain"),
    ("sources: {A: {domains: [x.org]}, B: {domains: [X.org]}}", "sources.B.domains[0]: belongs to A already"),
    ("sources: {A: {licensed: [{from: A}]}}", "sources.A.licensed[0].from: a source needs no licence from itself"),
    ("sources: {A: {licensed: [{since: 2024-01-01}]}}", "sources.A.licensed[0].from: missing"),
    ("sources: {A: {licensed: [{from: B, since: 20240101}]}}", "licensed[0].since: expected a date"),
    ("sources: {A: {licensed: [{from: B, since: 2024-02-30}]}}", "licensed[0].since: expected a date"),
    ("sources: {A: {licensed: [{from: B, since: 2024-02-02, until: 2024-01-01}]}}", "lies before `since`"),
    ("review: {listen: 0.0.0.0:80}", "review.listen: others could reach this address"),
    ("review: {listen: '[::]:80'}", "review.listen: others could reach this address"),
    ("review: {listen: news.example:80}", "review.listen: others could reach this address"),
    ("review: {listen: '8477'}", "review.listen: expected HOST:PORT"),
    ("review: {listen: '127.0.0.1:99999'}", "review.listen: expected HOST:PORT"),
    ("review: {listen: '::1:80'}", "review.listen: expected HOST:PORT"),
    ("review: {tokens_file: none.txt}", "review.tokens_file: none.txt: no such file"),
    ("webhooks: [{url: ftp://x}]", "webhooks[0].url: expected an http://"),
    ("webhooks: [{url: http://x.org, events: [storry]}]", "webhooks[0].events[0]: expected 'story'"),
    ("webhooks: [{url: http://x.org, role: copy}]", "webhooks[0].role: says nothing without `sources`"),
    ("webhooks: [{url: http://x.org, sources: [A], role: thief}]", "webhooks[0].role: expected 'original' or 'copy'"),
    ("webhooks: [{url: http://x.org, words: [ferry, '...']}]", "webhooks[0].words[1]: no word that could be found"),
    ("webhooks: [{url: http://x.org, sources: ['']}]", "webhooks[0].sources[0]: no word that could be found"),
    ("webhooks: [{url: http://x.org, languages: [english!]}]", "webhooks[0].languages[0]: expected a language tag"),
    ("webhooks: [{url: http://x.org, min_copies: 0}]", "webhooks[0].min_copies: expected at least 1"),
    ("webhooks: [{url: http://x.org, secret: whsec_geheim!}]", "webhooks[0].secret: after whsec_ expected base64"),
    ("review: {hub: hub.example, public_url: https://us.example}", "review.hub: expected an http:// or https://"),
    ("review: {hub: https://hub.example}", "review.hub: set review.public_url too"),
    ("retention: {pages: 0d}", "retention.pages: expected more than 0s"),
])
def test_a_mistake_is_named_with_what_to_do(write, text, expected):
    found = mistakes(write(f"{FEEDS}{text}\n"))
    assert len(found) == 1
    assert found[0].startswith("f.yaml:2: ")
    assert expected in found[0]


@pytest.mark.parametrize(("row", "expected"), [
    ("{url: https://a.example, every: 10}", "every: expected a number with one of"),
    ("{url: https://a.example, every: 0s}", "every: expected more than 0s"),
    ("{url: https://a.example, language: '12'}", "language: expected a language tag"),
    ("{url: https://a.example, drop: ['a', '(']}", "drop[1]: not a regular expression"),
    ("{url: https://a.example, headers: {Host: x}}", "headers.Host: set by Firsthand itself"),
    ('{url: https://a.example, headers: {X: "a\\r\\nb"}}', "headers.X: a header holds"),
    ("{url: https://a.example, headers: {'a b': x}}", "headers.a b: not the name of a header"),
    ("{url: https://a.example, auth: {username: x}}", "auth.password: missing"),
    ("{url: https://a.example, tags: world}", "tags: expected a list"),
    ("{source: A}", "url: missing"),
    ("[a]", "expected a URL or a mapping"),
    ("ftp://a.example/", "expected an http:// or https:// address"),
    ("https://", "expected an http:// or https:// address"),
    ("'https://a b/'", "expected an http:// or https:// address"),
    ("https://[x/", "not a valid address"),
    ("https://a.example:99999/", "not a valid address"),
    ('{url: "https://a.example/${", source: a}', "without a variable's name"),
])
def test_a_mistake_in_a_feed_is_named(write, row, expected):
    found = mistakes(write(f"feeds:\n  - https://first.example/\n  - {row}\n"))
    assert len(found) == 1
    assert found[0].startswith("f.yaml:3: feeds[1]")
    assert expected in found[0]


@pytest.mark.parametrize(("text", "expected"), [
    ("", "f.yaml:1: empty"), ("# only words\n", "f.yaml:1: empty"), ("- a\n", "f.yaml:1: expected settings"),
    ("hello\n", "f.yaml:1: expected settings"), ("store: sqlite:///x.db\n", "f.yaml:1: feeds: missing"),
    ("contact: a@b.org\nfeeds:\n", "f.yaml:2: feeds: missing"), ("feeds: x\n", "f.yaml:1: feeds: expected a list"),
    ("feeds:\n  - https://a.example/\ncrawl: {poll: {mi", "f.yaml:3: "),
])
def test_half_a_file_is_one_clear_line(write, text, expected):
    found = mistakes(write(text))
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_a_file_that_is_missing_or_may_not_be_read_is_one_clear_line(tmp_path):
    assert "no such file" in mistakes(tmp_path / "none.yaml")[0]
    secret = tmp_path / "secret.yaml"
    secret.write_text(FEEDS)
    secret.chmod(0)
    if os.geteuid() != 0:  # root reads everything
        assert "may not be read" in mistakes(secret)[0]


def test_texts_are_texts_where_texts_are_meant(write):
    loaded = load(write("""\
sources:
  2024:
  no: {timezone: UTC, licensed: [{from: 2024, since: 2024-01-31}]}
crawl:
review: {listen: null}
feeds:
  - url: https://no.example/
    language: no
    source: 010
    tags: [on, 12:30:00, 1e3]
"""), {})
    feed = loaded.settings.feeds[0]
    assert (feed.language, feed.source, feed.tags) == ("no", "010", ("on", "12:30:00", "1e3"))
    assert set(loaded.settings.sources) == {"2024", "no"}
    assert loaded.settings.sources["no"].licensed[0].since == date(2024, 1, 31)
    assert loaded.settings.review.listen is None
    assert loaded.settings.crawl.timeout == timedelta(seconds=30)


def test_every_form_of_value_is_understood(write):
    settings = load(write("""\
contact: https://news.example.org/bot
crawl: {private_networks: [127.0.0.0/8, "::1/128"], timeout: 500ms, max_bytes: {feed: 1.5MiB}, follow_attribution: no}
match: {translations: {window: 5d}}
review: {listen: "[::1]:0"}
feeds: [https://a.example/x, {url: https://b.example/, every: 2w, validators: false}]
"""), {}).settings
    assert settings.crawl.private_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.crawl.timeout == timedelta(milliseconds=500)
    assert settings.crawl.max_bytes.feed == 1572864
    assert settings.crawl.follow_attribution is False
    assert settings.match.across == Translations(window=timedelta(days=5))
    assert settings.feeds[1].every == timedelta(days=14)
    assert settings.feeds[1].validators is False


def test_doubts_are_warnings(write):
    loaded = load(write("""\
webhooks: [{url: https://hook.example/}, {url: https://hook.example/, secret: a}, {url: https://hook.example/, secret: b, words: [a]}]
retention: {articles: 10d}
crawl: {robots: ignore}
sources: {A: {licensed: [{from: Reutrs}]}, Reuters: {kind: agency}}
feeds: []
"""), {})
    assert [warning.split(": ", 2)[1] for warning in loaded.warnings] == [
        "contact", "webhooks[0]", "webhooks[1]", "retention.articles", "crawl.robots", "sources.A.licensed[0].from", "feeds"]
    assert "each event is posted there once" in loaded.warnings[2]
    assert "did you mean Reuters?" in loaded.warnings[5]


def test_a_secret_stands_in_no_mistake(write):
    assert not any("geheim" in one for one in mistakes(write(f"{FEEDS}webhooks: [{{url: 'http://x.org', secret: whsec_geheim!}}]\n")))


@pytest.mark.parametrize("contact", ["newsdesk@your-domain.example", "me@example.com", "https://example.org"])
def test_a_contact_of_the_documentation_is_a_warning(write, contact):
    assert "give your own" in load(write(f"contact: {contact}\n{FEEDS}"), {}).warnings[0]


def test_a_page_for_others_needs_tokens(write):
    write(f"desk sha256:{'0' * 64}\n", "tokens")
    settings = load(write(f"{FEEDS}review: {{listen: 0.0.0.0:80, tokens_file: tokens}}\n"), {}).settings
    assert settings.review.tokens_file == Path("tokens")
    for text, says in (("desk abc\n", "tokens:1: expected NAME sha256:HEX"), ("# nobody\n", "nobody has a token"), (None, "no such file")):
        if text is None:
            Path("tokens").unlink()
        else:
            write(text, "tokens")
        assert says in mistakes(write(f"{FEEDS}review: {{listen: 0.0.0.0:80, tokens_file: tokens}}\n"))[0]


@pytest.mark.parametrize("other", [
    "http://a.example/feed", "https://a.example/feed/", "https://A.EXAMPLE:443/feed", "https://a.example./feed",
    "https://u:p@a.example/feed", "https://a.example/feed#x", "https://a.example/feed",
])
def test_one_feed_under_two_addresses_is_named_with_both_lines(write, other):
    assert mistakes(write(f"feeds:\n  - https://a.example/feed\n  - url: {other}\n")) == [
        "f.yaml:3: feeds[1].url: the same feed as in f.yaml:2; keep one of the two"]


@pytest.mark.parametrize("other", [
    "https://a.example/feed?x=1", "https://a.example:8443/feed", "https://a.example/Feed", "https://b.example/feed",
])
def test_other_feeds_of_one_host_are_others(write, other):
    assert len(load(write(f"feeds:\n  - https://a.example/feed\n  - {other}\n"), {}).settings.feeds) == 2


def test_ten_thousand_feeds_are_a_configuration_like_any_other(write):
    rows = "".join(f"  - {{url: 'https://h{n}.example/', source: S{n}}}\n" for n in range(10_000))
    assert len(load(write(f"feeds:\n{rows}"), {}).settings.feeds) == 10_000


def test_no_line_of_a_mistake_can_be_faked(write):
    found = mistakes(write('feeds: ["file:///x\\nf.yaml:9: faked\\e[31m"]\n'))
    assert len(found) == 1
    assert found[0].isprintable()
