"""The report's stories as JSON, one a line: what stands in `stories` of the JSON report."""

from collections.abc import Iterator, Mapping
from typing import Any

from crawler.render import Layout
from crawler.render.harmless import json_text


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """A line a story."""
    for story in report["stories"]:
        yield json_text(story) + "\n"
