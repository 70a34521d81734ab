"""Counters and gauges as Prometheus reads them."""

import threading

import pytest

from crawler.metrics import Registry


def test_series_are_rendered_by_name_and_label():
    registry = Registry()
    registry.count("firsthand_polls_total", "Polls", outcome="failed")
    registry.count("firsthand_polls_total", "Polls", 2.5, outcome="fetched")
    registry.gauge("firsthand_backlog", 12, "Waiting\nentries")
    assert registry.render() == (
        "# HELP firsthand_backlog Waiting\\nentries\n# TYPE firsthand_backlog gauge\nfirsthand_backlog 12\n"
        "# HELP firsthand_polls_total Polls\n# TYPE firsthand_polls_total counter\n"
        'firsthand_polls_total{outcome="failed"} 1\nfirsthand_polls_total{outcome="fetched"} 2.5\n')
    assert registry.value("firsthand_polls_total", outcome="failed") == 1
    assert registry.value("firsthand_none") == 0


def test_labels_are_escaped():
    registry = Registry()
    registry.gauge("firsthand_x", 1, "", a='b"\\\n')
    assert 'firsthand_x{a="b\\"\\\\\\n"} 1' in registry.render()


@pytest.mark.parametrize("call", [
    lambda r: r.count("polls_total"), lambda r: r.count("firsthand_polls"), lambda r: r.gauge("firsthand_A", 1),
    lambda r: r.count("firsthand_x_total", "", -1), lambda r: (r.count("firsthand_x_total"), r.gauge("firsthand_x_total", 1)),
])
def test_bad_names_and_shrinking_counters_are_refused(call):
    with pytest.raises(ValueError, match=r"firsthand_|polls_total"):
        call(Registry())


def test_foreign_text_in_a_label_cannot_fill_the_memory():
    registry = Registry()
    for n in range(3000):
        registry.count("firsthand_x_total", "", title=str(n))
    assert registry.render().count("\n") == 1002


def test_threads_lose_no_count():
    registry = Registry()
    threads = [threading.Thread(target=lambda: [registry.count("firsthand_x_total") for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.value("firsthand_x_total") == 4000
    registry.clear()
    assert registry.render() == ""
