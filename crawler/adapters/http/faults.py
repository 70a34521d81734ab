"""What went wrong -> one reason of the closed list, and one line without control characters and credentials."""

import re
from collections.abc import Iterator
from http import HTTPStatus

import aiohttp
from aiohttp.http_exceptions import BadStatusLine, HttpProcessingError, InvalidHeader, LineTooLong

from crawler.adapters.http.guard import PrivateAddressError
from crawler.adapters.http.wire import Stage, TooManyHeadersError, Trail
from crawler.errors import Reason

_LONGEST = 300
_CREDENTIALS = re.compile(r"(?<=//)[^/?#@\s]*@")
_UNSEEN = re.compile(r"[\x00-\x20\x7f-\xa0\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
# What llhttp says of a header it does not take; aiohttp passes on its text and nothing else.
_HEADER_WORDS = re.compile(r"header (?:token|value|field)|too many headers|invalid characters? in header|null byte", re.IGNORECASE)
_NUL_LOCATION = re.compile(rb"\nlocation:[^\n]*\x00", re.IGNORECASE)
_STAGES: dict[Stage, tuple[Reason, str]] = {
    "lookup": (Reason.DNS, "the name could not be looked up in time"),
    "connect": (Reason.TIMEOUT, "no connection in time"),
    "tls": (Reason.TLS, "the TLS handshake did not end in time"),
    "answer": (Reason.TIMEOUT, "the answer did not end in time"),
}


def one_line(text: str) -> str:
    """For a log and a terminal: no control characters, no credentials, at most 300 characters."""
    return _UNSEEN.sub(" ", _CREDENTIALS.sub("", text)).strip()[:_LONGEST]


def of_timeout(trail: Trail) -> tuple[Reason, str]:
    """Reason and detail of a request that ran out of time where its trail ends."""
    return _STAGES[trail.stage]


def of_error(error: BaseException, trail: Trail) -> tuple[Reason, str]:
    """Reason and detail of whatever aiohttp raised."""
    for cause in _causes(error):
        if isinstance(cause, PrivateAddressError):
            return Reason.PRIVATE, one_line(str(cause))
        if isinstance(cause, TooManyHeadersError | LineTooLong | InvalidHeader):
            return _of_header(cause, trail)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Reason.DNS, one_line(f"the name could not be looked up: {error.os_error}")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return Reason.NETWORK, f"the proxy answered HTTP {error.status} {_phrase(error.status)}".rstrip()
    if isinstance(error, aiohttp.ClientSSLError) or trail.stage == "tls":
        return Reason.TLS, one_line(f"no TLS connection: {_words(error)}")
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ClientResponseError | HttpProcessingError):
        return of_message(error, trail)
    return Reason.NETWORK, one_line(f"connection failed: {_words(error)}")


def of_message(error: BaseException, trail: Trail) -> tuple[Reason, str]:
    """Reason and detail of an answer that breaks HTTP, or broke off."""
    if trail.handler is not None and trail.handler.reset:
        return Reason.NETWORK, "the connection was reset during the answer"
    text = str(_innermost(error))
    if _HEADER_WORDS.search(text) and not isinstance(_innermost(error), BadStatusLine):
        return Reason.HEADERS, one_line(f"the headers break HTTP: {_first(text)}")
    return Reason.PROTOCOL, one_line(f"the answer breaks HTTP: {_first(text)}")


def of_status(status: int, headers: tuple[tuple[str, str], ...]) -> tuple[Reason, str]:
    """Reason and detail of a 4xx or 5xx."""
    detail = f"HTTP {status} {_phrase(status)}".rstrip()
    if any(name == "cf-mitigated" and "challenge" in value.lower() for name, value in headers):
        return Reason.CHALLENGE, f"{detail}: the site asks for a browser"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return Reason.RATE_LIMITED, detail
    if status == HTTPStatus.GONE:
        return Reason.GONE, detail
    return (Reason.HTTP_4XX if status < 500 else Reason.HTTP_5XX), detail


def _phrase(status: int) -> str:
    """The registered words: the server's own are foreign text."""
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""


def _of_header(cause: BaseException, trail: Trail) -> tuple[Reason, str]:
    if isinstance(cause, TooManyHeadersError):
        return Reason.HEADERS, one_line(str(cause))
    if isinstance(cause, LineTooLong):
        return Reason.HEADERS, "a header is too long"
    if trail.handler is not None and _NUL_LOCATION.search(trail.handler.head):
        return Reason.REDIRECT, "redirect to nowhere: a NUL in the Location"
    return Reason.HEADERS, "a header holds what no header may hold"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or getattr(error, "os_error", None) or error.__context__


def _innermost(error: BaseException) -> BaseException:
    *_, last = _causes(error)
    return last


def _words(error: BaseException) -> str:
    """What the innermost cause that says anything says."""
    said = [str(cause) for cause in _causes(error) if str(cause).strip()]
    return said[-1] if said else type(_innermost(error)).__name__


def _first(text: str) -> str:
    """The parser's sentence, without the bytes that it quotes."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    sentences = [line.removesuffix(":") for line in lines if not line.startswith(("400,", "b'", 'b"', "^", "Bad status"))]
    return sentences[0] if sentences else "not understood"
