"""Plots as inline SVG, without style of their own: what they look like stands in the style sheets, light and dark.

Every plot has the figures beside it in a table, so that it says nothing by itself to who cannot see it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import svg
from markupsafe import Markup

from crawler.render import words
from crawler.render.harmless import shortened

_TIMELINE = 1000        # units of width; stretched to the space there is
_ROW = 24
_NODE, _SPACE = 14, 12  # of the plot of flows: width of a source's bar, and what is left between two
_WIDTH, _HEIGHT = 720, 340
_LABELS = 190           # on either side of the flows
_MOST = 12              # sources on either side, the last of them all others
_OTHERS = "all others"
_BARS = 160             # height of the bars of lags


def timeline(articles: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each article, the earliest first, `{"article", "bar", "begins", "ends"}`: a bar from the last poll without it to
    the first with it, a line where it was first seen, a mark at each claim that what was observed does not rule out. A
    claim that it does would flatten everything else."""
    rows = sorted(articles, key=lambda one: (one["first_seen"], one["article"]))
    moments = [at for one in rows for at in _moments(one)]
    first, last = min(moments), max(moments)
    margin = max((last - first) * 0.02, timedelta(seconds=30))
    begin, end = first - margin, last + margin

    def place(moment: str | datetime) -> float:
        at = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment)
        return round((at - begin) / (end - begin) * _TIMELINE, 1)

    return [{**one, "bar": _bar(one, place)} for one in rows]


def lanes(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The same for the original and the copies of a story, as rows of the report; what its articles claim is marked where
    the story has them whole."""
    claims = {one["article"]: one["claims"] for one in story.get("articles", ())}
    return timeline([{**one, "claims": claims.get(one["article"], ())} for one in (story["original"], *story["copies"])])


def _moments(one: Mapping[str, Any]) -> list[datetime]:
    found = [one["first_seen"], *(one["appeared_between"] or ()), *(each["at"] for each in _marked(one))]
    return [datetime.fromisoformat(each) for each in found if each]


def _marked(one: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "claims" not in one:    # a row of the report has the one that it shows, and says nothing of its resolution
        between = one["appeared_between"] or (None, one["first_seen"])
        at = one["published"]
        return [{"at": at}] if at and (between[0] or at) <= at <= between[1] else []
    return [each for each in one["claims"] if each["what"] == "published" and each.get("agrees") and each["resolution"] != "day"]


def _bar(one: Mapping[str, Any], place: Any) -> Markup:
    without, seen = one["appeared_between"] or (None, one["first_seen"])
    at, middle = place(seen), _ROW / 2
    parts: list[svg.Element] = [svg.Line(x1=0, x2=_TIMELINE, y1=middle, y2=middle, class_=["axis"])]
    if without is not None:
        start = place(without)
        parts += [svg.Rect(x=start, y=middle - 6, width=max(at - start, 2), height=12, class_=["between"]),
                  svg.Line(x1=start, x2=start, y1=3, y2=_ROW - 3, class_=["end"])]
    elif one["appeared_between"] is not None:
        parts.append(svg.Rect(x=0, y=middle - 6, width=max(at, 2), height=12, class_=["before"]))
    parts.append(svg.Line(x1=at, x2=at, y1=1, y2=_ROW - 1, class_=["seen"]))
    parts += [svg.Line(x1=where, x2=where, y1=1, y2=_ROW - 1, class_=["claim"])
              for where in dict.fromkeys(place(each["at"]) for each in _marked(one))]
    return _drawn(parts, _TIMELINE, _ROW, "bar", words.observed(one["appeared_between"]), stretched=True)


def flows(found: Sequence[Mapping[str, Any]]) -> Markup:
    """Who copies whom: the copied on the left, the copiers on the right, ribbons as broad as copies are many. `found` are
    rows with `copier`, `origin`, `copies`; the busiest of either side are drawn, the others as one."""
    origins, copiers = _busiest(found, "origin"), _busiest(found, "copier")
    drawn = _gathered(found, origins, copiers)
    left, right = _stacked(drawn, "origin", origins), _stacked(drawn, "copier", copiers)
    parts: list[svg.Element] = [_ribbon(one, left, right) for one in drawn]
    for side, x, anchor in ((left, _LABELS, "end"), (right, _WIDTH - _LABELS - _NODE, "start")):
        for name, node in side.items():
            parts.append(svg.Rect(x=x, y=node["top"], width=_NODE, height=node["height"], class_=["node"]))
            at = x - 8 if anchor == "end" else x + _NODE + 8
            parts.append(svg.Text(x=at, y=node["top"] + node["height"] / 2 + 5, text_anchor=anchor,  # type: ignore[arg-type]  # a literal
                                  elements=[svg.TSpan(class_=["whose"], text=_escaped(shortened(name, 20))),
                                            svg.TSpan(text=f" {node['copies']}")]))
    return _drawn(parts, _WIDTH, _HEIGHT, "flows", "Who copies whom, on the left who is copied")


def _busiest(found: Sequence[Mapping[str, Any]], side: str) -> list[str]:
    counted: dict[str, int] = {}
    for one in found:
        counted[one[side]] = counted.get(one[side], 0) + one["copies"]
    names = sorted(counted, key=lambda name: (-counted[name], name))
    return names if len(names) <= _MOST else [*names[:_MOST - 1], _OTHERS]


def _gathered(found: Sequence[Mapping[str, Any]], origins: Sequence[str], copiers: Sequence[str]) -> list[dict[str, Any]]:
    """The flows between those that are drawn; all who are not are one."""
    counted: dict[tuple[str, str], int] = {}
    for one in found:
        pair = (one["origin"] if one["origin"] in origins else _OTHERS, one["copier"] if one["copier"] in copiers else _OTHERS)
        counted[pair] = counted.get(pair, 0) + one["copies"]
    ranked = sorted(counted.items(), key=lambda each: (origins.index(each[0][0]), copiers.index(each[0][1])))
    return [{"origin": origin, "copier": copier, "copies": copies} for (origin, copier), copies in ranked]


def _stacked(drawn: Sequence[Mapping[str, Any]], side: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    copies = {name: sum(one["copies"] for one in drawn if one[side] == name) for name in names}
    total = sum(copies.values()) or 1
    room = _HEIGHT - _SPACE * (len(names) + 1)
    top, stacked = float(_SPACE), {}
    for name in names:
        height = max(copies[name] / total * room, 1.0)
        stacked[name] = {"top": round(top, 1), "height": round(height, 1), "copies": copies[name], "used": 0.0}
        top += height + _SPACE
    return stacked


def _ribbon(one: Mapping[str, Any], left: dict[str, dict[str, Any]], right: dict[str, dict[str, Any]]) -> svg.Element:
    from_, to = left[one["origin"]], right[one["copier"]]
    a, a_height = _taken(from_, one["copies"])
    b, b_height = _taken(to, one["copies"])
    x1, x2 = _LABELS + _NODE, _WIDTH - _LABELS - _NODE
    bend = (x1 + x2) / 2
    path: list[svg.PathData] = [
        svg.M(x1, a), svg.C(bend, a, bend, b, x2, b), svg.L(x2, b + b_height),
        svg.C(bend, b + b_height, bend, a + a_height, x1, a + a_height), svg.Z()]
    about = _escaped(f"{shortened(one['copier'], 60)} from {shortened(one['origin'], 60)}: {one['copies']}")
    return svg.Path(d=path, class_=["ribbon"], elements=[svg.Title(text=about)])


def _taken(node: dict[str, Any], copies: int) -> tuple[float, float]:
    """The next stretch of a source's bar: where it begins, how high it is."""
    height = node["height"] * copies / (node["copies"] or 1)
    at = node["top"] + node["used"]
    node["used"] += height
    return round(at, 1), round(height, 1)


def lags(counts: Sequence[int], labels: Sequence[str]) -> Markup:
    """Bars: how many copies came how long after the original."""
    most, step = max(*counts, 1), 600 / len(counts)
    parts: list[svg.Element] = []
    for at, (number, label) in enumerate(zip(counts, labels, strict=True)):
        height = number / most * (_BARS - 20)
        x = at * step + 4
        parts.append(svg.Rect(x=round(x, 1), y=round(_BARS - height, 1), width=round(step - 8, 1), height=round(height, 1),
                              class_=["lag"], elements=[svg.Title(text=f"{label}: {number}")]))
        middle = round(x + (step - 8) / 2, 1)
        if number:
            parts.append(svg.Text(x=middle, y=round(_BARS - height - 5, 1), text_anchor="middle", text=str(number)))
        parts.append(svg.Text(x=middle, y=_BARS + 18, text_anchor="middle", text=_escaped(label)))
    parts.append(svg.Line(x1=0, x2=600, y1=_BARS, y2=_BARS, class_=["axis"]))
    return _drawn(parts, 600, _BARS + 28, "lags", "How long after the original copies came")


def _escaped(text: str) -> str:
    """svg.py writes text as it is given."""
    return str(Markup.escape(text))


def _drawn(
    parts: Sequence[svg.Element], width: float, height: float, name: str, about: str, *, stretched: bool = False,
) -> Markup:
    ratio = svg.PreserveAspectRatio("none") if stretched else None
    made = svg.SVG(viewBox=svg.ViewBoxSpec(0, 0, width, height), class_=["plot", name], preserveAspectRatio=ratio,
                   extra={"role": "img", "aria-label": _escaped(about)}, elements=list(parts))
    return Markup(str(made))  # noqa: S704 - made of numbers and escaped words
