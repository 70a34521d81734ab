"""Counters and gauges in memory, shown in Prometheus' text format. Every name begins with `firsthand_`.

    metrics.count("firsthand_polls_total", "Polls by outcome", outcome="fetched")
    metrics.gauge("firsthand_backlog_entries", 12, "Entries that wait to be collected")
    metrics.render()

One registry for a process; the lock makes it safe from worker threads too. Labels must come from closed lists (a
reason, an outcome), never from foreign text: each value of a label is a series for ever.
"""

import re
from threading import Lock
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NAME = re.compile(r"firsthand_[a-z0-9_]+")
_MOST_SERIES = 1000  # of one metric: beyond that somebody has put foreign text into a label

Labels = tuple[tuple[str, str], ...]


class Registry:
    """Named series with their help text."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._series: dict[str, dict[Labels, float]] = {}
        self._about: dict[str, tuple[str, str]] = {}  # name -> (type, help)

    def count(self, name: str, help: str = "", amount: float = 1, /, **labels: str) -> None:
        """Add to a counter; its name ends with `_total`. Raises ValueError on a bad name or a negative amount."""
        if not name.endswith("_total") or amount < 0:
            raise ValueError(f"{name}: a counter only grows, and its name ends with _total")
        with self._lock:
            series, key = self._of(name, "counter", help), tuple(sorted(labels.items()))
            if key in series or len(series) < _MOST_SERIES:
                series[key] = series.get(key, 0) + amount

    def gauge(self, name: str, value: float, help: str = "", /, **labels: str) -> None:
        """Set a gauge. Raises ValueError on a bad name."""
        with self._lock:
            series, key = self._of(name, "gauge", help), tuple(sorted(labels.items()))
            if key in series or len(series) < _MOST_SERIES:
                series[key] = value

    def value(self, name: str, /, **labels: str) -> float:
        """The present value, 0 where there is none."""
        with self._lock:
            return self._series.get(name, {}).get(tuple(sorted(labels.items())), 0)

    def render(self) -> str:
        """Everything in Prometheus' text format, by name."""
        with self._lock:
            return "".join(self._metric(name) for name in sorted(self._series))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._series.clear()
            self._about.clear()

    def _of(self, name: str, type_: Literal["counter", "gauge"], help: str) -> dict[Labels, float]:
        if name not in self._series:
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name}: expected firsthand_ and lower case")
            self._series[name], self._about[name] = {}, (type_, help)
        elif self._about[name][0] != type_:
            raise ValueError(f"{name} is a {self._about[name][0]} already")
        return self._series[name]

    def _metric(self, name: str) -> str:
        type_, about = self._about[name]
        head = f"# HELP {name} {_escape_help(about)}\n# TYPE {name} {type_}\n"
        return head + "".join(f"{name}{_labels(key)} {_number(value)}\n"
                              for key, value in sorted(self._series[name].items()))


def _labels(labels: Labels) -> str:
    inside = ",".join(f'{key}="{_escape(value)}"' for key, value in labels)
    return f"{{{inside}}}" if inside else ""


def _escape(value: str) -> str:
    return str(value).replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escape_help(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))


registry = Registry()
"""The registry of this process."""

count, gauge, value, render = registry.count, registry.gauge, registry.value, registry.render
