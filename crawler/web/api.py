"""/api/v1/: everything that the page shows and does, as JSON. `openapi.py` describes it; a test holds both together."""

import json
from dataclasses import asdict
from typing import Any

from aiohttp import web

from crawler.core import report as core
from crawler.core.types import Relation
from crawler.desk import RULINGS, Wish
from crawler.errors import NotFoundError, UsageError
from crawler.ports import Flow, SourceFigures, StoryQuery
from crawler.web import asked, openapi
from crawler.web.answers import body_of, data
from crawler.web.queue import LAGS
from crawler.web.room import FIGURES, NAME, ROOM

_MOST = 100        # stories of one answer
_CHANGES = 1000    # changes of one answer
_LONGEST = 1000    # characters of an id or an address


async def document(request: web.Request) -> web.Response:
    """The OpenAPI document."""
    return data(request, openapi.document(request.app[ROOM].base(request)))


async def stories(request: web.Request) -> web.Response:
    """A part of a list of stories."""
    desk, given = request.app[ROOM].desk, asked.given(request.query)
    query = asked.story_query(given)
    order = request.query.get("order", "queue")
    if order not in ("queue", "founded", "changed"):
        raise UsageError("order: expected one of queue founded changed")
    shelf = await desk.store.browse(query, request.query.get("after") or None, _limit(request, 25, _MOST), order=order)  # type: ignore[arg-type]  # one of three
    tally = await desk.store.tally(query)
    return data(request, {
        "stories": await desk.rows(shelf), "next": shelf.next,
        "counts": {"undecided": tally.undecided, "decided": tally.decided, "ruled": tally.ruled, "all": tally.all}})


def _limit(request: web.Request, default: int, most: int) -> int:
    given = request.query.get("limit", str(default))
    if not (given.isascii() and given.isdecimal()) or len(given) > 7 or not 1 <= int(given) <= most:
        raise UsageError(f"limit: expected a number from 1 to {most}")
    return int(given)


async def story(request: web.Request) -> web.Response:
    """One story whole. An id that went into another story: 308 to that one; one that was dissolved: 404."""
    desk, id_ = request.app[ROOM].desk, request.match_info["id"]
    stored = await desk.store.story(id_)
    if stored.story.id != id_:
        raise web.HTTPPermanentRedirect(f"/api/v1/stories/{stored.story.id}")
    return data(request, await desk.story_of(stored, passages=False))


async def beside(request: web.Request) -> web.Response:
    """A copy beside the original."""
    return data(request, await request.app[ROOM].desk.beside(request.match_info["id"], request.match_info["article"]))


async def rule(request: web.Request) -> web.Response:
    """A ruling."""
    desk, body = request.app[ROOM].desk, await body_of(request)
    wish = _wish(request, body)
    stored = await desk.rule(wish)
    return data(request, await desk.outcome(wish.ruling, stored))


def _wish(request: web.Request, body: dict[str, Any]) -> Wish:
    known = {"ruling", "article", "articles", "other", "note", "version", "id"}
    unknown = sorted(body.keys() - known)
    if unknown:
        raise UsageError(f"{unknown[0][:60]}: unknown; expected some of {' '.join(sorted(known))}")
    ruling = body.get("ruling")
    if ruling not in RULINGS:
        raise UsageError(f"ruling: expected one of {' '.join(RULINGS)}")
    return Wish(request.match_info["id"], ruling, _targets(ruling, body), _text(body, "note"), request[NAME],
                _text(body, "version") or None, _number(body, ruling))


def _targets(ruling: str, body: dict[str, Any]) -> tuple[str, ...]:
    if ruling == "merge":
        return tuple(part for part in [_text(body, "other")] if part)
    listed = body.get("articles", [])
    if not isinstance(listed, list) or not all(isinstance(one, str) and one for one in listed):
        raise UsageError("articles: expected a list of ids")
    single = _text(body, "article")
    found = tuple(dict.fromkeys([*([single] if single else []), *listed]))
    if any(len(one) > _LONGEST for one in found):
        raise UsageError(f"articles: an id longer than {_LONGEST} characters")
    return found


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{name}: expected a text")
    return value


def _number(body: dict[str, Any], ruling: str) -> int | None:
    value = body.get("id")
    if value is None:
        return None
    if ruling != "undo" or isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 1 << 63:
        raise UsageError("id: expected the number of a ruling, with undo")
    return value


async def article(request: web.Request) -> web.Response:
    """One article whole."""
    return data(request, await request.app[ROOM].desk.article(request.match_info["id"]))


async def changes(request: web.Request) -> web.Response:
    """What changed after a cursor, oldest first, with the ends of stories."""
    given = request.query.get("after", "0") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise UsageError("after: expected the `next` of an earlier answer")
    limit = _limit(request, 100, _CHANGES)
    found = await request.app[ROOM].desk.store.changes(int(given), limit + 1)
    shown = found[:limit]
    return data(request, {
        "changes": [{"story": one.story, "at": core.moment(one.at), "event": "ended" if one.ended else "changed",
                     "successor": one.successor} for one in shown],
        "next": str(shown[-1].revision if shown else int(given)), "more": len(found) > limit})


async def sources(request: web.Request) -> web.Response:
    """Every source with a part in a story."""
    since, store = asked.story_query(asked.given(request.query)).since, request.app[ROOM].desk.store
    found, _ = await request.app[FIGURES].get(f"API sources {since}", lambda: store.sources(since))
    return data(request, {"sources": [_figures(one) for one in found]})


def _figures(one: SourceFigures) -> dict[str, Any]:
    return {"source": one.source, "articles": one.articles, "originals": one.originals, "copies": one.copies,
            "copied": one.copied, "kinds": dict(one.kinds), "stories": one.stories, "median_lag_seconds": one.lag,
            "first_share": one.first, "copied_share": one.copied_share}


async def source(request: web.Request) -> web.Response:
    """One source, with whom it copies and who copies it."""
    store, name = request.app[ROOM].desk.store, request.query.get("name", "")
    one = await store.source(name)
    if one is None:
        raise NotFoundError("no source of this name has a part in a story")
    return data(request, {
        **_figures(one), "lag_bounds_seconds": list(LAGS),
        "copied_by": [_flow(flow) for flow in await store.flows(origin=name)],
        "copies_from": [_flow(flow) for flow in await store.flows(copier=name)],
        "copied_lags": await store.lags(LAGS, origin=name), "copying_lags": await store.lags(LAGS, copier=name)})


async def flows(request: web.Request) -> web.Response:
    """Who copied whom."""
    given, store, limit = request.query, request.app[ROOM].desk.store, _limit(request, 100, _CHANGES)
    since, copier, origin = asked.story_query(asked.given(given)).since, given.get("copier") or None, given.get("origin") or None
    found, _ = await request.app[FIGURES].get(
        f"API flows {since} {limit} {json.dumps([copier, origin])}",
        lambda: store.flows(copier=copier, origin=origin, since=since, limit=limit))
    return data(request, {"flows": [_flow(one) for one in found]})


def _flow(one: Flow) -> dict[str, Any]:
    found = asdict(one)
    return {**found, "median_lag_seconds": found.pop("lag"), "mean_share": found.pop("share")}


async def rewordings(request: web.Request) -> web.Response:
    """Pairs that a person may look at."""
    given = asked.given(request.query)
    query = StoryQuery(source=given.get("source"), language=given.get("language"))
    found = await request.app[ROOM].desk.possible(Relation.REWORDING, query)
    return data(request, {"rewordings": [core.possible(*each) for each in found]})


async def translations(request: web.Request) -> web.Response:
    """Pairs of which one may be the other translated."""
    given = asked.given(request.query)
    query = StoryQuery(source=given.get("source"), language=given.get("language"))
    found = await request.app[ROOM].desk.possible(Relation.TRANSLATION, query)
    return data(request, {"translations": [core.possible(*each) for each in found]})


async def status(request: web.Request) -> web.Response:
    """How well the daemon is, and what is stored."""
    room = request.app[ROOM]
    _, found = await room.health.ready()
    counts = await room.desk.store.counts(room.desk.clock())
    return data(request, {**found, "feeds": counts.feeds, "failing": counts.failing, "articles": counts.articles,
                          "stories": counts.stories, "copies": counts.copies, "undecided": counts.undecided})
