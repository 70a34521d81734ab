"""The Grafana dashboard and the alerts name metrics, labels and values that the daemon really exposes."""

import json
import re
from pathlib import Path

import pytest
import yaml

from crawler import meters, metrics

ROOT = Path(__file__).parents[1]
BOARD = json.loads((ROOT / "config/grafana-dashboard.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "config/prometheus-rules.yaml").read_text(encoding="utf-8"))["groups"][0]["rules"]
SHOWN = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
PANELS = {panel["title"]: [target["expr"] for target in panel["targets"]] for panel in SHOWN}
ALERTS = {rule["alert"]: [rule["expr"]] for rule in RULES}
QUERIES = [pytest.param(query, id=name) for name, queries in (PANELS | ALERTS).items() for query in queries]
OF_PROMETHEUS = {"job", "instance", "le"}   # labels that a scrape, or a histogram, adds


@pytest.fixture(scope="module")
def exposed():
    """{metric: {label: values}} of a daemon that starts."""
    metrics.registry.clear()
    meters.begin("0.1.0", "sqlite")
    found = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", metrics.render(), re.MULTILINE):
        series = found.setdefault(name, {})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            series.setdefault(label, set()).add(value)
    metrics.registry.clear()
    return found


def named(query):
    return re.findall(r"\b((?:firsthand|process)_[a-z_]+)(?:\{([^}]*)\})?", query)


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_asked_for_is_exposed(query, exposed):
    for name, matchers in named(query):
        assert name in exposed, name
        for label, operator, value in re.findall(r'(\w+)(=~|!~|!=|=)"([^"]*)"', matchers):
            if label in OF_PROMETHEUS:
                continue
            values = value.split("|") if "~" in operator else [value]
            assert set(values) <= exposed[name].get(label, set()), (name, label)


@pytest.mark.parametrize("query", QUERIES)
def test_what_is_grouped_by_is_a_label(query, exposed):
    labels = {label for name, _ in named(query) for label in exposed.get(name, ())} | OF_PROMETHEUS
    for listed in re.findall(r"\b(?:by|on|group_left) ?\(([^)]*)\)", query):
        assert set(filter(None, re.split(r"[ ,]+", listed))) <= labels


@pytest.mark.parametrize("meter", meters.METERS, ids=lambda meter: meter.name)
def test_every_metric_is_on_a_panel(meter):
    assert any(re.search(rf"\b{meter.name}(_bucket)?\{{", query) for queries in PANELS.values() for query in queries)


@pytest.mark.parametrize("panel", SHOWN, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit(panel):
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert [target["datasource"] for target in panel["targets"]] == [panel["datasource"]] * len(panel["targets"])
    assert all('job=~"$job", instance=~"$instance"' in query for query in PANELS[panel["title"]])


def test_the_panels_lie_side_by_side():
    taken = set()
    for panel in BOARD["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert len({panel["id"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
    assert len(PANELS) == len(SHOWN)


def test_it_can_be_imported_anywhere():
    assert BOARD["schemaVersion"] >= 39
    assert BOARD["id"] is None
    assert [one["name"] for one in BOARD["templating"]["list"]] == ["datasource", "job", "instance"]
    assert BOARD["templating"]["list"][0]["type"] == "datasource"


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert all(rule["annotations"][name] for name in ("summary", "description"))
