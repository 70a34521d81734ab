"""One story or article, whole: as data for `show --json`, and as text with a timeline.

The timeline draws what was observed as error bars: from the last poll of the feed without the article to the first with
it, and marks what the article states of itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from crawler.core import dates
from crawler.core import report as core
from crawler.core.types import Article, Claim, Link, Match, Relation, Verdict
from crawler.core.urls import redact
from crawler.ports import StoredArticle, StoredStory
from crawler.render import Layout, words
from crawler.render.harmless import line, shortened
from crawler.render.table import (
    Address,
    carried,
    carrying,
    columns,
    drawn,
    joined,
    pairs,
    reason,
    rewordings,
    said,
    translations,
)

_QUOTES = 5          # shared passages that the text shows, the longest
_QUOTED = 280        # characters of each
_BAR = 40            # columns of the timeline


# --- as data ----------------------------------------------------------------------------------------------------

Linked = Sequence[tuple[Link, Article, Article]]
"""Links with the articles at both ends."""


def story(
    stored: StoredStory, articles: Sequence[StoredArticle], matches: Mapping[str, Match], links: Linked = (),
) -> dict[str, Any]:
    """A row of the report with, for each article, its claims, sightings and revisions, for each copy the shared
    passages, and the history. `articles` as in the story; `matches` by the copy's id; `links` of its articles."""
    row = core.row(stored.story, stored.articles, stored.carriers)
    texts = {one.article.id: one.article.text for one in articles}
    original = row["original"]
    return {
        "type": "story", **row, "updated": core.moment(stored.updated),
        "articles": [_kept(one) for one in articles],
        "passages": {id_: list(passages(found, original["article"], texts)) for id_, found in matches.items()},
        "possible_rewordings": _possible(links, Relation.REWORDING, within={one.article.id for one in articles}),
        "possible_translations": _possible(links, Relation.TRANSLATION, within={one.article.id for one in articles}),
        "verdicts": [verdict(one) for one in stored.verdicts],
        "history": history(stored),
    }


def history(stored: StoredStory) -> list[dict[str, Any]]:
    """What became of a story, oldest first."""
    return [{key: core.moment(value) if isinstance(value, datetime) else value for key, value in one.items()}
            for one in stored.history]


def _possible(links: Linked, relation: Relation, within: AbstractSet[str] = frozenset()) -> list[dict[str, Any]]:
    """Those with articles outside the story."""
    return [core.possible(*each) for each in links
            if each[0].relation is relation and not {each[0].a, each[0].b} <= within]


def article(stored: StoredArticle, partners: StoredStory | None, links: Linked = ()) -> dict[str, Any]:
    """What is kept of one article, the story that it is in, and what it is linked to."""
    id_ = stored.article.id
    whole = [each for each in links if each[0].relation is Relation.CARRIES]
    return {
        "type": "article", **_kept(stored), "text": stored.article.text, "story": stored.story, "role": stored.role,
        "in_story": core.row(partners.story, partners.articles, partners.carriers) if partners else None,
        "carries": [core.carries(link, b) for link, _, b in whole if link.a == id_],
        "carried_by": [core.carries(link, a) for link, a, _ in whole if link.b == id_],
        "possible_rewordings": _possible(links, Relation.REWORDING),
        "possible_translations": _possible(links, Relation.TRANSLATION),
    }


def exported(stored: StoredArticle) -> dict[str, Any]:
    """All that is kept of one article, its texts included: a line of `export`."""
    revisions = [{"at": core.moment(each["at"]), "title": each["title"], "text": each["text"]} for each in stored.revisions]
    return {
        **_kept(stored), "text": stored.article.text, "story": stored.story, "role": stored.role, "revisions": revisions,
        "rights_reserved": any(_reserves(one) for one in stored.reservations),
    }


def _reserves(one: Mapping[str, str]) -> bool:
    """A TDMRep reservation of 0 gives the rights; every other word that is kept withholds some."""
    return one["kind"] != "tdm-reservation" or one["value"].strip() != "0"


def _kept(stored: StoredArticle) -> dict[str, Any]:
    one = stored.article
    return {
        "article": one.id, "url": one.url, "source": one.source, "title": one.title, "language": one.language,
        "first_seen": core.moment(one.first_seen),
        "appeared_between": [core.moment(one.window.without), core.moment(one.window.seen)] if one.window else None,
        "claims": [claim(each, one) for each in one.claims],
        "attributions": [attribution(each) for each in one.attributions],
        "walls": list(one.walls), "sightings": [_sighting(each) for each in stored.sightings],
        "revisions": [{"at": core.moment(each["at"]), "title": each["title"], "characters": len(each["text"])}
                      for each in stored.revisions],
        "reservations": list(stored.reservations), "held": stored.held, "forgotten": stored.forgotten,
    }


def claim(one: Claim, article: Article | None = None) -> dict[str, Any]:
    """A claim of time with where it was read; for a stored article also whether it agrees with what was observed."""
    row = {"what": one.what, "at": core.moment(one.at), "from": one.origin.value, "raw": one.raw,
           "resolution": one.resolution.value, "zone": one.zone.value}
    return row if article is None or one.at is None else {**row, "agrees": _agrees(one, article)}


def _agrees(one: Claim, article: Article) -> bool:
    span = dates.span(one)
    before = article.window.without if article.window else None
    return span is not None and dates.usable(one, article.first_seen) and (before is None or span[1] >= before)


def attribution(one: Any) -> dict[str, Any]:
    """A statement that an article comes from somewhere else, without the fields that it does not have."""
    fields = {"kind": one.kind.value, "name": one.name, "url": one.url, "quote": one.quote, "where": one.where}
    return {name: value for name, value in fields.items() if value}


def _sighting(one: Mapping[str, Any]) -> dict[str, Any]:
    return {"feed": redact(one["feed"]), "key": redact(one["key"]), "link": redact(one["link"]), "title": one["title"],
            "without": core.moment(one["without"]), "seen": core.moment(one["seen"]),
            "claims": [claim(each) for each in one["claims"]]}


def passages(found: Match, original: str, texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Shared passages: half-open character ranges into both texts, and the words as the original has them. Of a translation
    pairs of sentences: also the words as the copy has them, and how alike both are."""
    copy = found.b if found.a == original else found.a
    for at, one in enumerate(found.passages):
        a, b = (one.a_start, one.a_end), (one.b_start, one.b_end)
        in_original, in_copy = (a, b) if found.a == original else (b, a)
        row = {"words": one.words, "original": list(in_original), "copy": list(in_copy),
               "quote": texts[original][in_original[0]:in_original[1]]}
        if found.translation is not None:
            row |= {"translated": texts[copy][in_copy[0]:in_copy[1]], "score": found.translation.scores[at]}
        yield row


def verdict(one: Verdict) -> dict[str, Any]:
    """A person's ruling."""
    return {"id": one.id, "ruling": one.ruling, "story": one.story, "anchor": one.anchor, "articles": list(one.articles),
            "whole": one.whole, "who": one.who, "at": core.moment(one.at), "note": one.note}


# --- as text ----------------------------------------------------------------------------------------------------

def text(found: Mapping[str, Any], layout: Layout) -> str:
    """What `story` or `article` gave, for a person."""
    parts = _story(found) if found["type"] == "story" else _article(found)
    return drawn(list(parts), layout)


def _story(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield said(found["original"]["title"] or "(no title)", "bold")
    yield joined((f"story {line(found['id'])}", "dim"), f"  {words.standing(found)}",
                 f"; original outside the feeds: {line(found['outside'])}" if found["outside"] else "")
    if not found["decided"]:
        names = " and ".join(line(one["source"]) for one in words.contenders(found))
        yield joined(("undecided", "yellow"), f" between {names}")
    yield Text()
    yield from timeline(found["articles"])
    yield joined(("Earliest known: ", "bold"), said(found["original"]["source"], "green"))
    yield from (_below(reason(one)) for one in found["why"])
    by_id = {one["article"]: one for one in found["articles"]}
    yield from _claims(by_id[found["original"]["article"]])
    for copy in found["copies"]:
        yield Text()
        yield from _copy(copy, by_id[copy["article"]], found["passages"].get(copy["article"], ()))
    yield from carried(found["carried_by"])
    yield from rewordings(found["possible_rewordings"])
    yield from translations(found["possible_translations"])
    yield from _past(found)


def timeline(articles: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    """When each was seen, with its observed window as a bar and its claim as a mark, the earliest first."""
    rows = sorted(articles, key=lambda one: (one["first_seen"], one["article"]))
    moments = [at for one in rows for at in _moments(one)]
    first, last = min(moments), max(moments)
    table = columns("seen (UTC)", "timeline", "source")
    for one in rows:
        table.add_row(words.clock(one["first_seen"]), Text(_bar(one, first, last)), said(one["source"]))
    yield table
    yield Text(f"{words.clock(core.moment(first))} to {words.clock(core.moment(last))}: "
               "├ last poll without it, ┤ first with it, ◂ not polled before, × what it states", style="dim")
    yield Text()


def _moments(one: Mapping[str, Any]) -> list[datetime]:
    """The ends of the observed window; a claim only where it agrees: one of 1970 would flatten everything."""
    found = [one["first_seen"], *(one["appeared_between"] or ())]
    found += [each["at"] for each in one["claims"] if _marked(each)]
    return [datetime.fromisoformat(each) for each in found if each]


def _marked(claimed: Mapping[str, Any]) -> bool:
    return claimed["what"] == "published" and bool(claimed.get("agrees")) and claimed["resolution"] != "day"


def _bar(one: Mapping[str, Any], first: datetime, last: datetime) -> str:
    def column(moment: str) -> int:
        share = (datetime.fromisoformat(moment) - first) / (last - first) if last > first else 0.0
        return round(share * (_BAR - 1))

    cells = [" "] * _BAR
    without, seen = one["appeared_between"] or (None, one["first_seen"])
    end = column(seen)
    if without is not None:
        begin = min(column(without), end)
        cells[begin:end + 1] = ["├", *"─" * (end - begin - 1), "┤"] if end > begin else ["┤"]
    else:
        cells[max(0, end - 1):end + 1] = ["◂", "┤"] if end else ["┤"]
    for each in one["claims"]:
        if _marked(each):
            cells[column(each["at"])] = "×"
    return "".join(cells)


def _below(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))


def _claims(one: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield Address(f"  {line(one['url'])}", style="cyan")
    yield _below(joined((f"article {line(one['article'])}", "dim"), f"  appeared {words.observed(one['appeared_between'])}"))
    for each in one["claims"]:
        zone = {"stated": "", "assumed": ", zone as configured", "unknown": ", without a zone"}[each["zone"]]
        doubt = "" if each.get("agrees", True) else "; outside what was observed"
        at = words.clock(each["at"], seconds=True) if each["at"] else "not understood"
        yield _below(Text(f"states {each['what']} {at} ({each['from']}: {shortened(each['raw'], 60)}{zone}){doubt}"))
    for each in one["revisions"][1:]:
        yield _below(Text(f"revised {words.clock(each['at'])}: {shortened(each['title'], 80)}"))


def _copy(
    copy: Mapping[str, Any], kept: Mapping[str, Any], passages: Sequence[Mapping[str, Any]],
) -> Iterator[RenderableType]:
    ruled = f", {words.VERDICTS.get(copy['verdict'], copy['verdict'])} by a person" if copy["verdict"] else ""
    later = " later" if copy["lag_seconds"] > 0 else ""
    yield joined((f"{copy['kind']}: ", "bold"), said(copy["source"], "green"),
                 f", {words.lag(copy['lag_seconds'])}{later}{ruled}")
    yield _below(said(copy["title"]))
    yield _below(Text(f"{words.percent(copy['of_original'])} of the original stands here and makes up "
                      f"{words.percent(copy['of_copy'])} of it; similarity {copy['similarity']:.2f}"))
    yield from (_below(reason(one)) for one in copy["evidence"])
    yield from _claims(kept)
    yield from _quotes(passages)


def _quotes(passages: Sequence[Mapping[str, Any]]) -> Iterator[RenderableType]:
    longest = sorted(passages, key=lambda one: (-one["words"], one["original"]))[:_QUOTES]
    longest.sort(key=lambda one: one["original"])
    more, nouns = len(passages) - len(longest), ("shorter passage", "shorter passages")
    if longest and "score" in longest[0]:
        nouns = ("shorter pair of sentences", "shorter pairs of sentences")
        yield pairs((one["quote"], one["translated"], one["score"]) for one in longest)
    else:
        for one in longest:
            yield _below(joined((f"{one['words']} words  ", "dim"), f"“{shortened(one['quote'], _QUOTED)}”"))
    if more:
        yield _below(Text(f"and {words.count(more, *nouns)}", style="dim"))


def _past(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    if found["verdicts"]:
        yield Text("\nRulings", style="bold")
    for one in found["verdicts"]:
        on = "the whole story" if one["whole"] else " ".join(line(id_) for id_ in one["articles"])
        note = f": {line(one['note'])}" if one["note"] else ""
        yield _below(Text(f"{words.clock(one['at'])} {one['ruling']} by {line(one['who'])} on {on}{note}"))
    if found["history"]:
        yield Text("\nHistory", style="bold")
    for past in found["history"]:
        changed = f" (was {line(past['previous'])})" if past.get("previous") else ""
        yield _below(Text(f"{words.clock(past['at'])} {line(past['event'])}: {line(past.get('original') or '-')}{changed}"))


def _article(found: Mapping[str, Any]) -> Iterator[RenderableType]:
    yield said(found["title"] or "(no title)", "bold")
    role = {"original": "the earliest known of its story", "copy": "a copy", "single": "in no story"}[found["role"]]
    yield joined(said(found["source"], "green"), f", {role}", (f"  story {line(found['story'])}" if found["story"] else ""))
    if found["forgotten"]:
        yield Text("forgotten: its text was erased on demand", style="yellow")
        return
    yield from timeline([found])
    yield from _claims(found)
    for wall in found["walls"]:
        yield _below(Text(f"no article: {line(wall)}"))
    for one in found["attributions"]:
        detail = {"evidence": one["kind"], "detail": " ".join(one.get(key, "") for key in ("name", "url")),
                  "quote": one.get("quote")}
        yield _below(reason(detail))
    for one in found["reservations"]:
        yield _below(Text(f"rights: {line(one['kind'])} {line(one['value'])}"))
    for one in found["sightings"]:
        yield _below(Text(f"in {line(one['feed'])}: {words.observed([one['without'], one['seen']])}"))
    yield from carried(found["carried_by"])
    yield from carrying(found["carries"])
    yield from rewordings(found["possible_rewordings"])
    yield from translations(found["possible_translations"])
    if found["held"]:
        yield _below(Text("held: its pages are kept beyond the retention"))
    yield Text()
    yield said(shortened(found["text"], 600))
