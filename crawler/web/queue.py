"""The pages to look at: the queue, sources, articles, rewordings."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from aiohttp import web

from crawler.core import report as core
from crawler.core.types import Relation
from crawler.desk import Wish
from crawler.errors import ConflictError, NotFoundError
from crawler.ports import StoryQuery
from crawler.render.harmless import line
from crawler.web import asked
from crawler.web.access import COOKIE, Gate, let_in, let_out
from crawler.web.answers import page
from crawler.web.room import FIGURES, NAME, ROOM

_PERIODS = (("", "All time", None), ("30d", "30 days", 30), ("7d", "7 days", 7), ("1d", "24 hours", 1))
_SOURCES = 200     # of the table
_PAIRS = 60
LAGS = (300, 900, 3600, 4 * 3600, 86400, 7 * 86400)
LAG_LABELS = ("≤ 5 min", "≤ 15 min", "≤ 1 h", "≤ 4 h", "≤ 1 d", "≤ 7 d", "later")


async def queue(request: web.Request) -> web.Response:
    """Stories, undecided first."""
    desk = request.app[ROOM].desk
    given = asked.given(request.query)
    query = asked.story_query({"state": "undecided", **given})
    state = given.get("state", "undecided")
    tally = await desk.store.tally(query)
    if "state" not in given and not tally.undecided:   # whoever comes first wants to see something
        state, query = "all", asked.story_query({**given, "state": "all"})
    after = request.query.get("after") or None
    shelf = await desk.store.browse(query, after)
    numbers = {"undecided": tally.undecided, "decided": tally.decided, "ruled": tally.ruled, "all": tally.all}
    labels = {"undecided": "Undecided", "decided": "Decided", "ruled": "Ruled on", "all": "All"}
    return page(
        request, "queue.html", rows=await desk.rows(shelf), next=shelf.next, state=state, matching=numbers[state],
        tabs=[(name, labels[name], numbers[name]) for name in asked.STATES], given=_Given({**given, "state": state, "after": after}),
        filtered=bool(given.keys() - {"q", "state"}), languages=(await request.app[FIGURES].get("languages", desk.store.languages))[0],
        done=_done(request.query.get("done", "")), undo=_undo(request.query))


class _Given(dict[str, Any]):
    """What was asked; what was not is None in a template."""

    def __getattr__(self, name: str) -> Any:
        return self.get(name)


def _undo(query: Mapping[str, str]) -> dict[str, str] | None:
    """The ruling by which a story was dissolved: there is no page of it any more on which to take it back."""
    story, ruling = query.get("story", ""), query.get("ruling", "")
    return {"story": story, "ruling": ruling} if story.isalnum() and story.isascii() and ruling.isdecimal() else None


def _done(word: str) -> str:
    return {"dissolved": "Done: the story is no more; its articles stand alone.", "undo": "Taken back."}.get(word, "")


async def sources(request: web.Request) -> web.Response:
    """Who copies whom."""
    desk = request.app[ROOM].desk
    period, _, days = next((one for one in _PERIODS if one[0] == request.query.get("period", "")), _PERIODS[0])
    since = desk.clock() - timedelta(days=days) if days else None

    async def ask() -> Any:
        return await desk.store.sources(since), await desk.store.flows(since=since, limit=_PAIRS)

    (found, flows), at = await request.app[FIGURES].get(f"sources {period}", ask)
    return page(
        request, "sources.html", sources=found[:_SOURCES], more=len(found) if len(found) > _SOURCES else 0,
        flows=[_flow(one) for one in flows], period=period, at=core.moment(at),
        periods=[(name, label) for name, label, _ in _PERIODS])


def _flow(one: Any) -> dict[str, Any]:
    return {"copier": one.copier, "origin": one.origin, "copies": one.copies, "kinds": one.kinds, "share": one.share,
            "lag": one.lag}


async def source(request: web.Request) -> web.Response:
    """One source."""
    store, name = request.app[ROOM].desk.store, request.query.get("name", "")
    one = await store.source(name)
    if one is None:
        raise NotFoundError(f"{line(name)[:80] or 'no name'}: no source of this name has a part in a story")

    async def ask() -> Any:
        return (await store.flows(origin=name, limit=_PAIRS), await store.flows(copier=name, limit=_PAIRS),
                await store.lags(LAGS, origin=name), await store.lags(LAGS, copier=name))

    (copied_by, copies, copied_lags, lags), _ = await request.app[FIGURES].get(f"source {name}", ask)
    return page(
        request, "source.html", one=one, lag_labels=LAG_LABELS, copied_by=[_flow(flow) for flow in copied_by],
        copies=[_flow(flow) for flow in copies], copied_lags=copied_lags, lags=lags)


async def article(request: web.Request) -> web.Response:
    """One article whole."""
    one = await request.app[ROOM].desk.article(request.match_info["id"])
    return page(request, "article.html", one=one, paragraphs=str(one["text"]).split("\n"))


async def rewordings(request: web.Request) -> web.Response:
    """Pairs of which one may retell the other."""
    return await _possible(request, Relation.REWORDING, "rewordings.html")


async def translations(request: web.Request) -> web.Response:
    """Pairs of which one may be the other translated."""
    return await _possible(request, Relation.TRANSLATION, "translations.html")


async def _possible(request: web.Request, relation: Relation, template: str) -> web.Response:
    desk = request.app[ROOM].desk
    pairs = [core.possible(*each) for each in await desk.possible(relation, StoryQuery())]
    return page(request, template, pairs=pairs, done="Kept." if "done" in request.query else "")


async def rule_possible(request: web.Request) -> web.Response:
    """A ruling on such a pair."""
    form: Mapping[str, Any] = await request.post()
    ruling = str(form.get("ruling", ""))
    if ruling not in ("confirm", "reject"):
        raise web.HTTPBadRequest(text="ruling: expected confirm or reject")
    desk, a, b = request.app[ROOM].desk, str(form.get("a", "")), str(form.get("b", ""))
    if not await desk.is_proposed(a, b):
        raise ConflictError("somebody has ruled on this pair since you saw it, or it was judged anew; nothing was written")
    await desk.rule(Wish(a, ruling, (b,), who=request[NAME]))  # type: ignore[arg-type]  # one of two
    raise web.HTTPSeeOther(f"{request.path}?done=1")


async def subscribe(request: web.Request) -> web.Response:
    """What there is to subscribe to."""
    return page(request, "subscribe.html")


async def login(request: web.Request) -> web.Response:
    """Ask for a token."""
    return page(request, "login.html", to=_inside(request.query.get("to", "/")), wrong=False)


def enter(gate: Gate) -> Any:
    """The handler that takes the token, counted by the same gate."""
    async def entered(request: web.Request) -> web.Response:
        form: Mapping[str, Any] = await request.post()
        token, to = str(form.get("token", "")).strip(), _inside(str(form.get("to", "/")))
        if gate.admit(request, request.app[ROOM], token) is None:
            return page(request, "login.html", status=401, to=to, wrong=True)
        response = web.Response(status=303, headers={"Location": to})
        let_in(request, response, token)
        return response

    return entered


def _inside(to: str) -> str:
    """A path of ours: never another site, which a browser sees in // and in a backslash."""
    return to if to.startswith("/") and not to.startswith("//") and "\\" not in to and to.isprintable() else "/"


async def leave(request: web.Request) -> web.Response:
    """Forget the token."""
    response = web.Response(status=303, headers={"Location": "/login" if COOKIE in request.cookies else "/"})
    let_out(response)
    return response
