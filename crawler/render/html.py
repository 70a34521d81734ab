"""The report as one HTML file: nothing is loaded, nothing runs, every direction of writing, light and dark."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from crawler.core.report import tallies
from crawler.render import Layout, markup, words


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """The document, in pieces: a report of ten thousand stories is never one string."""
    style = "\n".join(markup.render(name).strip() for name in ("page.css", "report.css"))
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    copiers = {name: one for name, one in tallies(report["stories"]).items() if one["copies"] or one["copied"]}
    yield from markup.pieces(
        "report.html",
        report=report, stories=report["stories"], tallies=copiers, style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        kinds=words.used_kinds(report["stories"]))
