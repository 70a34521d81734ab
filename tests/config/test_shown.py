"""The default configuration, the effective settings, and the schema agree with each other and with the code."""

import re
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from crawler.config import load
from crawler.config.schema import descriptions, json_schema
from crawler.config.shown import dump, duration, size
from crawler.config.values import _arms, annotation_at
from crawler.settings import Settings, parse_duration, parse_size

EXAMPLE = Path(__file__).parents[2] / "config" / "firsthand.yaml"


def keys(annotation=Settings, above=""):
    """Every key of the configuration by its path, lists and names of mappings left out."""
    for arm in _arms(annotation):
        if isinstance(arm, type) and issubclass(arm, BaseModel):
            for name, field in arm.model_fields.items():
                path = f"{above}.{field.alias or name}".lstrip(".")
                yield path
                yield from keys(field.annotation, path)
        elif getattr(arm, "__args__", None):
            yield from keys(arm.__args__[-1] if arm.__origin__ is dict else arm.__args__[0], above)


def test_the_example_holds_and_has_feeds_in_many_languages():
    settings = load(EXAMPLE, {}).settings
    languages = {feed.language for feed in settings.feeds}
    assert {"ar", "en", "fr", "de", "es", "pt", "tr", "ru", "fa", "hi", "zh", "ja"} <= languages
    assert len(settings.feeds) >= 30


def test_the_example_shows_every_default():
    example = load(EXAMPLE, {}).settings
    default = Settings()
    assert example.model_copy(update={"sources": {}, "feeds": ()}) == default


@pytest.mark.parametrize("key", list(keys()))
def test_the_example_and_the_schema_explain_every_key(key):
    assert re.search(rf"^[\s#{{-]*\W?{re.escape(key.rpartition('.')[2])}\b", EXAMPLE.read_text(), re.MULTILINE) or (
        f"{key.rpartition('.')[2]}:" in EXAMPLE.read_text())
    assert descriptions()[key].endswith(".")


def test_no_description_is_left_over():
    assert set(descriptions()) == set(keys())


def test_the_schema_takes_what_the_reader_takes():
    schema = json_schema()
    crawl = schema["$defs"]["Crawl"]["properties"]
    assert crawl["timeout"]["default"] == "30s"
    assert schema["$defs"]["MaxBytes"]["properties"]["feed"]["default"] == "16MiB"
    assert schema["$defs"]["Retention"]["properties"]["pages"]["default"] == "30d"
    for text in ("30s", "1.5h", "10 m", "500ms"):
        assert re.search(crawl["timeout"]["pattern"], text)
        parse_duration(text)
    for text in ("30", "s", "1h30m", "-1s", "1e3s"):
        assert not re.search(crawl["timeout"]["pattern"], text)
        with pytest.raises(ValueError, match="expected"):
            parse_duration(text)
    kinds = [set(kind) for kind in schema["properties"]["feeds"]["items"]["anyOf"]]
    assert len(kinds) == 4


@given(st.timedeltas(timedelta(0), timedelta(days=36000)))
def test_a_duration_is_read_as_it_is_shown(value):
    rounded = timedelta(milliseconds=round(value / timedelta(milliseconds=1)))
    assert parse_duration(duration(rounded)) == rounded


@given(st.integers(0, 2**45))
def test_a_size_is_read_as_it_is_shown(value):
    assert parse_size(size(value)) == value


def test_what_is_shown_is_a_configuration(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = load(EXAMPLE, {}).settings
    path = tmp_path / "shown.yaml"
    path.write_text(dump(first))
    again = load(path, {}).settings
    assert again.feeds == first.feeds
    assert again.crawl == first.crawl
    assert again.sources == first.sources
    assert again.store == f"sqlite:///{tmp_path}/var/firsthand.db"


def test_an_unknown_place_has_any_type():
    assert annotation_at(Settings, ("crawl", "none", 3)) is not int
