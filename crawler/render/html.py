"""The report as one HTML file: nothing is loaded, nothing runs, every direction of writing, light and dark.

jinja2 escapes whatever is put into the template; a link is made of http(s) addresses only.
"""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from crawler.core.report import tallies
from crawler.render import Layout, words
from crawler.render.harmless import line, link


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """The document, in pieces: a report of ten thousand stories is never one string."""
    style = _environment().get_template("report.css").render().strip()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    copiers = {name: one for name, one in tallies(report["stories"]).items() if one["copies"] or one["copied"]}
    template = _environment().get_template("report.html")
    yield from template.generate(
        report=report, stories=report["stories"], tallies=copiers, style=style,
        policy=f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
        kinds=words.used_kinds(report["stories"]), reasons=words.used_evidence(report["stories"]))


@cache
def _environment() -> Environment:
    environment = Environment(loader=PackageLoader("crawler.render"), autoescape=True, undefined=StrictUndefined,
                              trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {
        "line": line, "link": link, "percent": words.percent, "lag": words.lag, "clock": words.clock,
        "observed": words.observed, "reason": words.reason, "standing": words.standing,
        "contenders": words.contenders, "verdict": lambda word: words.VERDICTS.get(word, word),
    }
    environment.globals |= {"totals": words.totals, "window": words.window, "all_kinds": words.KINDS}
    return environment
