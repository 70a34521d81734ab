"""The report as CSV (RFC 4180): one row a copy, with the columns of its original beside it."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

from crawler.render import Layout
from crawler.render.harmless import cell

_STORY = ("story", "verdict", "confidence", "decided", "outside")
_ARTICLE = ("article", "url", "source", "title", "language", "published", "published_from", "first_seen")
_COPY = ("kind", "lag_seconds", "similarity", "of_original", "of_copy", "copy_verdict", "evidence", "quotes", "why")
COLUMNS = (*_STORY, *(f"original_{name}" for name in _ARTICLE), *(f"copy_{name}" for name in _ARTICLE), *_COPY)


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """The heading, then a row a copy."""
    yield _row(COLUMNS)
    for story in report["stories"]:
        for copy in story["copies"]:
            yield _row(_cells(story, copy))


def _cells(story: Mapping[str, Any], copy: Mapping[str, Any]) -> list[Any]:
    original = story["original"]
    return [
        story["id"], story["verdict"], story["confidence"], "yes" if story["decided"] else "no", story["outside"],
        *(original[name] for name in _ARTICLE), *(copy[name] for name in _ARTICLE),
        copy["kind"], copy["lag_seconds"], copy["similarity"], copy["of_original"], copy["of_copy"], copy["verdict"],
        " ".join(dict.fromkeys(one["evidence"] for one in copy["evidence"])),
        " | ".join(one["quote"] for one in copy["evidence"] if one.get("quote")),
        " ".join(dict.fromkeys(one["evidence"] for one in story["why"])),
    ]


def _row(values: Any) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([cell(value) for value in values])
    return line.getvalue()
