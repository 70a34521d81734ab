"""The key of an article: one string for every form under which one page travels.

What is folded, and why the result can still be requested:
  scheme    http and https are one page. Names at the default port become https, which news sites serve almost without
            exception; IP addresses, names without a dot and other ports keep their scheme, since each port is a server.
  host      lower case, punycode, default port dropped; `www.`, `m.`, `mobile.`, `amp.` in front of a registrable
            domain dropped, since the bare name leads to the page for all but a few sites.
  path      dot segments, percent-encoding, doubled and trailing slashes, `;jsessionid=`, AMP forms.
  query     trackers dropped, the rest ordered by name (equal names keep their order: `?p=2&p=1` may mean something).
  fragment  dropped, except `#!`, by which some old sites name the page.
  wrappers  addresses that carry another one (AMP caches, google.com/url, social exits) are replaced by what they carry.
"""

import base64
import re
from functools import lru_cache
from urllib.parse import parse_qsl

import xxhash
from yarl import URL

from crawler.core.urls.hosts import domain_of, host, name_of, port_of
from crawler.core.urls.parse import MAX_LENGTH, parse
from crawler.core.urls.trackers import is_tracker

_ROUNDS = 8  # each round undoes one layer (AMP inside a wrapper inside an AMP cache); real links need two


@lru_cache(maxsize=16384)  # .16 ms each, and every poll brings the links of the last one again
def canonical(url: str, base: str | None = None) -> str | None:
    """The canonical form of an http(s) URL, resolved against `base`; None where it is none or over 2048 characters.

    Idempotent: the result is a fixed point of the folding. Never carries user:pass.
    """
    parsed = parse(url, base)
    previous = None
    for _ in range(_ROUNDS):
        if parsed is None:
            return None
        folded = _fold(parsed)
        if folded == previous:
            return folded if len(folded) <= MAX_LENGTH else None
        previous, parsed = folded, parse(folded)
    return None


def address(url: str, base: str | None = None) -> str | None:
    """The URL as a reader opens it: as `fetchable`, without user:pass and without what only tracks the reader."""
    parsed = parse(url, base)
    if parsed is None:
        return None
    name = name_of(parsed)
    parts = [part for part in parsed.raw_query_string.split("&") if part.strip("=") and not _tracks(part, name)]
    bare = parsed.with_user(None).with_fragment(None).with_query(None)
    text = str(bare) + ("?" + "&".join(parts) if parts else "")
    return text if len(text) <= MAX_LENGTH else None


def site(url: str) -> str:
    """The host of the canonical form, which is one for www. and the mobile hosts; empty where `url` is no http(s) URL."""
    return host(canonical(url) or "")


def article_id(canonical_url: str) -> str:
    """ "a" and 13 lower-case base32 characters: xxh3_64 of the canonical URL in UTF-8, big-endian. Stable for ever."""
    digest = xxhash.xxh3_64_digest(canonical_url.encode("utf-8", "surrogatepass"))
    return "a" + base64.b32encode(digest).decode("ascii").rstrip("=").lower()


def _fold(parsed: URL) -> str:
    inner = _carried(parsed)
    if inner is not None:
        return inner
    name, port = _bare(name_of(parsed)), port_of(parsed)
    scheme = "https" if not port and domain_of(name) else parsed.scheme
    fragment = parsed.raw_fragment
    bang = f"#{fragment}" if fragment.startswith("!") else ""
    return f"{scheme}://{name}{port}{_path(parsed.raw_path)}{_query(parsed.raw_query_string, name)}{bang}"


# --- host -------------------------------------------------------------------------------------------------------

_ALIASES = frozenset({"www", "m", "mobile", "amp"})


def _bare(name: str) -> str:
    """Without `www.` and its like, as long as a registrable domain remains ("amp.dev" is one itself)."""
    domain = domain_of(name)
    first, _, rest = name.partition(".")
    while domain and first in _ALIASES and domain_of(rest) == domain:
        name = rest
        first, _, rest = name.partition(".")
    return name


# --- path -------------------------------------------------------------------------------------------------------

_SLASHES = re.compile(r"(?<!:)/{2,}")
_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid|cfid|cftoken)=[^/;]*", re.IGNORECASE)
# "/tag/amp" is a page about amplifiers.
_AMP_TAIL = re.compile(r"(?<!/tag)(?<!/tags)(?<!/topic)(?<!/topics)(?<!/category)(?<=[^/])/(?:index\.)?amp(?:\.html)?/?$", re.IGNORECASE)
_AMP_SUFFIX = re.compile(r"(?<=[^/])(?:\.amp(?=(?:\.html?)?$)|_amp(?=\.html?$))", re.IGNORECASE)
_AMP_HEAD = re.compile(r"^/amp(?=/[^/]+/[^/]+)", re.IGNORECASE)


def _path(raw: str) -> str:
    path = _SESSION.sub("", _SLASHES.sub("/", raw))
    path = _AMP_SUFFIX.sub("", _AMP_TAIL.sub("", _AMP_HEAD.sub("", path)))
    return path.rstrip("/") or "/"


# --- query ------------------------------------------------------------------------------------------------------


def _query(raw: str, name: str) -> str:
    # "&amp;" is what a feed leaves that escaped its links twice; "%20" and "+" are both a space.
    parts = [part.removeprefix("amp;").replace("%20", "+") for part in raw.split("&")]
    kept = [part for part in parts if part.strip("=") and not _tracks(part, name)]
    return "?" + "&".join(sorted(kept, key=_name)) if kept else ""


def _tracks(part: str, host: str) -> bool:
    name, _, value = part.partition("=")
    return is_tracker(name, value, host)


def _name(part: str) -> str:
    return part.partition("=")[0]


# --- wrappers ---------------------------------------------------------------------------------------------------

_CACHE_PATH = re.compile(r"^/(?:amp|[a-z]{1,2})/(s/)?([^/]+\.[^/]+/.*)$")
_GOOGLE = re.compile(r"^(?:www\.)?google\.(?:com?\.)?[a-z]{2,3}$")
_EXITS: dict[str, tuple[str, tuple[str, ...]]] = {
    # host -> (path prefix, parameters that carry the address)
    "l.facebook.com": ("/l.php", ("u",)),
    "lm.facebook.com": ("/l.php", ("u",)),
    "facebook.com": ("/l.php", ("u",)),
    "l.instagram.com": ("/", ("u",)),
    "out.reddit.com": ("/", ("url",)),
    "t.umblr.com": ("/redirect", ("z",)),
    "vk.com": ("/away.php", ("to",)),
    "bing.com": ("/news/apiclick.aspx", ("url",)),
    "getpocket.com": ("/redirect", ("url",)),
    "youtube.com": ("/redirect", ("q",)),
    "google": ("/url", ("url", "q")),
}


def unwrapped(url: str) -> str | None:
    """The address that an AMP cache or an exit page (google.com/url, l.facebook.com, …) carries, as it stands there;
    None where `url` is no such wrapper. Google Alerts feeds link nothing else."""
    parsed = parse(url)
    return _carried(parsed) if parsed is not None else None


def _carried(parsed: URL) -> str | None:
    name = parsed.raw_host or ""
    google = _GOOGLE.match(name) is not None
    if google or name.endswith((".cdn.ampproject.org", ".bing-amp.com")) or name == "cdn.ampproject.org":
        cached = _CACHE_PATH.match(parsed.raw_path)
        if cached:
            query = f"?{parsed.raw_query_string}" if parsed.raw_query_string else ""
            return _absolute(f"http{'s' if cached[1] else ''}://{cached[2]}{query}")
    return _exit(parsed, "google" if google else _bare(name))


def _exit(parsed: URL, name: str) -> str | None:
    prefix, names = _EXITS.get(name, ("", ()))
    if not names or not parsed.raw_path.startswith(prefix):
        return None
    values = dict(parse_qsl(parsed.raw_query_string, max_num_fields=None))
    return next((found for key in names if (found := _absolute(values.get(key, "")))), None)


def _absolute(text: str) -> str | None:
    inner = parse(text)
    return str(inner) if inner is not None else None
