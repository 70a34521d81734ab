"""Why the text of a page may be no article. A wall bars a text from copy decisions; it never hides it.

Walls and templates are the same on every page that shows them, and so look like perfect copies of each other.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from crawler.core import phrases
from crawler.core.extract.blocks import Block, Zone
from crawler.core.extract.identity import is_home
from crawler.core.extract.jsonld import Linked
from crawler.core.extract.page import Document
from crawler.core.text import unspaced, words

MIN_WORDS = 40        # fewer make no article that could be compared
_WALL_WORDS = 160     # a wall says what it is in few words; an article that quotes one is longer
_PAYWALL_WORDS = 250  # what is shown of a page that is not free
_LINKED = 0.8         # share of a text that is the words of links, from which it is no prose
_LINKS_READ = 1_000
_COUNTED = 2_500      # characters: no rule asks for more than 250 words
_CHARACTERS_A_WORD = 1.7   # Chinese and Japanese news, by their translations
_STATUS = {401: "login", 402: "paywall", 403: "challenge", 404: "soft-404", 410: "soft-404", 429: "challenge",
           451: "consent", 503: "challenge"}
_CHALLENGE = re.compile(r"cdn-cgi/challenge-platform|captcha-delivery\.com|_Incapsula_Resource|px-captcha|awswaf|hcaptcha\.com|"
                        r"recaptcha/api|challenge-form|cf-turnstile|cf_chl_|ddos-guard|geo\.captcha", re.IGNORECASE)
_SHELL_IDS = ("__next", "root", "app", "__nuxt", "react-root", "svelte", "___gatsby", "app-root")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the rules look at."""

    url: str
    status: int
    headers: Sequence[tuple[str, str]]
    document: Document
    blocks: Sequence[Block]
    linked: Linked
    title: str
    text: str
    words: int


def read(seen: Seen) -> tuple[str, ...]:
    """The walls, each once, the most telling first."""
    found = (rule(seen) for rule in _RULES)
    return tuple(dict.fromkeys(wall for wall in found if wall))


def count(text: str) -> int:
    """Words of a text, Chinese and its like counted as if they wrote words; of long texts those of the beginning."""
    forms = [word.form for word in words(text[:_COUNTED])]
    return round(len(forms) / _CHARACTERS_A_WORD) if unspaced(forms) else len(forms)


def _status(seen: Seen) -> str | None:
    if seen.status < 400:
        return None
    return _STATUS.get(seen.status, "soft-404")


def _challenge(seen: Seen) -> str | None:
    if any(name.lower() == "cf-mitigated" for name, _ in seen.headers):
        return "challenge"
    if seen.words >= _WALL_WORDS:  # sites that check browsers load the same scripts beside their articles
        return None
    marks = (value for element in seen.document.tree.iter("script", "form", "div", "iframe")
             for name in ("src", "id", "action", "class") if (value := element.get(name)))
    inline = (script.text[:20_000] for script in seen.document.tree.iter("script") if script.text)
    return "challenge" if any(_CHALLENGE.search(mark) for mark in (*marks, *inline)) else None


def _phrase(seen: Seen) -> str | None:
    """What the text itself says: a cookie wall, a log-in, "page not found"."""
    if seen.words >= _WALL_WORDS:
        return None
    shown = seen.text or "\n".join(block.text for block in seen.blocks[:60])
    return phrases.wall(f"{seen.title}\n{shown}"[:6_000])


def _paywall(seen: Seen) -> str | None:
    if seen.words >= _PAYWALL_WORDS or not seen.linked.main:
        return None
    parts = seen.linked.main.get("hasPart")
    nodes = [seen.linked.main, *(parts if isinstance(parts, list) else [parts])[:20]]
    free = [node.get("isAccessibleForFree") for node in nodes if isinstance(node, dict)]
    return "paywall" if any(str(value).rpartition("/")[2].lower() == "false" for value in free) else None


def _script(seen: Seen) -> str | None:
    """A shell that a program in the browser would fill."""
    if seen.words >= MIN_WORDS or _shown(seen) >= _WALL_WORDS:
        return None
    scripts = sum(1 for _ in seen.document.tree.iter("script"))
    hollow = any(not " ".join(element.itertext()).strip() for element in seen.document.tree.iter("div", "main", "app-root")
                 if (element.get("id") or element.tag) in _SHELL_IDS)
    asks = any("javascript" in "".join(element.itertext()).lower() for element in seen.document.tree.iter("noscript"))
    return "script" if scripts and (hollow or asks or (scripts >= 5 and _shown(seen) < MIN_WORDS)) else None


def _list(seen: Seen) -> str | None:
    """A front page or a list of teasers. What calls itself an article is believed, unless it is the front page."""
    article = bool(seen.linked.main) or _og_type(seen.document.metas) == "article"
    if seen.url and is_home(seen.url) and not article:   # a file has no address
        return "list"
    if article and not (is_home(seen.url) and seen.linked.lists):
        return None
    return "list" if _teasing(seen) or _linked(seen) else None


def _linked(seen: Seen) -> bool:
    """Whether the text is made of the words of links: a page's navigation, where it has nothing else."""
    text = seen.text[:_COUNTED]
    links = {" ".join("".join(link.itertext()).split()) for link in islice(seen.document.tree.iter("a"), _LINKS_READ)}
    return sum(len(link) for link in links if len(link) > 3 and link in text) >= _LINKED * len(text) > 0


def _teasing(seen: Seen) -> bool:
    """Whether linked headlines outweigh prose."""
    main = [block for block in seen.blocks if block.zone is Zone.ARTICLE]
    headlines = [block for block in main if block.linked >= 0.7 and len(block.text) >= 20]
    prose = sum(len(block.text) for block in main if block.linked < 0.3 and len(block.text) >= 140)
    if seen.linked.lists and len(headlines) >= 8:
        return prose < 3 * sum(len(block.text) for block in headlines)
    lines = set(seen.text.split("\n"))
    repeated = sum(1 for block in headlines if block.text in lines)
    return len(headlines) >= 12 and (prose < sum(len(block.text) for block in headlines) or repeated * 2 > len(lines))


def _short(seen: Seen) -> str | None:
    return "short" if seen.words < MIN_WORDS else None


def _shown(seen: Seen) -> int:
    """Words on the whole page, links left out."""
    return sum(len(block.text.split()) for block in seen.blocks[:400] if block.linked < 0.5)


def _og_type(metas: Sequence[Mapping[str, str]]) -> str:
    return next(((meta.get("content") or "").strip().lower() for meta in metas if meta.get("property") == "og:type"), "")


_RULES: tuple[Callable[[Seen], str | None], ...] = (_status, _challenge, _phrase, _paywall, _script, _list, _short)
