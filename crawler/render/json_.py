"""The report as one JSON document: `interface`'s shape, indented."""

from collections.abc import Iterator, Mapping
from typing import Any

from crawler.render import Layout
from crawler.render.harmless import json_text


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """One object, with a line break at its end."""
    yield json_text(report, indent=2) + "\n"
