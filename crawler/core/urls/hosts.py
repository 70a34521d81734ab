"""Whose site a URL belongs to (tld's door: the bundled public suffix list, never the network)."""

import unicodedata
from functools import lru_cache

import idna
import regex
from tld import get_fld
from tld.utils import MozillaTLDSourceParser
from yarl import URL

from crawler.core.urls.parse import parse

# One publisher each below these, although the public suffix list does not name them.
_SHARED = frozenset({
    "beehiiv.com", "blogs.com", "ghost.io", "hatenablog.com", "jimdofree.com", "livejournal.com", "medium.com",
    "over-blog.com", "substack.com", "tumblr.com", "typepad.com", "wixsite.com", "wordpress.com",
})

# They pass on what others publish and are never a source: feed proxies, feed makers, readers, link shorteners,
# caches and machine-translated views. A host counts with all hosts below it.
_TRANSPORTS = frozenset({
    "feedburner.com", "feedburner.google.com", "feedproxy.google.com", "feedproxy.feedly.com", "feedblitz.com",
    "feedpress.me", "feedpress.it", "feedity.com", "feed43.com", "feeds.msn.com", "rss.msn.com", "pheedo.com",
    "news.google.com", "cdn.ampproject.org", "bing-amp.com", "translate.goog", "translate.google.com",
    "webcache.googleusercontent.com", "gnews.io",
    "fetchrss.com", "fivefilters.org", "kill-the-newsletter.com", "morss.it", "newsblur.com", "openrss.org", "politepol.com",
    "politepaul.com", "rss.app", "rss-bridge.org", "rsshub.app", "feedly.com", "inoreader.com", "netvibes.com", "feeder.co",
    "theoldreader.com", "apple.news", "flip.it", "pipes.yahoo.com",
    "bit.ly", "buff.ly", "dlvr.it", "goo.gl", "ift.tt", "is.gd", "lnkd.in", "ow.ly", "t.co", "tinyurl.com", "trib.al",
    "l.facebook.com", "lm.facebook.com", "l.instagram.com", "out.reddit.com", "t.umblr.com",
})


class _Bundled(MozillaTLDSourceParser):
    """The list inside the package. The library would fetch a missing list from the network: this one may not."""

    uid = "bundled"

    @classmethod
    def update_tld_names(cls, fail_silently: bool = False) -> bool:  # noqa: ARG003 - the library's signature
        return False


def host(url: str) -> str:
    """Lower-case punycode host, with `:port` where that is not the scheme's own. Empty where `url` is no http(s) URL."""
    parsed = parse(url)
    return _host_of(parsed) if parsed is not None else ""


def origin(url: str) -> str:
    """`scheme://host[:port]`, the scope of credentials. Empty where `url` is no http(s) URL."""
    parsed = parse(url)
    return f"{parsed.scheme}://{_host_of(parsed)}" if parsed is not None else ""


def _host_of(parsed: URL) -> str:
    return f"{name_of(parsed)}{port_of(parsed)}"


def name_of(parsed: URL) -> str:
    """The host alone, IPv6 in brackets."""
    name = parsed.raw_host or ""
    return f"[{name}]" if ":" in name else name


def port_of(parsed: URL) -> str:
    """`:port` where it is not the scheme's own, else empty."""
    return "" if parsed.is_default_port() else f":{parsed.port}"


def registrable(url: str) -> str:
    """The domain that somebody registered ("bbc.co.uk"), private suffixes included ("name.blogspot.com").

    For IP addresses and names without a dot it is `host`, port included: on one machine each port is a site.
    """
    parsed = parse(url)
    if parsed is None:
        return ""
    return domain_of(parsed.raw_host or "") or _host_of(parsed)


@lru_cache(maxsize=8192)
def domain_of(name: str) -> str | None:
    """The registrable domain of a punycode host; None for IP addresses and names without a dot.

    A suffix that the list does not know counts as one label, which is the list's own default rule.
    """
    labels = name.split(".")
    if ":" in name or len(labels) == 1 or labels[-1].isdigit():
        return None
    for shared in (".".join(labels[at:]) for at in range(1, len(labels))):
        if shared in _SHARED:
            return ".".join(labels[-shared.count(".") - 2:])
    # The list writes most suffixes in Unicode only; labels are counted there and taken from the punycode name.
    found = get_fld(f"https://{_unicode(name)}/", fail_silently=True, parser_class=_Bundled)
    return ".".join(labels[-(found.count(".") + 1 if found else 2):])


def same_site(a: str, b: str) -> bool:
    """Whether two URLs belong to one registrable domain."""
    return registrable(a) == registrable(b) != ""


def transport(url: str) -> bool:
    """Whether the URL is that of a feed proxy, shortener or cache: it carries articles and is never their source."""
    parsed = parse(url)
    if parsed is None:
        return False
    labels = (parsed.raw_host or "").split(".")
    if any(".".join(labels[at:]) in _TRANSPORTS for at in range(len(labels))):
        return True
    return "google" in labels and parsed.path.startswith(("/url", "/amp/", "/alerts/feeds"))


def source_of(url: str) -> str:
    """The default name of a source: its registrable domain without `www.`, `host` for IP addresses."""
    return registrable(url).removeprefix("www.")


# Scripts that one language writes together (UTS 39, highly restrictive); Latin may join the East Asian ones.
_TOGETHER = (
    frozenset({"Han", "Hiragana", "Katakana", "Latin"}), frozenset({"Han", "Bopomofo", "Latin"}), frozenset({"Han", "Hangul", "Latin"}),
)
_SCRIPTS = {name: regex.compile(rf"\p{{Script={name}}}") for name in (
    "Latin", "Cyrillic", "Greek", "Han", "Hiragana", "Katakana", "Bopomofo", "Hangul", "Arabic", "Hebrew", "Armenian", "Cherokee",
    "Devanagari", "Bengali", "Thai", "Georgian", "Tamil", "Telugu",
)}
_SHARED_LETTERS = regex.compile(r"[\p{Script=Common}\p{Script=Inherited}]")
# Letters of other scripts that are drawn like Latin ones: a label of these alone is a disguise ("аррӏе.com").
_LOOKALIKES = frozenset("асԁеһіјӏорԛѕԝхуьгпкмтвнԍꙅѵᴦαικνορτυχωγ0123456789-")


def display(host: str) -> str:
    """A host for people: Unicode, but punycode as soon as one label mixes scripts or could be a Latin name in disguise."""
    shown = _unicode(host)
    safe = all(label.isascii() or _honest(label) for label in shown.split("."))
    return shown if safe else host


def _honest(label: str) -> bool:
    if unicodedata.normalize("NFKC", label) != label or _LOOKALIKES.issuperset(label):
        return False
    scripts = {_script(char) for char in label} - {None}
    return len(scripts) == 1 or any(scripts <= together for together in _TOGETHER)


def _script(char: str) -> str | None:
    """The script of a letter, None for what all scripts share; scripts outside the table count as one, "other"."""
    if _SHARED_LETTERS.match(char):
        return None
    return next((name for name, pattern in _SCRIPTS.items() if pattern.match(char)), "other")


def _unicode(host: str) -> str:
    return ".".join(map(_unicode_label, host.split("."))) if "xn--" in host else host


@lru_cache(maxsize=4096)
def _unicode_label(label: str) -> str:
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except UnicodeError:  # not every xn-- label is valid
        return label
