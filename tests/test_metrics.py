"""Counters and gauges as Prometheus reads them."""

import re
import subprocess
import sys
import threading

import pytest

from crawler.metrics import Registry


def shown(registry):
    """What is rendered, without what the library tells of the process."""
    return "".join(line for line in registry.render().splitlines(keepends=True) if "process_" not in line)


def test_series_are_rendered_with_their_labels():
    registry = Registry()
    registry.count("firsthand_polls_total", "Polls", outcome="failed")
    registry.count("firsthand_polls_total", "Polls", 2.5, outcome="fetched")
    registry.gauge("firsthand_backlog", 12, "Waiting\nentries")
    assert shown(registry) == (
        "# HELP firsthand_polls_total Polls\n# TYPE firsthand_polls_total counter\n"
        'firsthand_polls_total{outcome="failed"} 1.0\nfirsthand_polls_total{outcome="fetched"} 2.5\n'
        "# HELP firsthand_backlog Waiting\\nentries\n# TYPE firsthand_backlog gauge\nfirsthand_backlog 12.0\n")
    assert registry.value("firsthand_polls_total", outcome="failed") == 1
    assert registry.value("firsthand_none") == 0


def test_a_histogram_has_the_buckets_that_were_stated():
    registry = Registry()
    for seconds in (.05, .3, 7):
        registry.observe("firsthand_seconds", seconds, "Time", (.1, 1), step="judge")
    assert [registry.value("firsthand_seconds_bucket", le=le, step="judge") for le in ("0.1", "1.0", "+Inf")] == [1, 2, 3]
    assert registry.value("firsthand_seconds_count", step="judge") == 3
    assert registry.value("firsthand_seconds_sum", step="judge") == pytest.approx(7.35)


def test_what_is_declared_stands_at_zero():
    registry = Registry()
    registry.declare("Counter", "firsthand_x_total", "X", {"a": "b"})
    assert 'firsthand_x_total{a="b"} 0.0' in registry.render()


def test_what_the_process_takes_is_told_without_anything_of_the_library():
    names = set(re.findall(r"^# TYPE (\S+)", Registry().render(), re.MULTILINE))
    assert names == {"process_virtual_memory_bytes", "process_resident_memory_bytes", "process_start_time_seconds",
                     "process_cpu_seconds_total", "process_open_fds", "process_max_fds"}


def test_labels_are_escaped():
    registry = Registry()
    registry.gauge("firsthand_x", 1, "", a='b"\\\n')
    assert 'firsthand_x{a="b\\"\\\\\\n"} 1.0' in registry.render()


@pytest.mark.parametrize("call", [
    lambda r: r.count("polls_total"), lambda r: r.count("firsthand_polls"), lambda r: r.gauge("firsthand_A", 1),
    lambda r: r.count("firsthand_x_total", "", -1), lambda r: r.observe("seconds", 1), lambda r: (r.count("firsthand_x_total"), r.gauge("firsthand_x_total", 1)),
])
def test_bad_names_and_shrinking_counters_are_refused(call):
    with pytest.raises(ValueError, match=r"firsthand_|polls_total"):
        call(Registry())


def test_foreign_text_in_a_label_cannot_fill_the_memory():
    registry = Registry()
    for n in range(3000):
        registry.count("firsthand_x_total", "", title=str(n))
    assert shown(registry).count("\n") == 1002


def test_threads_lose_no_count():
    registry = Registry()
    threads = [threading.Thread(target=lambda: [registry.count("firsthand_x_total") for _ in range(1000)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert registry.value("firsthand_x_total") == 4000
    registry.clear()
    assert shown(registry) == ""


def test_the_library_is_imported_by_the_first_metric_alone():
    code = ("import sys; from crawler import metrics, meters; assert 'prometheus_client' not in sys.modules\n"
            "meters.LISTED.count(); assert 'prometheus_client' in sys.modules")
    subprocess.run([sys.executable, "-c", code], check=True)
