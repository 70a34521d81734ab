"""The table of metrics: closed labels, and nothing missing before it is counted."""

import re

import pytest

from crawler import meters, metrics
from crawler.core.types import Dropped
from crawler.errors import Reason


@pytest.fixture(autouse=True)
def fresh():
    metrics.registry.clear()
    yield
    metrics.registry.clear()


def test_every_metric_stands_there_before_anything_was_counted():
    meters.begin("0.1.0", "sqlite")
    text = metrics.render()
    assert 'store="sqlite",version="0.1.0"} 1.0' in text
    for one in meters.METERS:
        assert re.search(rf"^# HELP {one.name} \S", text, re.MULTILINE), one.name
        assert re.search(rf"^{one.name}(_count)?(\{{.*\}})? 0\.0$", text, re.MULTILINE), one.name
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(samples) < 1500


@pytest.mark.parametrize("one", meters.METERS, ids=lambda one: one.name)
def test_names_say_the_unit_and_kind(one):
    assert one.name.startswith("firsthand_")
    assert one.name.endswith("_total") == (one.kind == "Counter")
    assert one.name.endswith("_seconds") or one.kind != "Histogram"
    assert one.help[0].isupper() or one.help[0].isdigit()
    assert list(one.buckets) == sorted(set(one.buckets))


@pytest.mark.parametrize("one", [one for one in meters.METERS if one.labels], ids=lambda one: one.name)
def test_what_is_in_no_list_counts_as_other(one):
    labels = dict.fromkeys(one.labels, "what a stranger wrote\n")
    {"Counter": one.count, "Gauge": lambda **more: one.set(1, **more), "Histogram": lambda **more: one.observe(1, **more)}[
        one.kind](**labels)
    assert "stranger" not in metrics.render()


def test_each_reason_and_each_drop_has_its_series():
    assert {reason.value for reason in Reason} < set(meters.REASONS)
    assert set(meters.DROPPED) == set(Dropped.__annotations__["reason"].__args__)
    ended = {(each["outcome"], each["reason"]) for each in meters.ENTRIES.series}
    assert {("failed", reason) for reason in meters.REASONS} < ended
    assert {("wall", wall) for wall in meters.WALLS} < ended
    assert {outcome for outcome, _ in ended} == {each.value for each in meters.Ending}


@pytest.mark.parametrize(("status", "label"), [(200, "2xx"), (304, "3xx"), (429, "4xx"), (599, "5xx"), (None, "none")])
def test_a_status_is_shown_by_its_class(status, label):
    assert meters.status_class(status) == label
