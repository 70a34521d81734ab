"""The report as Markdown, for a ticket, a mail or a wiki."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crawler.core.report import tallies
from crawler.render import Layout, words
from crawler.render.harmless import line, link, markdown

_SENTENCES = 2   # pairs of sentences of a possible translation


def render(report: Mapping[str, Any], _layout: Layout) -> Iterator[str]:
    """A heading, who copies whom, each story, the legend."""
    yield f"# Duplicate report\n\n{markdown(words.totals(report))}"
    if span := words.window(report):
        yield f" · {markdown(span)}"
    yield f" · made {words.clock(report['generated'])} UTC\n"
    yield from _who(report)
    for story in report["stories"]:
        yield from _story(story)
    yield from _rewordings(report["possible_rewordings"])
    yield from _translations(report["possible_translations"])
    yield from _legend(report)


def _rewordings(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if pairs:
        yield "\n## Possible rewordings\n\nNo copies: pairs of which one may retell the other. A person says.\n\n"
    for one in pairs:
        shared = ", ".join(f"“{markdown(each['quote'])}”" for each in one["shared"])
        yield f"- {_sides(one)}; only these share {shared} (`{_code(one['a']['article'])}`, `{_code(one['b']['article'])}`)\n"


def _sides(one: Mapping[str, Any]) -> str:
    return " and ".join(f"{markdown(one[side]['source'])}: {_linked(one[side])}" for side in ("a", "b"))


def _translations(pairs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if pairs:
        yield ("\n## Possible translations\n\nNo copies: pairs of which one may be the other translated, less than 90 % probable or with fewer than four "
               "pairs of sentences. A person says.\n\n")
    for one in pairs:
        yield (f"- {_sides(one)}; possible translation, {words.probable(one['probability'])} "
               f"(`firsthand verdict {_code(one['a']['article'])} confirm|reject {_code(one['b']['article'])}`)\n")
        for each in one["shared"][:_SENTENCES]:
            yield f"  - {words.percent(each['score'])}: “{markdown(each['quote'])}” “{markdown(each['translated'])}”\n"


def _who(report: Mapping[str, Any]) -> Iterator[str]:
    table = {name: one for name, one in tallies(report["stories"]).items() if one["copies"] or one["copied"]}
    if not table:
        return
    yield ("\n## Who copies whom\n\n| Source | Copies made | From | Was copied |\n"
           "| --- | ---: | --- | ---: |\n")
    for name, one in table.items():
        from_ = ", ".join(f"{markdown(source)} ({number})" for source, number in one["from"].items())
        yield f"| {markdown(name)} | {one['copies']} | {from_} | {one['copied']} |\n"


def _story(story: Mapping[str, Any]) -> Iterator[str]:
    original = story["original"]
    yield f"\n## {_title(original)}\n\n"
    yield f"{_standing(story)}: **{markdown(original['source'])}**, {_linked(original)}  \n"
    if story["outside"]:
        yield f"Original outside the feeds: **{markdown(story['outside'])}**  \n"
    yield f"Appeared {markdown(words.observed(original['appeared_between']))} UTC"
    if original["published"]:
        yield f"; it states {words.clock(original['published'])} ({markdown(original['published_from'])})"
    yield f"  \nStory `{_code(story['id'])}`\n\n"
    for one in story["why"]:
        yield f"- {_reason(one)}\n"
    yield ("\n| Copy | Kind | Later by | Of the original | Of the copy | Evidence |\n"
           "| --- | --- | --- | ---: | ---: | --- |\n")
    for copy in story["copies"]:
        yield (f"| {markdown(copy['source'])}: {_linked(copy)} | {copy['kind']} | {words.lag(copy['lag_seconds'])} "
               f"| {words.percent(copy['of_original'])} | {words.percent(copy['of_copy'])} | {_evidence(copy)} |\n")
    for one in story["carried_by"]:
        yield f"\nCarried whole by {markdown(one['source'])}: {_linked(one)}\n"


def _standing(story: Mapping[str, Any]) -> str:
    if story["decided"]:
        return f"Earliest known source ({words.standing(story)})"
    names = " and ".join(markdown(one["source"]) for one in words.contenders(story))
    return f"**Undecided** between {names}; listed first" if names else "**Undecided**; listed first"


def _title(article: Mapping[str, Any]) -> str:
    return markdown(article["title"]) or "(no title)"


def _linked(article: Mapping[str, Any]) -> str:
    url = link(article["url"])
    return f"[{_title(article)}](<{url}>)" if url else f"{_title(article)} ({markdown(article['url'])})"


def _code(text: str) -> str:
    return line(text).replace("`", "'")


def _reason(one: Mapping[str, Any]) -> str:
    parts = [f"**{markdown(one['evidence'])}**", markdown(one.get("detail"))]
    parts.append(f"“{markdown(one['quote'])}”" if one.get("quote") else "")
    return " ".join(part for part in parts if part)


def _evidence(copy: Mapping[str, Any]) -> str:
    found = [_reason(one) for one in copy["evidence"]]
    if copy["verdict"]:
        found.insert(0, f"**{words.VERDICTS.get(copy['verdict'], markdown(copy['verdict']))} by a person**")
    return "; ".join(found) or "none"


def _legend(report: Mapping[str, Any]) -> Iterator[str]:
    for title, legend in (("Kinds", words.used_kinds(report["stories"])),
                          ("Evidence", words.used_evidence(report["stories"]))):
        if legend:
            yield f"\n## {title}\n\n"
            yield from (f"- **{word}**: {text}\n" for word, text in legend.items())
