"""A report (`core.report.report`) -> text for people and machines. A format is one module and one line in `FORMATS`.

A format's module has `render(report, layout)`, which yields pieces of the output in order. Foreign text leaves a format
harmless (`harmless`); closed words and figures are put into English in `words`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

FORMATS: dict[str, str] = {
    "table": "crawler.render.table",
    "json": "crawler.render.json_",
    "jsonl": "crawler.render.jsonl",
    "csv": "crawler.render.csv_",
    "html": "crawler.render.html",
    "md": "crawler.render.md",
}


@dataclass(frozen=True, slots=True)
class Layout:
    """What a format for terminals needs to know of its reader: columns, and whether it shows colours."""

    width: int = 100
    color: bool = False


def render(format_: str, report: Mapping[str, Any], layout: Layout = Layout()) -> Iterator[str]:
    """The report in a format of `FORMATS`, in pieces. Raises KeyError for another."""
    pieces: Iterator[str] = import_module(FORMATS[format_]).render(report, layout)
    return pieces


__all__ = ["FORMATS", "Layout", "render"]
