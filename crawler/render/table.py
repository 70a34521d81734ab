"""The report for a terminal: readable at 80 columns, addresses whole on lines of their own so that they can be clicked.

Foreign text is only ever put into `Text`, never into markup.
"""

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from crawler.core.report import tallies
from crawler.render import Layout, words
from crawler.render.harmless import line, shortened

_WHO_AT_MOST = 20   # sources in the summary
_SOURCE = 28        # columns of a source's name
_SENTENCE = 280     # characters of a sentence of a pair
_SENTENCES = 2      # pairs of sentences of a possible translation


def render(report: Mapping[str, Any], layout: Layout) -> Iterator[str]:
    """Who copies whom, each story, the legend, the totals."""
    yield from _drawn(_who(report["stories"]), layout)
    for story in report["stories"]:
        yield from _drawn(story_block(story), layout)
    yield from _drawn([*rewordings(report["possible_rewordings"])], layout)
    yield from _drawn([*translations(report["possible_translations"])], layout)
    yield from _drawn(_legend(report["stories"]), layout)
    yield from _drawn([_totals(report)], layout)


def _drawn(parts: Sequence[RenderableType], layout: Layout) -> Iterator[str]:
    if parts:
        yield drawn(parts, layout)


def drawn(parts: Sequence[RenderableType], layout: Layout) -> str:
    """Text and tables as a terminal shows them."""
    out = io.StringIO()
    console = Console(file=out, width=max(40, layout.width), force_terminal=layout.color, no_color=not layout.color,
                      color_system="standard" if layout.color else None, markup=False, highlight=False, emoji=False,
                      legacy_windows=False)
    for part in parts:
        console.print(part, soft_wrap=isinstance(part, Address))
    return "\n".join(row.rstrip() for row in out.getvalue().split("\n"))


class Address(Text):
    """A line that is never broken."""


def said(text: str | None, style: str = "") -> Text:
    """Foreign text, harmless."""
    return Text(line(text), style=style)


def joined(*parts: str | Text | tuple[str, str]) -> Text:
    """One line of pieces; a tuple is a text and its style."""
    return Text.assemble(*parts)


def columns(*names: str, right: Sequence[str] = ()) -> Table:
    """A table without lines."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(name, justify="right" if name in right else "left", no_wrap=name in right, overflow="fold")
    return table


def _who(stories: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    rows = [(name, one) for name, one in tallies(stories).items() if one["copies"]]
    if not rows:
        return []
    table = columns("Who copies", "copies", "from", right=("copies",))
    for name, one in rows[:_WHO_AT_MOST]:
        whom = ", ".join(f"{line(source)} ({number})" for source, number in one["from"].items())
        table.add_row(said(shortened(name, _SOURCE)), str(one["copies"]), Text(whom))
    more = [Text(f"and {len(rows) - _WHO_AT_MOST} more sources")] if len(rows) > _WHO_AT_MOST else []
    return [table, *more, Text()]


def story_block(story: Mapping[str, Any]) -> list[RenderableType]:
    """One story: its original and why, then its copies."""
    original = story["original"]
    parts: list[RenderableType] = [
        said(original["title"] or "(no title)", "bold"), _standing(story), _times(original),
        Address("  " + line(original["url"]), style="cyan"),
    ]
    parts += [_indented(reason(one)) for one in story["why"]]
    return [*parts, *(_copies(story["copies"]) if story["copies"] else ()), *carried(story["carried_by"]), Text()]


def carried(digests: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """The digests in which an article stands whole."""
    for one in digests:
        yield _indented(joined(("carried whole by ", "dim"), said(one["source"], "green"), ": ", said(one["title"]),
                               f"  ({words.percent(one['of_carrier'])} of it)"))
        yield Address("    " + line(one["url"]), style="dim")


def carrying(articles: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """The articles that a digest carries whole."""
    for one in articles:
        yield _indented(joined(("carries ", "dim"), said(one["source"], "green"), ": ", said(one["title"]),
                               f"  ({words.percent(one['of_article'])} of it)"))
        yield Address("    " + line(one["url"]), style="dim")


def rewordings(pairs: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Pairs for a person to rule on, with what only they share."""
    for one in pairs:
        yield from _possible(one, "possible rewording")
        yield _indented(Text("only these share: " + ", ".join(f"“{line(each['quote'])}”" for each in one["shared"])))


def translations(possible: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """Pairs for a person to rule on, with the first sentences that say the same."""
    for one in possible:
        yield from _possible(one, f"possible translation, {words.probable(one['probability'])}")
        yield pairs((each["quote"], each["translated"], each["score"]) for each in one["shared"][:_SENTENCES])
        if len(one["shared"]) > _SENTENCES:
            more = words.count(len(one["shared"]) - _SENTENCES, "more pair of sentences", "more pairs of sentences")
            yield _indented(Text(f"and {more}", style="dim"))


def _possible(one: Mapping[str, Any], what: str) -> Iterator[RenderableType]:
    yield Text()
    yield joined((what, "bold"), f"  firsthand verdict {one['a']['article']} confirm|reject {one['b']['article']}")
    for side in ("a", "b"):
        yield _indented(joined(said(one[side]["source"], "green"), f", seen {words.clock(one[side]['first_seen'])}: ",
                               said(one[side]["title"])))
        yield Address("    " + line(one[side]["url"]), style="dim")


def pairs(sentences: Iterable[tuple[str, str, float]]) -> RenderableType:
    """Sentences that say the same, under each other: two directions of writing on one line would turn its parts."""
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(justify="right", no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for one, other, score in sentences:
        table.add_row(words.percent(score), Text(f"“{shortened(one, _SENTENCE)}”\n“{shortened(other, _SENTENCE)}”"))
    return Padding(table, (0, 0, 0, 2))


def _standing(story: Mapping[str, Any]) -> RenderableType:
    source = said(story["original"]["source"], "green")
    where = [f"; original outside the feeds: {line(story['outside'])}"] if story["outside"] else []
    if story["decided"]:
        head = joined("earliest known: ", source, f" ({words.standing(story)})", *where)
    else:
        names = " and ".join(line(one["source"]) for one in words.contenders(story))
        head = joined(("undecided", "yellow"), f" between {names}" if names else "", *where)
    return _indented(joined(head, (f"  story {line(story['id'])}", "dim")))


def _times(original: Mapping[str, Any]) -> RenderableType:
    states = ""
    if original["published"]:
        states = f"; states {words.clock(original['published'])} ({line(original['published_from'])})"
    return _indented(Text(f"appeared {words.observed(original['appeared_between'])}{states}"))


def _indented(text: Text) -> RenderableType:
    return Padding(text, (0, 0, 0, 2))


def reason(one: Mapping[str, Any]) -> Text:
    """An evidence word with its detail and the words it stands on."""
    detail = line(one.get("detail"))
    quote = f" “{line(one['quote'])}”" if one.get("quote") else ""
    return joined(("why  ", "dim"), (one["evidence"], "magenta"), f"  {detail}" if detail else "", quote)


def _copies(copies: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """For each copy a line of figures, its address and what it says of itself. No rich table: it would break the addresses."""
    rows = [_HEAD, *(_figures(copy) for copy in copies)]
    widths = [min(_SOURCE, max(cell_len(row[at]) for row in rows)) for at in range(len(_HEAD))]
    yield _indented(Text(_padded(_HEAD, widths), style="bold"))
    for copy, row in zip(copies, rows[1:], strict=True):
        yield _indented(Text(_padded(row, widths)))
        yield Address("    " + line(copy["url"]), style="dim")
        if found := _evidence(copy):
            yield Padding(Text(", ".join(found), style="magenta"), (0, 0, 0, 4))


_HEAD = ("copy", "kind", "later by", "of original", "of copy")


def _figures(copy: Mapping[str, Any]) -> tuple[str, ...]:
    return (shortened(copy["source"], _SOURCE - 2), copy["kind"], words.lag(copy["lag_seconds"]),
            words.percent(copy["of_original"]), words.percent(copy["of_copy"]))


def _padded(row: Sequence[str], widths: Sequence[int]) -> str:
    """Names to the left, figures to the right; widths are columns, of which a Chinese character takes two."""
    cells = []
    for at, (text, width) in enumerate(zip(row, widths, strict=True)):
        fill = " " * max(0, width - cell_len(text))
        cells.append(text + fill if at < _FIGURES_FROM else fill + text)
    return "  ".join(cells)


_FIGURES_FROM = 2


def _evidence(copy: Mapping[str, Any]) -> list[str]:
    found = list(dict.fromkeys(line(one["evidence"]) for one in copy["evidence"]))
    if copy["verdict"]:
        found.insert(0, f"{words.VERDICTS.get(copy['verdict'], line(copy['verdict']))} by a person")
    return found


def _legend(stories: Sequence[Mapping[str, Any]]) -> list[RenderableType]:
    legend = words.used_kinds(stories) | words.used_evidence(stories)
    if not legend:
        return []
    table = columns("word", "means")
    for word, text in legend.items():
        table.add_row(word, text)
    return [table, Text()]


def _totals(report: Mapping[str, Any]) -> Text:
    span = words.window(report)
    return Text(f"{words.totals(report)}{f' ({span})' if span else ''}. Times are UTC. "
                "firsthand show ID shows one story whole.")
