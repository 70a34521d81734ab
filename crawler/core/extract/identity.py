"""Who a page is: its title, its site's name, its URL among its own; and whether a name is its own."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from crawler.core import phrases, urls
from crawler.core.extract import blocks, jsonld
from crawler.core.text import clean, fold, unescape, words

_MAX_TITLE = 400
_SEPARATOR = re.compile(r"\s+[|\-–—·•»«:]+\s+|\s*[|｜_]\s*|\s+::\s+")


@dataclass(frozen=True)
class Identity:
    """The site behind a page. `names` is what it calls itself."""

    url: str
    site_name: str | None
    names: tuple[str, ...]

    def owns(self, name: str) -> bool:
        """Whether a name is the page's own site, spelled any way: "ntv.de", "n-tv", "NTV"."""
        spelled = _spelled(name)
        if not spelled or spelled in self._spellings or self._label_in(name):
            return True
        agency = phrases.agency(name)
        return agency is not None and agency in self._agencies

    def _label_in(self, name: str) -> bool:
        """Whether the name holds the domain's: "Tin nhanh VnExpress". Short ones are words ("times")."""
        label = urls.registrable(self.url).partition(".")[0]
        forms = [word.form for word in words(name[:120])]
        letters = "".join(form for form in forms if not form.isdigit())
        return letters in self._spellings or (len(label) >= 6 and label in forms)

    def owns_url(self, url: str) -> bool:
        """Whether a URL is of the page's own site."""
        return urls.same_site(url, self.url)

    @cached_property
    def _spellings(self) -> frozenset[str]:
        domain = urls.registrable(self.url)
        host = urls.host(self.url).removeprefix("www.")
        forms = [*self.names, domain, host, f"www.{domain}", domain.partition(".")[0]]
        return frozenset(map(_spelled, forms)) - {""}

    @cached_property
    def _agencies(self) -> frozenset[str]:
        label = urls.registrable(self.url).partition(".")[0]
        found = (phrases.agency(name) for name in (*self.names, label))
        return frozenset(name for name in found if name)


def _spelled(name: str) -> str:
    """Letters and digits of a name alone, folded, without the article before it."""
    bare = re.sub(r"^(?:the|der|die|das|el|la|le|les|il) ", "", fold(name).strip())
    return "".join(filter(str.isalnum, bare))


def stated(metas: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """What the first meta tag of each property or name says."""
    found: dict[str, str] = {}
    for meta in metas:
        value = _line(meta.get("content") or "")
        for attribute in ("property", "name") if value else ():
            found.setdefault((meta.get(attribute) or "").strip().lower(), value)
    return found


def identify(head: Mapping[str, str], linked: jsonld.Linked, url: str) -> Identity:
    """Read who the site says it is. `head`: `stated`."""
    meta = _said(head, "og:site_name", "application-name", "apple-mobile-web-app-title")
    names = [name for name in (*meta, *linked.names) if len(name) <= 80]
    return Identity(url, names[0] if names else None, tuple(dict.fromkeys(names)))


def _said(head: Mapping[str, str], *keys: str) -> list[str]:
    return [head[key] for key in keys if key in head]


def _line(text: str) -> str:
    return clean(" ".join(text.split()))


# --- title ------------------------------------------------------------------------------------------------------

def title_of(said: Sequence[str], who: Identity) -> str:
    """The headline: the h1 where another statement bears it out (og:title and headline are often written for search
    engines, the first h1 is often a logo), else og:title, headline, <title>, without the site's name. `said`: `titles`."""
    shown, *stated = said
    stated = [short for title in stated if (short := without_site(title, who))]
    if shown and (not stated or any(_alike(shown, title) for title in stated)):
        return without_site(shown, who)[:_MAX_TITLE]
    return (stated[0] if stated else "")[:_MAX_TITLE]


def titles(tree: Any, head: Mapping[str, str], linked: jsonld.Linked) -> list[str]:
    """Every title that the page states, as written; the h1 first, "" where there is none. `head`: `stated`."""
    heading = blocks.heading(tree)
    shown = " ".join(heading.itertext()) if heading is not None else ""
    said = [*_said(head, "og:title"), *map(unescape, jsonld.texts(linked.main.get("headline"))[:1]), *_titles(tree)]
    return [_line(title)[:2 * _MAX_TITLE] for title in (shown, *said)]


def _titles(tree: Any) -> Iterator[str]:
    head = next((element for element in tree.iter("title")), None)
    if head is not None and head.text:
        yield head.text


def without_site(title: str, who: Identity) -> str:
    """A title without the site's name at either end."""
    for _ in range(3):
        parts = list(_SEPARATOR.finditer(title))
        if parts and who.owns(title[parts[-1].end():]):
            title = title[:parts[-1].start()].strip()
        elif parts and who.owns(title[:parts[0].start()]):
            title = title[parts[0].end():].strip()
        else:
            break
    return title


def _alike(a: str, b: str) -> bool:
    """Whether two titles share half of the words of the shorter one."""
    left, right = {word.form for word in words(a[:500])}, {word.form for word in words(b[:500])}
    return bool(left and right) and 2 * len(left & right) >= min(len(left), len(right))


# --- addresses --------------------------------------------------------------------------------------------------

def canonicals(
    links: Sequence[Mapping[str, str]], head: Mapping[str, str], headers: Sequence[tuple[str, str]], base: str,
) -> list[tuple[str, str]]:
    """(URL, where) of each rel=canonical and og:url, absolute, in order of trust. `head`: `stated`."""
    found = [(link.get("href"), "link rel=canonical") for link in links
             if "canonical" in (link.get("rel") or "").lower().split()]
    found += [(url, "HTTP Link rel=canonical") for url in _header_links(headers)]
    found += [(url, "meta og:url") for url in _said(head, "og:url")]
    resolved = ((urls.fetchable(url.strip(), base), where) for url, where in found if url and url.strip())
    return [(url, where) for url, where in resolved if url]


_HEADER_LINK = re.compile(r"<([^<>]{1,2048})>[^,<>]{0,200}?\brel=\"?canonical\b", re.IGNORECASE)


def _header_links(headers: Sequence[tuple[str, str]]) -> Iterator[str]:
    for name, value in headers:
        if name.lower() == "link":
            yield from (hit.group(1) for hit in _HEADER_LINK.finditer(value[:8192]))


def own_canonical(found: Sequence[tuple[str, str]], url: str) -> str | None:
    """The address that the page prefers on its own site, as a reader opens it: with its www., which the key leaves out. A
    bare home page is a mistake of the site, no address of an article."""
    for address, where in found:
        if where != "meta og:url" and urls.same_site(address, url) and (not is_home(address) or is_home(url)):
            return urls.address(address)
    return None


def is_home(url: str) -> bool:
    """Whether a URL is a site's front page, in any of its languages."""
    rest = re.sub(r"^[a-z]+://[^/?#]*", "", url.partition("#")[0].lower())
    return re.fullmatch(r"/?(?:[a-z]{2}(?:-[a-z]{2})?/?)?(?:(?:index|home|default)(?:\.\w{1,5})?)?/?", rest) is not None


def alternates(links: Sequence[Mapping[str, str]], base: str) -> tuple[str, ...]:
    """The hreflang versions of the page, at most 60."""
    found = (urls.fetchable((link.get("href") or "").strip(), base) for link in links
             if link.get("hreflang") and "alternate" in (link.get("rel") or "").lower())
    return tuple(dict.fromkeys(link for link in found if link))[:60]
