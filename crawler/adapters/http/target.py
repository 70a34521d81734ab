"""A URL as a person or a server wrote it -> what to connect to and what to send, or one line that says why not."""

import re
from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote, unquote, urljoin, urlsplit

from yarl import URL

from crawler.adapters.http.guard import literal

_CONTROL = re.compile(r"[\x00-\x1f\x7f]|%00")
_NO_HOST = re.compile(r"https?:(?!//[^/?#])", re.IGNORECASE)  # urljoin would take what follows as a path
_NO_HOST_HOLDS = re.compile(r"[\x00-\x20\x7f#/:<>?@\[\\\]^|%]")  # WHATWG URL, "forbidden domain code point"
_LONGEST = 8192
# Everything that may stand in a path and a query, and "%": what is escaped already stays as it is, because signed URLs
# do not survive another spelling.
_KEPT = "%/:=&?~+!$,;'@()*[]"


class BadUrlError(ValueError):
    """Nothing that could be requested."""


@dataclass(frozen=True, slots=True)
class Target:
    """What one hop requests. `url` carries neither credentials nor fragment."""

    url: URL
    auth: tuple[str, str] | None = None

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Scheme, host, port."""
        return self.url.scheme, self.url.raw_host or "", self.url.port

    @property
    def host(self) -> str:
        """The host, with its port where that is not the scheme's own: whom to be polite to. As `core.urls.host` has it,
        which is how a Crawl-delay names it: no root dot, IPv6 in brackets."""
        name = (self.url.raw_host or "").rstrip(".")
        name = f"[{name}]" if ":" in name else name
        return name if self.url.is_default_port() else f"{name}:{self.url.port}"


def parse(url: str) -> Target:
    """Read an absolute http(s) URL. Raises BadUrlError with one line."""
    text = url.strip()
    if len(text) > _LONGEST:
        raise BadUrlError(f"a URL of {len(text)} characters")
    if _CONTROL.search(text):
        raise BadUrlError("control characters in the URL")
    try:
        return _target(text)
    except ValueError as error:  # of urlsplit, yarl and idna
        raise error if isinstance(error, BadUrlError) else BadUrlError("not a URL") from None


def follow(base: Target, location: str) -> Target:
    """Where a Location leads from `base`. Credentials that it carries are left out. Raises BadUrlError."""
    if _CONTROL.search(location):
        raise BadUrlError("control characters in the Location")
    if _NO_HOST.match(location.strip()):
        raise BadUrlError("no host in the Location")
    try:
        joined = urljoin(str(base.url), location.strip())
    except ValueError:
        raise BadUrlError("the Location is not a URL") from None
    return Target(parse(joined).url)


def basic(auth: tuple[str, str]) -> str:
    """The value of Authorization for a user and a password (RFC 7617, UTF-8)."""
    return "Basic " + b64encode(":".join(auth).encode("utf-8", "replace")).decode("ascii")


def _target(text: str) -> Target:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https"):
        raise BadUrlError(f"{parts.scheme[:20] or 'no scheme'}: is not http or https")
    if "\\" in parts.netloc or not parts.hostname:
        raise BadUrlError("no host in the URL")
    if parts.port == 0:
        raise BadUrlError("port 0")
    host = _host(parts.hostname)
    url = URL.build(
        scheme=parts.scheme, host=host, port=parts.port, path=_escaped(parts.path) or "/",
        query_string=_escaped(parts.query), encoded=True,
    )
    if len(str(url)) > _LONGEST:  # a letter of another script is six characters there, or nine
        raise BadUrlError(f"a URL of {len(str(url))} characters once it is encoded")
    return Target(url, _credentials(parts.username, parts.password))


def _host(name: str) -> str:
    """Lower case, ASCII (IDNA); an address in its usual notation, in brackets where it is IPv6."""
    if ":" not in name:  # there "%" begins a zone, which has no meaning outside this machine
        name = _plain(name)
    address = literal(name)
    if address is None:
        name = _plain(URL.build(scheme="http", host=name).raw_host or "")
        address = literal(name)  # full-width digits and dots become an address only here
    if address is None:
        return name
    return f"[{address}]" if address.version == 6 else str(address)


def _plain(name: str) -> str:
    """A host without its escapes, as browsers read it: left alone, "%31%32%37.1" is a name to us and an address to a
    proxy. Raises BadUrlError where it then holds what no host may hold, and UnicodeDecodeError."""
    plain = unquote(name, errors="strict").lower()
    if _NO_HOST_HOLDS.search(plain):
        raise BadUrlError("a host with characters that no host may have")
    return plain


def _escaped(part: str) -> str:
    return quote(part.encode("utf-8", "surrogateescape"), safe=_KEPT)


def _credentials(user: str | None, password: str | None) -> tuple[str, str] | None:
    if user is None and password is None:
        return None
    return unquote(user or ""), unquote(password or "")
