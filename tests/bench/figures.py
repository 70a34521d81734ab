"""What a benchmark found, as rows of one table: a figure, the one it was measured beside in the same run, their ratio."""

import argparse
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. `of` and `beside` are in `unit`; the ratio is of / beside, and is what may be compared between machines.

    `goal` is a bound on the ratio, or on the figure where `absolute`; `at_least` says on which side of it to be.
    """

    part: str                    # pipeline, extraction, dedup, index, polling, start
    what: str                    # what was measured, so that a reader of the table alone understands it
    of: float
    unit: str
    beside: float | None = None
    yardstick: str = ""          # what `beside` was measured on
    goal: float | None = None
    at_least: bool = True
    absolute: bool = False

    @property
    def ratio(self) -> float | None:
        """None where there is nothing beside it."""
        return self.of / self.beside if self.beside else None

    @property
    def met(self) -> bool | None:
        """None where there is no goal, or nothing to hold against it."""
        held = self.of if self.absolute else self.ratio
        if self.goal is None or held is None:
            return None
        return held >= self.goal if self.at_least else held <= self.goal


HEAD = "| | measured | beside it | ratio | goal |\n| --- | ---: | --- | ---: | --- |"


def table(figures: Iterable[Figure]) -> str:
    """Markdown, the parts one after the other."""
    lines, part = [HEAD], ""
    for one in figures:
        if one.part != part:
            part = one.part
            lines.append(f"| **{part}** | | | | |")
        lines.append(row(one))
    return "\n".join(lines)


def row(one: Figure) -> str:
    """One line of the table."""
    beside = f"{one.yardstick}: {shown(one.beside)}" if one.beside is not None else one.yardstick
    ratio = f"{shown(one.ratio)} ×" if one.ratio is not None else ""
    return f"| {one.what} | {shown(one.of)} {one.unit} | {beside} | {ratio} | {_goal(one)} |"


def shown(value: float | None) -> str:
    """Three figures that count, thousands apart."""
    if value is None:
        return ""
    if value and abs(value) < 100:
        return f"{value:.3g}"
    return f"{value:,.0f}"


def command(about: str | None, options: Callable[[argparse.ArgumentParser], None],
            measure: Callable[[argparse.Namespace], Iterator[Figure]]) -> None:
    """A part of the benchmark on its own."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    options(parser)
    print(table(measure(parser.parse_args())))


def _goal(one: Figure) -> str:
    if one.goal is None:
        return ""
    bound = f"{'≥' if one.at_least else '≤'} {shown(one.goal)}{'' if one.absolute else ' ×'}"
    return bound if one.met is None else f"{bound}: {'met' if one.met else '**not met**'}"
