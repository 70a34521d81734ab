"""Who may in, and who may change what. Every request passes here first.

    Host      must mean us: a name that somebody points at this address is not one (DNS rebinding)     421
    token     where `tokens_file` is set: Authorization (Bearer, or Basic for feed readers), or the
              cookie that /login sets; wrong ones are counted by address                               401, 429
    change    anything but GET and HEAD: an Origin of ours where one is stated, and the token of a
              form of ours in the form, or JSON, which no form of another site can send                403
"""

import asyncio
import base64
import hmac
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from crawler import metrics
from crawler.web.room import FORM, LOCAL, LOOPBACK, NAME, ROOM, Room

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

COOKIE = "firsthand"                # the token
FORM_COOKIE = "firsthand-form"      # the secret that our forms repeat
FORM_FIELD = "form_token"
FORM_HEADER = "X-Form-Token"
OPEN = ("/healthz", "/readyz", "/login", "/static/", "/websub/")
_DAYS = 30 * 86400
_WRONG = 10          # wrong tokens of one address …
_SECONDS = 300.0     # … within so long, and a further wrong one is told to wait
_ADDRESSES = 4096    # that are remembered
_FORM = re.compile(r"[\w-]{20,64}", re.ASCII)


@web.middleware
async def host(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Only under names that mean us."""
    if not _is_ours(request.headers.get("Host", ""), request.app[ROOM]):
        raise _Misdirected(text="this host is not served here; add it to review.allowed_hosts if it should be")
    if "\x00" in request.path:   # no id holds it; one of the databases would take it for a fault of the values
        raise web.HTTPNotFound(text="no such page")
    return await handler(request)


class _Misdirected(web.HTTPClientError):
    status_code = HTTPStatus.MISDIRECTED_REQUEST.value


def _is_ours(given: str, room: Room) -> bool:
    return _bare(given) in room.hosts()


def _name(request: web.Request) -> str:
    """Under which the request came."""
    return _bare(request.headers.get("Host", ""))


def _bare(given: str) -> str:
    return re.sub(r":[0-9]{1,5}$", "", given.strip().lower())


@dataclass(slots=True)
class Gate:
    """The middleware that asks for a token, with the wrong ones of late."""

    wrong: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    @web.middleware
    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Give the request a name, or refuse it."""
        request[FORM] = _form_secret(request)
        room = request.app[ROOM]
        if room.tokens is None and (_name(request) in LOOPBACK or request.path.startswith(OPEN)):
            request[NAME] = LOCAL
        elif room.tokens is None:
            raise web.HTTPUnauthorized(text="under this name others may come: it needs review.tokens_file; "
                                            "`firsthand token add NAME` makes a token")
        elif not request.path.startswith(OPEN):
            name = self.admit(request, room)
            if name is None:
                return self._refused(request)
            request[NAME] = name
        return await handler(request)

    def admit(self, request: web.Request, room: Room, given: str | None = None) -> str | None:
        """Whose token the request brings, or was given; a wrong one is counted. Raises 429."""
        token = given if given is not None else _token(request)
        if token is None or room.tokens is None:
            return None
        name = room.tokens.name_of(token)
        if name is None:
            self._count(request.remote or "", asyncio.get_running_loop().time())
        return name

    def _count(self, address: str, now: float) -> None:
        metrics.count("firsthand_tokens_wrong_total", "Wrong tokens that were presented to the review page")
        late = [at for at in self.wrong.pop(address, []) if now - at < _SECONDS]
        self.wrong[address] = [*late, now][-_WRONG - 1:]
        while len(self.wrong) > _ADDRESSES:
            self.wrong.popitem(last=False)
        if len(late) >= _WRONG:
            raise web.HTTPTooManyRequests(
                text="too many wrong tokens from this address; wait some minutes",
                headers={"Retry-After": str(round(_SECONDS - (now - late[0])))})

    def _refused(self, request: web.Request) -> web.Response:
        if request.method == "GET" and "text/html" in request.headers.get("Accept", ""):
            raise web.HTTPSeeOther("/login?" + urlencode({"to": request.path_qs}))
        raise web.HTTPUnauthorized(text="a token is needed: Authorization: Bearer TOKEN; `firsthand token add NAME` makes one",
                                   headers={"WWW-Authenticate": 'Basic realm="Firsthand", charset="UTF-8"'})


def _token(request: web.Request) -> str | None:
    """As programs send it, as feed readers can (the password of any user), or as the page keeps it."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value.strip(), validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return request.cookies.get(COOKIE)


def _form_secret(request: web.Request) -> str:
    given = request.cookies.get(FORM_COOKIE, "")
    return given if _FORM.fullmatch(given) else secrets.token_urlsafe(24)


def remember(request: web.Request, response: web.StreamResponse) -> None:
    """Set the cookie that our forms repeat, where the request came without it."""
    secret = request.get(FORM)
    if secret is not None and request.cookies.get(FORM_COOKIE) != secret:
        _cookie(request, response, FORM_COOKIE, secret)


def _cookie(request: web.Request, response: web.StreamResponse, name: str, value: str) -> None:
    # Not over plain HTTP, where it would never come back: whoever is at the machine itself comes by that.
    secure = (request.app[ROOM].origin or "") == f"https://{request.host.lower()}"
    response.set_cookie(name, value, max_age=_DAYS, path="/", httponly=True, samesite="Strict", secure=secure)


@web.middleware
async def change(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What changes something must come from a page of ours, or from a program."""
    if request.method not in ("GET", "HEAD") and not request.path.startswith("/websub/"):
        _same_origin(request)
        if not _from_program(request):
            await _own_form(request)
    return await handler(request)


def _same_origin(request: web.Request) -> None:
    stated = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise web.HTTPForbidden(text="a change must come from a page of this site")
    if stated is None:
        return
    room = request.app[ROOM]
    try:
        parts = urlsplit(stated)
    except ValueError:
        raise web.HTTPForbidden(text="a change must come from a page of this site") from None
    same = parts.netloc.lower() == request.host.lower() and parts.scheme in ("http", "https")
    if not same and stated.lower() != room.origin:
        raise web.HTTPForbidden(text="a change must come from a page of this site")


def _from_program(request: web.Request) -> bool:
    """JSON with a token in its header, or where nobody needs one: a form of another site can send neither, and a script
    of one is asked for its origin first. With the cookie alone the form's token is needed."""
    if request.content_type != "application/json":
        return False
    return "Authorization" in request.headers or request.app[ROOM].tokens is None


async def _own_form(request: web.Request) -> None:
    given = request.headers.get(FORM_HEADER, "")
    if not given and request.content_type == "application/x-www-form-urlencoded":
        given = str((await request.post()).get(FORM_FIELD, ""))
    kept = request.cookies.get(FORM_COOKIE, "")
    if not kept or not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), kept.encode("utf-8", "surrogateescape")):
        raise web.HTTPForbidden(text="the form is out of date; load the page again and repeat it")


def let_in(request: web.Request, response: web.StreamResponse, token: str) -> None:
    """Keep the token in the browser."""
    _cookie(request, response, COOKIE, token)


def let_out(response: web.StreamResponse) -> None:
    """Forget it."""
    response.del_cookie(COOKIE, path="/", httponly=True, samesite="Strict")
