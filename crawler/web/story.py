"""One story, and rulings on it."""

import asyncio
import logging
import re
from collections.abc import Mapping
from dataclasses import replace
from os import SEEK_END
from typing import Any

from aiohttp import web

from crawler import dossier
from crawler.core import urls
from crawler.core.types import UNCOUNTED
from crawler.desk import RULINGS, Wish
from crawler.errors import ConflictError, NotFoundError, UsageError, WorkerError
from crawler.evidence.pack import MEDIA_TYPE
from crawler.log import event
from crawler.ports import StoredStory
from crawler.render import markup, past, words
from crawler.web import asked
from crawler.web.answers import HEADERS, page
from crawler.web.room import NAME, ROOM

_log = logging.getLogger(__name__)
_PIECE = 256 * 1024   # bytes of a pack in hand
_PATIENCE = 60.0      # seconds for whoever reads a pack to take one
_ALL = 300            # copies on a page where all were asked for: more take a second to draw
PACKS = web.AppKey("packs", asyncio.Semaphore)
_SHOWN = 40   # copies of a story on its page, unless all are asked for


async def show(request: web.Request) -> web.Response:
    """The page of a story; an id that ended leads to the story it went into."""
    stored = await request.app[ROOM].desk.store.story(request.match_info["id"])
    if stored.story.id != request.match_info["id"]:
        raise web.HTTPMovedPermanently(f"/stories/{stored.story.id}{'?' + request.query_string if request.query_string else ''}")
    return await _page(request, stored)


async def _page(request: web.Request, stored: StoredStory, *, conflict: Mapping[str, str] | None = None) -> web.Response:
    desk = request.app[ROOM].desk
    given = asked.given(request.query)
    cut = _first(stored, request.query.get("beside"), _ALL if "all" in request.query else _SHOWN)
    story = {**await desk.story_of(cut, passages=False), "version": stored.version}
    copies = [one for one in story["copies"] if one["kind"] not in UNCOUNTED]
    asked_for, known = request.query.get("beside"), {one["article"] for one in story["copies"]}
    shown = asked_for if asked_for in known else (copies[0]["article"] if copies else None)
    return page(
        request, "story.html", status=409 if conflict else 200, story=story, given=given, copies=copies, conflict=conflict,
        revisions=[one for one in story["copies"] if one["kind"] in UNCOUNTED],
        left=len(stored.story.copies) - len(cut.story.copies), by_id={one["article"]: one for one in story["articles"]},
        shown=shown, compared=await _beside(request, stored, shown), past=past.told(story),
        next=await desk.store.beyond(asked.story_query({"state": "undecided", **given}), stored.story.id),
        done=_done(story, request.query.get("done", "")))


def _first(stored: StoredStory, beside: str | None, most: int) -> StoredStory:
    """The story with the first of its copies, and the one that is looked at."""
    kept = {copy.article for copy in stored.story.copies[:most]} | {beside, stored.story.original}
    copies = tuple(copy for copy in stored.story.copies if copy.article in kept)
    return replace(stored, story=replace(stored.story, copies=copies),
                   articles=tuple(one for one in stored.articles if one.id in kept))


async def _beside(request: web.Request, stored: StoredStory, article: str | None) -> dict[str, Any] | None:
    """None where a worker cannot compare them: the page is for ruling all the same."""
    if article is None:
        return None
    try:
        return await request.app[ROOM].desk.beside(stored.story.id, article)
    except WorkerError as error:
        event(_log, "compare-failed", logging.WARNING, story=stored.story.id, article=article, reason=error.reason)
        return None


def _done(story: Mapping[str, Any], given: str) -> str:
    """What was just ruled, where that stands in the history."""
    if given.startswith("undo"):
        return "Taken back."
    one = next((one for one in past.told(story) if one["ruling"] and str(one["id"]) == given), None)
    if one is None:
        return ""
    on = "the whole story" if one["whole"] else one["on"]
    return f"Kept: {words.VERDICTS.get(one['ruling'], one['ruling'])}, by {one['who']}, on {on}."


async def rule(request: web.Request) -> web.Response:
    """A ruling from the page's form: `ruling` is "confirm" or "confirm ARTICLE", "merge" with `other`, "undo RULING"."""
    form: Mapping[str, Any] = await request.post()
    desk, wish = request.app[ROOM].desk, _wish(request, form)
    try:
        stored = await desk.rule(wish)
    except ConflictError:
        stored_story = await _story_or_gone(request)
        return await _page(request, stored_story, conflict={
            "label": words.RULINGS[wish.ruling][0], "note": wish.note})
    outcome = await desk.outcome(wish.ruling, stored)
    given = asked.given(request.query)
    if not outcome["stories"]:
        told = {"done": "undo"} if wish.ruling == "undo" else {"done": "dissolved", "story": stored.story, "ruling": stored.id}
        raise web.HTTPSeeOther(f"/{markup.query({**given, **told})}")
    place = outcome["stories"][0]["id"]
    done = f"undo{stored.id}" if wish.ruling == "undo" else stored.id
    # To the copy that was ruled on, where it still is in the story: whoever goes through many goes on there.
    on = f"#a-{wish.targets[0]}" if wish.targets and wish.ruling != "merge" else ""
    raise web.HTTPSeeOther(f"/stories/{place}{markup.query({**given, 'done': done})}{on}")


async def _story_or_gone(request: web.Request) -> StoredStory:
    try:
        return await request.app[ROOM].desk.store.story(request.match_info["id"])
    except NotFoundError:
        raise ConflictError(f"story {request.match_info['id']}: it is no more; somebody ruled on it, or its articles were "
                            "judged anew. Nothing was written") from None


def _wish(request: web.Request, form: Mapping[str, Any]) -> Wish:
    ruling, _, target = str(form.get("ruling", "")).partition(" ")
    if ruling not in RULINGS:
        raise UsageError(f"ruling: expected one of {' '.join(RULINGS)}")
    targets: tuple[str, ...] = (target,) if target else ()
    undo = None
    if ruling == "undo":
        targets, undo = (), _number(target)
    elif ruling == "merge":
        targets = tuple(part for part in [_named(str(form.get("other", "")), request.app[ROOM].hosts())] if part)
    return Wish(request.match_info["id"], ruling, targets, str(form.get("note", "")).strip(), request[NAME],
                None if undo is not None and "version" not in form else str(form.get("version", "")), undo)


def _number(given: str) -> int | None:
    if given and not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise UsageError("undo: expected the number of a ruling")
    return int(given) if given else None


def _named(given: str, ours: frozenset[str]) -> str:
    """The id in what a person pasted: an id, the address of a story's page here, or that of an article."""
    text = given.strip()
    if "/stories/" in text and ("://" not in text or re.sub(r":[0-9]+$", "", urls.host(text)) in ours):
        return text.partition("/stories/")[2].partition("?")[0].partition("#")[0].strip("/")
    return urls.article_id(canonical) if "://" in text and (canonical := urls.canonical(text)) else text


async def evidence(request: web.Request) -> web.StreamResponse:
    """The evidence pack of a story; a few at a time, since each takes a worker and room on the disk."""
    desk, id_ = request.app[ROOM].desk, request.match_info["id"]
    async with request.app[PACKS]:
        with await dossier.evidence(desk, id_, desk.clock()) as made:
            response = web.StreamResponse(headers={
                **HEADERS, "Content-Type": MEDIA_TYPE, "Content-Disposition": f'attachment; filename="{_file(id_)}.wacz"',
                "Content-Length": str(made.seek(0, SEEK_END)), "Cache-Control": "no-store", "Server": "firsthand"})
            made.seek(0)
            await response.prepare(request)
            while piece := made.read(_PIECE):
                async with asyncio.timeout(_PATIENCE):
                    await response.write(piece)
            await response.write_eof()
            return response


def _file(id_: str) -> str:
    """A name that any system takes."""
    return re.sub(r"[^0-9A-Za-z_-]", "", id_)[:64] or "story"
