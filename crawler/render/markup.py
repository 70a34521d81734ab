"""HTML: the one door to jinja2, for the page and the html report.

jinja2 escapes whatever is put into a template; a link is made of http(s) addresses only.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from crawler.render import past, words
from crawler.render.harmless import line, link, prose


def render(template: str, /, **values: Any) -> str:
    """A template of render/templates, filled. Raises KeyError-like errors of jinja2 where a value is missing."""
    return environment().get_template(template).render(values)


def pieces(template: str, /, **values: Any) -> Iterator[str]:
    """The same, piece by piece."""
    yield from environment().get_template(template).generate(values)


@cache
def environment() -> Environment:
    """With the filters and functions that templates use."""
    from crawler.render import plots  # noqa: PLC0415 - its library takes .1 s: of the first page, and not of every start

    made = Environment(loader=PackageLoader("crawler.render"), autoescape=True, undefined=StrictUndefined,
                       trim_blocks=True, lstrip_blocks=True)
    made.filters |= {
        "line": line, "link": link, "prose": prose, "percent": words.percent, "lag": words.lag, "clock": words.clock,
        "observed": words.observed, "reason": words.reason, "standing": words.standing,
        "contenders": words.contenders, "verdict": lambda word: words.VERDICTS.get(word, word), "query": query,
        "duration": words.duration, "count": words.count, "event": lambda word: words.EVENTS.get(word, word),
        "language": words.language, "named": named, "probable": words.probable, "order": words.order, "sentences": sentences,
    }
    made.globals |= {"totals": words.totals, "window": words.window, "all_kinds": words.KINDS, "timeline": plots.timeline, "lanes": plots.lanes,
                     "flow_plot": plots.flows, "lag_plot": plots.lags, "rulings": words.RULINGS, "past_of": past.told}
    return made


def sentences(shared: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The pairs of sentences of a possible translation, as those of `sides.translated`."""
    return [{"left": one["quote"], "right": one["translated"], "score": one["score"]} for one in shared]


_MOMENT = r"\d{4}-\d\d-\d\d[ T]\d\d:[\d:.]*\d(?:Z|[+-]\d\d:\d\d)?"


def named(text: str, names: Iterable[str]) -> Markup:
    """A sentence of ours in one line, each of these names in it isolated: one that is written from right to left would
    else reverse what stands between it and the next. Times are not broken."""
    known = sorted({line(each) for each in names} - {""}, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, known)) + f")|({_MOMENT})" if known else f"(?!)()|({_MOMENT})", line(text))
    made = []
    for plain, name, moment in zip(parts[::3], [*parts[1::3], None], [*parts[2::3], None], strict=True):
        made.append(escape(plain))
        if name:
            made.append(Markup("<bdi>{}</bdi>").format(name))
        if moment:
            made.append(Markup('<span class="moment">{}</span>').format(moment))
    return Markup('<bdi dir="ltr">{}</bdi>').format(Markup("").join(made))


def query(values: dict[str, Any]) -> str:
    """A query string of what is set: "?a=1&b=2", or nothing."""
    pairs = [(name, each) for name, value in values.items()
             for each in (value if isinstance(value, list | tuple) else [value]) if each not in (None, "", False)]
    return f"?{urlencode(pairs)}" if pairs else ""
