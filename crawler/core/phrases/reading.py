"""A text cut into units (sentences and short lines) whose words carry their parts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import regex

from crawler.core.phrases.lexicon import UNSPACED, WORD, Roles, lexicon, lookup
from crawler.core.text import fold, paragraphs, sentences

# Declarations stand at the edges or on lines of their own: of a long text only these many characters at either end
# are read in full (about 40 sentences), and of the rest the short lines.
_EDGE = 8_000
_SHORT_LINE = 300
_MAX_LINES = 400
_LONG_UNIT = 1_200   # characters: no site phrase is longer

_RUN = regex.compile(r"[\p{Han}\p{Hiragana}\p{Katakana}々ー]+")
_TOKEN = regex.compile(rf"(?P<run>{_RUN.pattern})|(?:(?!{_RUN.pattern}){WORD.pattern})", regex.V1)
_QUOTED = regex.compile(
    r'"[^"\n]*(?:"|$)|“[^”\n]*(?:”|$)|«[^»\n]*(?:»|$)|„[^“”"\n]*(?:[“”"]|$)|「[^」\n]*(?:」|$)|『[^』\n]*(?:』|$)'
    r"|(?<!\w)['‘](?=\w)[^'’\n]*(?:(?<=\w)['’](?=\w)[^'’\n]*)*['’](?!\w)")


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a unit; offsets are of the whole text."""

    form: str
    start: int
    end: int
    roles: Roles
    quoted: bool = False
    proper: bool = True   # can begin a name: a capital, a digit, a domain, or a script without capitals
    domain: bool = False  # a piece of a web address


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a line of a site's own."""

    start: int
    end: int
    own_line: bool     # nothing else stands on its line
    edge: bool         # first or last of the text, or of its line at the text's edge
    quotes: tuple[tuple[int, int], ...] = ()


def units(text: str) -> Iterator[Unit]:
    """The units of a text in which a site's own phrase can stand, in order."""
    spans = _lines(text)
    for at, (start, end) in enumerate(spans):
        yield from _in_line(text, start, end, first=at == 0, last=at == len(spans) - 1)


def _lines(text: str) -> list[tuple[int, int]]:
    if len(text) <= 2 * _EDGE:
        return paragraphs(text)
    head = paragraphs(text[:_EDGE])
    tail_at = len(text) - _EDGE
    tail = [(start + tail_at, end + tail_at) for start, end in paragraphs(text[tail_at:])]
    return head + list(_short_lines(text, _EDGE, tail_at)) + tail


def _short_lines(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Spans of the short lines between two offsets, the first few hundred of them."""
    at, left = text.find("\n", start, stop), _MAX_LINES
    while at != -1 and left:
        end = text.find("\n", at + 1, stop)
        if end != -1 and 0 < end - at - 1 <= _SHORT_LINE and not text[at + 1:end].isspace():
            yield at + 1, end
            left -= 1
        at = end


def _in_line(text: str, start: int, end: int, *, first: bool, last: bool) -> Iterator[Unit]:
    line = text[start:end]
    quotes = tuple((start + hit.start(), start + hit.end()) for hit in _QUOTED.finditer(line))
    spans = [(start + a, start + b) for a, b in sentences(line)]
    for at, (a, b) in enumerate(spans):
        if b - a > _LONG_UNIT:
            continue
        # The sentences at either end of a line may be a site's; deeper inside only where the text is one line.
        near = at < 3 or at >= len(spans) - 5
        yield Unit(a, b, own_line=len(spans) == 1, edge=near and (first or last), quotes=quotes)


def tokens(text: str, unit: Unit) -> list[Token]:
    """The words of a unit with the parts they can play, runs of words joined in."""
    found: list[Token] = []
    for hit in _TOKEN.finditer(text, unit.start, unit.end):
        if hit["run"]:
            found += _unspaced(hit.group(), hit.start(), unit)
        else:
            found += _spaced(text, hit.start(), hit.end(), unit)
    return _with_runs(found)


def _spaced(text: str, start: int, end: int, unit: Unit) -> Iterator[Token]:
    for a, b in _without_particle(text, start, end):
        form, roles = lookup(text[a:b])
        domain = _in_address(text, a, b)
        yield Token(form, a, b, roles, _inside(a, unit), domain or not text[a].islower(), domain)


# The Korean particles that mean "from", written onto the name.
_PARTICLE = regex.compile(r"(?<=\p{Hangul}{2}|\p{L}\p{L})(?:으?로부터|에서|에게서)$")


def _without_particle(text: str, start: int, end: int) -> tuple[tuple[int, int], ...]:
    if not "\uac00" <= text[end - 1] <= "\ud7a3" or lookup(text[start:end])[1]:
        return ((start, end),)
    hit = _PARTICLE.search(text[start:end])
    return ((start, start + hit.start()), (start + hit.start(), end)) if hit else ((start, end),)


def _in_address(text: str, start: int, end: int) -> bool:
    """Whether a word touches a dot between letters, a slash or an at sign: nytimes.com, t.me/channel."""
    if text[end:end + 1] in (".", "/", "@") and text[end + 1:end + 2].isalnum() and text[end + 1:end + 2].isascii():
        return True
    return text[start - 1:start] in (".", "/", "@") and text[start - 2:start - 1].isalnum() | (text[start - 2:start - 1] == "/")


def _inside(at: int, unit: Unit) -> bool:
    return any(start <= at < end for start, end in unit.quotes)


def _unspaced(run: str, offset: int, unit: Unit) -> list[Token]:
    """Words of a run without spaces: the longest that the table has; what is left in pairs of characters."""
    return [Token(form, offset + start, offset + end, roles, _inside(offset + start, unit))
            for form, start, end, roles in _segments(run)]


@lru_cache(maxsize=4096)
def _segments(run: str) -> tuple[tuple[str, int, int, Roles], ...]:
    table, folded = lexicon(), fold(run)
    if table.unspaced is None:
        return ()
    found, at = [], 0
    for hit in table.unspaced.finditer(folded):
        found += [(folded[i:i + 2], i, min(i + 2, hit.start()), {}) for i in range(at, hit.start(), 2)]
        found.append((hit.group(), hit.start(), hit.end(), table.whole[hit.group()]))
        at = hit.end()
    found += [(folded[i:i + 2], i, min(i + 2, len(folded)), {}) for i in range(at, len(folded), 2)]
    return tuple(found)


def _with_runs(found: list[Token]) -> list[Token]:
    """Where several words together play a part, each of them gets it."""
    table, result, at = lexicon().runs, list(found), 0
    for at, token in enumerate(found):
        for words, language, value in table.get(token.form, ()):
            if len(words) <= len(found) - at and all(map(_fits, words, found[at:at + len(words)])):
                for i in range(at, at + len(words)):
                    roles = result[i].roles
                    old = result[i]
                    result[i] = replace(old, roles={**roles, language: roles.get(language, 0) | value})
    return result


def _fits(pattern: str, token: Token) -> bool:
    return token.form.startswith(pattern[:-1]) if pattern[-1] == "*" else token.form == pattern


def parts_of(found: list[Token]) -> dict[str, int]:
    """Every language in which some word plays a part, with all the parts that its words play."""
    together: dict[str, int] = {}
    for token in found:
        for language, parts in token.roles.items():
            together[language] = together.get(language, 0) | parts
    return together


__all__ = ["UNSPACED", "Token", "Unit", "parts_of", "tokens", "units"]
