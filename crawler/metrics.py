"""Counters, gauges and histograms, shown as Prometheus reads them: prometheus-client's one door.

    metrics.count("firsthand_polls_total", "Polls by outcome", outcome="changed")
    metrics.gauge("firsthand_queue", 12, "What waits", queue="entries")
    metrics.observe("firsthand_step_seconds", 0.3, "Time of a step", metrics.SECONDS, step="judge")
    metrics.render()

One registry for a process, none of the library's own; any thread may count. Which metrics there are, with all values of
their labels, is in `meters.py`. The library is imported at the first of them: its .04 s are not for `--help`.
"""

import re
from collections.abc import Sequence
from threading import Lock
from typing import Any

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60)
"""Buckets for what takes milliseconds to a minute."""

_NAME = re.compile(r"firsthand_[a-z0-9_]+")
_MOST_SERIES = 1000  # of one metric: beyond that somebody has put foreign text into a label


class Registry:
    """Named series with their help text. A metric's kind, labels and buckets are those of its first use."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._begin()

    def _begin(self) -> None:
        self._inner: Any = None
        self._metrics: dict[str, Any] = {}
        self._series: dict[str, set[tuple[str, ...]]] = {}
        self._used: dict[tuple[str, str, tuple[tuple[str, str], ...]], Any] = {}    # what `_of` has found

    def count(self, name: str, help: str = "", amount: float = 1, /, **labels: str) -> None:
        """Add to a counter; its name ends with `_total`. Raises ValueError on a bad name or a negative amount."""
        if not name.endswith("_total") or amount < 0:
            raise ValueError(f"{name}: a counter only grows, and its name ends with _total")
        if (series := self._of("Counter", name, help, labels)) is not None:
            series.inc(amount)

    def gauge(self, name: str, value: float, help: str = "", /, **labels: str) -> None:
        """Set a gauge. Raises ValueError on a bad name."""
        if (series := self._of("Gauge", name, help, labels)) is not None:
            series.set(value)

    def observe(
        self, name: str, value: float, help: str = "", buckets: Sequence[float] = SECONDS, /, **labels: str,
    ) -> None:
        """Put a value into a histogram. Raises ValueError on a bad name."""
        if (series := self._of("Histogram", name, help, labels, buckets=buckets)) is not None:
            series.observe(value)

    def declare(self, kind: str, name: str, help: str, labels: dict[str, str], **more: Any) -> None:
        """Make a series ("Counter", "Gauge", "Histogram") stand at zero before anything was counted: else it is missing,
        and what is missing raises no alarm."""
        self._of(kind, name, help, labels, **more)

    def value(self, name: str, /, **labels: str) -> float:
        """The present value, 0 where there is none; of a histogram ask for `NAME_count` or `NAME_sum`."""
        found = self._inner.get_sample_value(name, labels) if self._inner is not None else None
        return float(found or 0)

    def render(self) -> str:
        """Everything in Prometheus' text format, with what the process itself takes."""
        if self._inner is None:
            self._open()
        from prometheus_client import generate_latest  # noqa: PLC0415 - see the head

        return generate_latest(self._inner).decode()

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._begin()

    def _of(self, kind: str, name: str, help: str, labels: dict[str, str], **more: Any) -> Any:
        """The series; None where the metric has too many."""
        used = (kind, name, tuple(labels.items()))
        if (series := self._used.get(used)) is None and (series := self._found(kind, name, help, labels, more)) is not None:
            self._used[used] = series
        return series

    def _found(self, kind: str, name: str, help: str, labels: dict[str, str], more: dict[str, Any]) -> Any:
        key = tuple(str(labels[label]) for label in sorted(labels))
        with self._lock:
            metric = self._metrics.get(name) or self._made(kind, name, help, sorted(labels), more)
            if type(metric).__name__ != kind:
                raise ValueError(f"{name} is a {type(metric).__name__.lower()} already")
            known = self._series.setdefault(name, set())
            if key not in known and len(known) >= _MOST_SERIES:
                return None
            known.add(key)
        return metric.labels(*key) if key else metric

    def _made(self, kind: str, name: str, help: str, labels: Sequence[str], more: dict[str, Any]) -> Any:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name}: expected firsthand_ and lower case")
        if self._inner is None:
            self._open()
        import prometheus_client  # noqa: PLC0415 - see the head

        self._metrics[name] = metric = getattr(prometheus_client, kind)(
            name, help, labels, registry=self._inner, **more)
        return metric

    def _open(self) -> None:
        import prometheus_client  # noqa: PLC0415 - see the head

        prometheus_client.disable_created_metrics()   # type: ignore[no-untyped-call]  # the library's own gap; a second series for each that nobody asks for
        self._inner = prometheus_client.CollectorRegistry()
        prometheus_client.ProcessCollector(registry=self._inner)


registry = Registry()
"""The registry of this process."""

count, gauge, observe, declare = registry.count, registry.gauge, registry.observe, registry.declare
value, render = registry.value, registry.render
