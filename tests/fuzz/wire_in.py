"""The doors of the wire: addresses, redirects, hosts, headers, content codings."""

import socket
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

import promises
from envelope import number, opened, text
from watch import unwatched

from crawler.adapters.http import target
from crawler.adapters.http.decode import Body, BodyError
from crawler.adapters.http.guard import Guard, PrivateAddressError, is_public, literal
from crawler.config.rules import is_loopback, listen_address
from crawler.core import schedule, urls
from crawler.core.types import FeedState
from crawler.errors import Reason

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
_YEAR = timedelta(days=366)


# --- addresses ------------------------------------------------------------------------------------------------------

def url(data: bytes) -> None:
    """An address and what it is relative to: nothing raises, and every form settles at once."""
    given, _, base = text(data).partition("\n")
    key, settled, shown = (form(given, base or None) for form in (urls.canonical, urls.fetchable, urls.address))
    if settled is not None:
        promises.address(settled, "an address")
        assert "#" not in settled
    if key is not None:
        promises.address(key.partition("#!")[0], "a key")
        assert urls.canonical(key) == key, f"a key changes once more: {key!r}"
        assert key.isascii()
        assert "@" not in urlsplit(key).netloc
        assert urls.article_id(key) == urls.article_id(urls.canonical(key) or "")
        assert urls.site(key) == urls.host(key)
        assert urls.registrable(key)
        assert urls.same_site(key, key)
    if shown is not None:
        assert urls.address(shown) == shown, f"what is shown changes once more: {shown!r}"
        assert "@" not in urlsplit(shown).netloc
        assert settled is None or urls.canonical(shown) == urls.canonical(settled), f"what is shown is another page: {shown!r}"
    for function in (urls.host, urls.origin, urls.registrable, urls.source_of, urls.site, urls.display, urls.redact):
        function(given)
    carried = urls.unwrapped(given)
    if carried is not None:
        assert urls.fetchable(carried) is not None
    host = urls.host(given)
    promises.line(urls.display(host), "a host")
    assert host == host.lower()


def hop(data: bytes) -> None:
    """An address as a request is made of it, and where a Location leads from there."""
    given, _, location = text(data).partition("\n")
    try:
        first = target.parse(given)
    except target.BadUrlError as error:
        promises.line(str(error), "a refusal", 200)
        first = target.parse("https://daily.example/a/b?c")
    _target(first)
    _agrees(given)
    try:
        followed = target.follow(first, location)
    except target.BadUrlError as error:
        promises.line(str(error), "a refusal", 200)
        return
    _target(followed)
    assert followed.auth is None, "credentials of a Location are used"


def _target(found: target.Target) -> None:
    written = str(found.url)
    assert found.url.scheme in ("http", "https")
    assert found.url.raw_host
    assert found.url.port
    assert written.isascii()
    assert not any(char <= " " or char == "\x7f" for char in written), f"a request line would break: {written!r}"
    assert "@" not in written.split("/")[2]
    assert not found.url.fragment
    assert target.parse(written).url == found.url, f"an address changes once more: {written!r}"
    for part in found.auth or ():
        assert isinstance(part, str)
    if found.auth:
        assert target.basic(found.auth).isascii()
    # Whoever dials must see the address that the guard saw: a host of figures is an address in every notation.
    seen = literal(found.url.raw_host)
    assert seen == _dialled(found.url.raw_host) or seen is not None, f"dialled otherwise than judged: {written!r}"


def _agrees(given: str) -> None:
    """What the core calls an address can be requested, and from the same host."""
    settled = urls.fetchable(given)
    if settled is None or "%00" in settled:
        return
    try:
        found = target.parse(settled)
    except target.BadUrlError as error:
        raise AssertionError(f"{settled!r} cannot be requested: {error}") from error
    assert found.host == urls.host(settled), f"{found.host!r} is asked for {urls.host(settled)!r}"


def host(data: bytes) -> None:
    """A host, as the guard and the C library read it; an address to listen on."""
    name = text(data)
    found = literal(name)
    if found is not None:
        is_public(found)
        assert literal(str(found)) == found
    dialled = _dialled(name)
    if dialled is not None and "%" not in name:
        assert found == dialled, f"{name!r} is dialled as {dialled}, and judged as {found}"
    try:
        Guard(()).check(name)
    except PrivateAddressError:
        pass
    else:
        assert found is not None
        assert is_public(found)
    try:
        bare, port = listen_address(name)
    except ValueError as error:
        promises.line(str(error), "a refusal", 200)
    else:
        assert 0 <= port <= 65535
        assert bare
        is_loopback(bare)


def _dialled(name: str) -> object:
    """The address that the C library takes this for without asking anybody; None for a name."""
    try:
        answers = _numeric(name)
    except (OSError, UnicodeError, ValueError):
        return None
    return ip_address(str(answers[0][4][0]).partition("%")[0])


def _numeric(name: str) -> list[tuple]:
    with unwatched():   # the lookup is ours, not the door's, and with AI_NUMERICHOST nobody is asked
        return socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


# --- headers --------------------------------------------------------------------------------------------------------

def headers(data: bytes) -> None:
    """Header lines, as far as they say when to ask again; and the schedule that is made of them."""
    pairs = [(name.strip().lower(), value.strip()) for name, _, value in
             (one.partition(":") for one in data.decode("latin-1").split("\n"))]
    told, kept = schedule.retry_after(pairs, NOW), schedule.fresh(pairs, NOW)
    for asked in (told, kept):
        assert asked is None or timedelta(0) <= asked <= _YEAR
    assert kept != timedelta(0)
    known = dict(pairs)
    success = schedule.Success(NOW, 20, 1, etag=known.get("etag"), last_modified=known.get("last-modified"), fresh=kept)
    failure = schedule.Failure(NOW, Reason.RATE_LIMITED, 429, told)
    for outcome in (success, failure):
        state = schedule.after(FeedState(), outcome, schedule.Policy(), 0.5)
        assert state.next_poll is not None
        assert NOW + timedelta(minutes=5) <= state.next_poll <= NOW + schedule.HORIZON
        assert len(state.etag or "") <= schedule.MAX_VALIDATOR if hasattr(schedule, "MAX_VALIDATOR") else True


# --- content codings ------------------------------------------------------------------------------------------------

_LIMIT = 2 * 1024**2
_FAULTS = frozenset({Reason.ENCODING, Reason.TRUNCATED, Reason.TOO_LARGE, Reason.BOMB})


def body(data: bytes) -> None:
    """A body under a cap: one of four faults or at most the cap, and the same bytes in whatever pieces it arrives."""
    given, packed = opened(data)
    coding, limit = given.get("coding", "gzip"), max(1, number(given.get("limit", ""), _LIMIT))
    cut = "cut" in given
    whole = _unpacked(coding, packed, limit, len(packed) or 1, cut=cut)
    pieces = _unpacked(coding, packed, limit, max(1, number(given.get("piece", ""), 61)), cut=cut)
    if isinstance(whole, bytes):
        assert len(whole) <= limit
    if cut:   # damage behind the cut is found or not, by whether it came in one piece with what is before it
        assert whole == pieces or not isinstance(whole, bytes) or not isinstance(pieces, bytes)
    elif Reason.BOMB not in (whole, pieces):   # judged by what has arrived
        assert isinstance(whole, bytes) == isinstance(pieces, bytes), f"{whole!r:.80} or {pieces!r:.80}, by the pieces"
        assert not isinstance(whole, bytes) or whole == pieces, "other pieces are another body"


def _unpacked(coding: str, packed: bytes, limit: int, size: int, *, cut: bool) -> bytes | Reason:
    try:
        body_ = Body([coding], limit, cut=cut)
        for start in range(0, len(packed), size):
            body_.feed(packed[start:start + size])
            if body_.full:
                break
        return body_.finish()
    except BodyError as error:
        promises.fault(error.reason, error.detail, _FAULTS)
        return error.reason
