"""How everything is answered: headers that let nothing foreign act, errors as a page or as a problem, one ETag for all."""

import asyncio
import gzip
import hashlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from crawler import metrics
from crawler.errors import ConflictError, FirsthandError, NotFoundError, StoreError, UsageError
from crawler.log import event
from crawler.render import harmless, markup
from crawler.web.access import remember
from crawler.web.room import FORM, NAME, ROOM

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
          "base-uri 'none'; frame-ancestors 'none'")
HEADERS = {
    "Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",   # with "no-referrer" a browser calls the origin of our own forms "null"
    "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY", "X-Robots-Tag": "noindex", "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_COMPRESSED = 1400      # bytes from which compression spares a packet
_log = logging.getLogger(__name__)


@web.middleware
async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
    """The outermost: whatever happens becomes an answer, and every answer has our headers."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        response = _led(error) if error.status_code < 400 else _refused(request, error.status_code, error.text or "", error.headers)
    except FirsthandError as error:
        response = _refused(request, _status(error), str(error))
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - a fault of ours must not end the connection without a word
        event(_log, "request-failed", logging.ERROR, path=request.path, error=f"{type(error).__name__}: {error}")
        response = _refused(request, 500, "a fault in the program; its log says more")
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers["Server"] = "firsthand"
    if not response.prepared and response.content_type == "text/html":   # what has forms
        remember(request, response)
    _counted(request, response.status)
    return response


def _led(error: web.HTTPException) -> web.Response:
    """To another page."""
    return web.Response(status=error.status_code, headers={"Location": error.headers["Location"]})


def _counted(request: web.Request, status: int) -> None:
    resource = request.match_info.route.resource
    metrics.count("firsthand_http_requests_total", "Requests to the review page and the API by route and status",
                  route=resource.canonical if resource is not None else "none", status=f"{status // 100}xx")


def _status(error: FirsthandError) -> int:
    match error:
        case NotFoundError():
            return 404
        case ConflictError():
            return 409
        case UsageError():
            return 422
        case StoreError():
            return 503
        case _:
            return 500


def _refused(request: web.Request, status: int, text: str, headers: Mapping[str, str] | None = None) -> web.Response:
    kept = {name: value for name, value in (headers or {}).items()
            if name.lower() in ("retry-after", "www-authenticate", "allow", "location")}
    if request.path.startswith("/api/") or "text/html" not in request.headers.get("Accept", ""):
        problem = {"type": "about:blank", "title": _phrase(status), "status": status, "detail": harmless.line(text)}
        return web.json_response(problem, status=status, headers=kept, content_type="application/problem+json",
                                 dumps=harmless.json_text)
    return page(request, "error.html", status=status, headers=kept, title=_phrase(status), text=text)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase


def page(
    request: web.Request, template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: Any,
) -> web.Response:
    """A page of a template in render/templates."""
    text = markup.render(template, who=request.get(NAME), form=request.get(FORM, ""), path=request.path,
                         tokens=request.app[ROOM].tokens is not None, **values)
    return _packed(request, text.encode(), "text/html; charset=utf-8", status, headers or {})


def data(request: web.Request, value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """JSON, with an ETag."""
    body = (harmless.json_text(value) + "\n").encode()
    return tagged(request, body, "application/json", headers=headers, status=status)


def tagged(
    request: web.Request, body: bytes, content_type: str, *, headers: Mapping[str, str] | None = None, status: int = 200,
) -> web.Response:
    """An answer that need not be sent again to whoever has it (RFC 9110, section 13). By its tag alone: a list also changes
    when its newest story ends, which no date of last change would say."""
    tag = f'"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    kept = {"ETag": f"W/{tag}", "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding, Authorization, Cookie", **(headers or {})}
    if status == 200 and request.method in ("GET", "HEAD") and _known(request, tag):
        return web.Response(status=304, headers=kept)
    return _packed(request, body, content_type, status, kept)


def _known(request: web.Request, tag: str) -> bool:
    stated = request.headers.get("If-None-Match", "")
    named = {one.strip().removeprefix("W/") for one in stated.split(",")}
    return tag in named or "*" in named


def _packed(
    request: web.Request, body: bytes, content_type: str, status: int, headers: Mapping[str, str],
) -> web.Response:
    kept = {"Content-Type": content_type, **headers}
    if len(body) >= _COMPRESSED and "gzip" in request.headers.get("Accept-Encoding", "").lower():
        # Form tokens are in pages with foreign text, so what BREACH needs is there; they are asked for with a cookie that
        # is never sent for another site's request (SameSite=Strict), so nobody else can make the page be asked for.
        body = gzip.compress(body, 5, mtime=0)
        kept["Content-Encoding"] = "gzip"
        kept.setdefault("Vary", "Accept-Encoding")
    return web.Response(status=status, body=body, headers=kept)


async def body_of(request: web.Request) -> dict[str, Any]:
    """The JSON object of a request. Raises 400, 415."""
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType(text="send application/json")
    try:
        found = json.loads(await request.text())
    except (ValueError, LookupError, RecursionError):
        raise web.HTTPBadRequest(text="the body is no JSON") from None
    if not isinstance(found, dict):
        raise web.HTTPBadRequest(text="the body must be a JSON object")
    return found
