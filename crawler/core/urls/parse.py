"""Foreign text -> a parsed http(s) URL with a valid host, or None; and what may be logged of it (yarl's door)."""

import ipaddress
import re
from functools import lru_cache
from urllib.parse import urljoin

from yarl import URL

MAX_LENGTH = 2048
"""Characters of an absolute URL; Media Cloud draws the line at the same place."""

# Around a link feeds leave line breaks, no-break spaces, a BOM, a zero-width space; none of it belongs to the link.
_PADDING = " \t\r\n\f\v\u00a0\u2028\u2029\u3000\u200b\ufeff"
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_ABSOLUTE = re.compile(r"https?://[^/?#\\]*(?=[/?#]|$)", re.IGNORECASE)
_USERINFO = re.compile(r"(?<=//)[^/?#@]*(?:@[^/?#@]*)*@")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")


def fetchable(url: str, base: str | None = None) -> str | None:
    """The absolute http(s) URL to request: scheme, host and order of the query as written, no fragment, no padding.

    A relative `url` is resolved against `base`. Credentials stay where `url` itself states them and are never
    taken over from `base`, so that those of a feed do not end in the links of its entries. Hosts are punycode;
    numeric forms of IPv4 ("0x7f.1") are written out as resolvers would read them. None for anything else.
    """
    parsed = parse(url, base)
    if parsed is None:
        return None
    text = str(parsed.with_fragment(None))
    return text if len(text) <= MAX_LENGTH else None


def parse(url: str, base: str | None = None) -> URL | None:
    """An absolute http(s) URL with a valid host, percent-encoding and dot segments normal; None where it is none."""
    text = url.strip(_PADDING)
    if not text or len(text) > MAX_LENGTH or _FORBIDDEN.search(text):
        return None
    try:
        resolved = _resolve(text, base)
        return _with_valid_host(URL(resolved)) if len(resolved) <= MAX_LENGTH and _ABSOLUTE.match(resolved) else None
    except (ValueError, IndexError):  # the first is also what idna and ipaddress raise, the second yarl's for "//[::1]x@"
        return None


def _resolve(text: str, base: str | None) -> str:
    if base is None or _ABSOLUTE.match(text):
        return text
    clean_base = base.strip(_PADDING)
    if _FORBIDDEN.search(clean_base) or not _ABSOLUTE.match(clean_base):
        return text
    return urljoin(_USERINFO.sub("", clean_base, count=1), text)


def _with_valid_host(parsed: URL) -> URL | None:
    given = parsed.raw_host
    checked = valid_host(given) if given else None
    if checked is None or parsed.port == 0:
        return None
    return parsed if checked == given else parsed.with_host(checked)


@lru_cache(maxsize=4096)
def valid_host(given: str) -> str | None:
    """A host as a resolver would read it: lower case, no root dot, IPv4 as a dotted quad. None where invalid."""
    name = given.lower().rstrip(".")
    if ":" in name:
        return None if "%" in name else str(ipaddress.IPv6Address(name))
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    return name if len(name) <= 253 and all(map(_LABEL.fullmatch, labels)) else None


def _ipv4(labels: list[str]) -> str | None:
    """The WHATWG reading of numeric hosts, which is inet_aton's: 1 to 4 parts, hexadecimal, octal or decimal."""
    if len(labels) > 4 or not all(map(_NUMBER.fullmatch, labels)):
        return None
    parts = [_integer(label) for label in labels]
    *head, last = parts
    if any(part > 255 for part in head) or last >= 256 ** (5 - len(parts)):
        return None
    value = sum(part << (8 * (3 - at)) for at, part in enumerate(head)) + last
    return str(ipaddress.IPv4Address(value))


def _integer(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if len(label) > 1 and label.startswith("0") else 10)


_SECRET = re.compile(
    r"((?:^|[?&;#])[^=&;#?]*?(?:token|secret|passw|pwd|api[-_]?key|apikey|auth|signature|credential|session|jwt"
    r"|(?<![a-z])(?:key|sig|pass|sid|hmac))[^=&;#?]*=)[^&;#\s]+",
    re.IGNORECASE,
)


def redact(url: str) -> str:
    """A URL for logs and pages: no user:pass, and `***` for query values whose name looks like that of a secret.

    Works on text, so that what is no URL is redacted as well.
    """
    return _SECRET.sub(r"\1***", _USERINFO.sub("", url[:MAX_LENGTH]))
