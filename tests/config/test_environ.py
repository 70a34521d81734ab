"""Secrets and settings from the environment."""

from datetime import timedelta
from ipaddress import ip_network

import pytest

from crawler.config import load
from crawler.config.shown import dump
from crawler.errors import ConfigError

FEEDS = "feeds: [https://a.example/feed]\n"


@pytest.fixture
def write(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text):
        path = tmp_path / "f.yaml"
        path.write_text(text)
        return path
    return write


def test_a_secret_is_filled_in_and_never_shown(write):
    loaded = load(write("""\
store: postgresql://me:${DB}@db.example/news
contact: me@b.org
webhooks: [{url: "https://h.example/?key=${KEY}", secret: "${HOOK}"}]
feeds:
  - {url: "https://me:${DB}@a.example/", headers: {X-Key: "k-${KEY}"}, auth: {username: me, password: "${HOOK}"}}
"""), {"DB": "geheim1", "KEY": "geheim2", "HOOK": "geheim3"})
    settings = loaded.settings
    assert settings.store == "postgresql://me:geheim1@db.example/news"
    assert settings.webhooks[0].secret.get_secret_value() == "geheim3"
    assert settings.feeds[0].headers["X-Key"].get_secret_value() == "k-geheim2"
    assert "geheim" not in dump(settings, loaded.secrets)
    assert "geheim" not in repr(loaded).replace(repr(settings), "")


def test_a_missing_secret_is_a_mistake_with_its_line(write):
    with pytest.raises(ConfigError) as caught:
        load(write(f"{FEEDS}webhooks:\n  - url: https://h.example/\n    secret: ${{HOOK}}\n"), {})
    assert caught.value.mistakes == [
        f"{write('x')}:4: webhooks[0].secret: the environment has no HOOK; set it, or take ${{HOOK}} out"]


def test_a_mistake_never_shows_what_a_secret_was_filled_with(write):
    with pytest.raises(ConfigError) as caught:
        load(write(f"{FEEDS}crawl:\n  timeout: ${{T}}\n  proxy: ${{T}}\n"), {"T": "geheim"})
    assert len(caught.value.mistakes) == 2
    assert "geheim" not in str(caught.value)


def test_the_characters_themselves_can_be_written(write):
    assert load(write("feeds: [{url: https://a.example/, source: 'a $${B} $c'}]"), {}).settings.feeds[0].source == "a ${B} $c"


def test_a_secret_is_no_yaml(write):
    loaded = load(write("feeds: [{url: https://a.example/, source: '${S}'}]"), {"S": "a: [b\n${X} !!python/x"})
    assert loaded.settings.feeds[0].source == "a: [b\n${X} !!python/x"


def test_variables_outrank_the_file(write):
    path = write(f"{FEEDS}store: sqlite:///a.db\ncrawl: {{poll: {{min: 10m}}}}\nreview: {{listen: 127.0.0.1:1}}\n")
    settings = load(path, {
        "FIRSTHAND_STORE": "sqlite:///b.db", "FIRSTHAND_CRAWL__POLL__MIN": "7m", "FIRSTHAND_REVIEW__LISTEN": "null",
        "FIRSTHAND_CRAWL__PRIVATE_NETWORKS": "127.0.0.0/8, ::1/128", "FIRSTHAND_MATCH__TRANSLATIONS": "true",
        "FIRSTHAND_SOURCES": "{A: {kind: agency}}", "FIRSTHAND_EXTRACT__WORKERS": "3",
        "FIRSTHAND_CONTACT": "", "FIRSTHAND_CONFIG": "x", "OTHER": "y",
    }).settings
    assert settings.store == "sqlite:///b.db"
    assert settings.crawl.poll.min == timedelta(minutes=7)
    assert settings.review.listen is None
    assert settings.crawl.private_networks == (ip_network("127.0.0.0/8"), ip_network("::1/128"))
    assert settings.match.translations is True
    assert settings.sources["A"].kind == "agency"
    assert settings.extract.workers == 3
    assert settings.contact is None


@pytest.mark.parametrize(("name", "text", "reason"), [
    ("FIRSTHAND_STROE", "x", "no such setting; did you mean FIRSTHAND_STORE?"),
    ("FIRSTHAND_CRAWL", "{}", "no such setting; did you mean FIRSTHAND_"),
    ("FIRSTHAND_STORE", "mysql://x", "expected sqlite:///PATH"),
    ("FIRSTHAND_MATCH__MIN_WORDS", "many", 'expected a whole number, not "many"'),
    ("FIRSTHAND_MATCH__MIN_WORDS", "010", "an ambiguous number"),
    ("FIRSTHAND_REVIEW__LISTEN", "0.0.0.0:80", "others could reach this address"),
    ("FIRSTHAND_SOURCES", "{A: ", "a value is missing, or a bracket is not closed"),
    ("FIRSTHAND_WEBHOOKS", "[{url: !!python/x y}]", "a tag"),
])
def test_a_mistake_in_a_variable_is_named_by_the_variable(write, name, text, reason):
    with pytest.raises(ConfigError) as caught:
        load(write(FEEDS), {name: text})
    assert len(caught.value.mistakes) == 1
    assert caught.value.mistakes[0].startswith(f"environment: {name}: {reason}")


def test_what_a_file_names_and_what_kubernetes_sets_is_no_setting(write):
    path = write("feeds: [{url: https://a.example/, source: '${FIRSTHAND_NAME}'}]")
    load(path, {"FIRSTHAND_NAME": "x", "FIRSTHAND_PORT": "tcp://10.0.0.1:80", "FIRSTHAND_SERVICE_HOST": "10.0.0.1",
                "FIRSTHAND_PORT_80_TCP_ADDR": "10.0.0.1", "FIRSTHAND_SERVICE_PORT_HTTP": "80"})
