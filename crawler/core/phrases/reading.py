"""A text cut into units (sentences and short lines) whose words carry their parts."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from operator import or_
from typing import NamedTuple

import regex

from crawler.core import tokens as cut
from crawler.core.phrases.agencies import name_words
from crawler.core.phrases.lexicon import BITS, LANGUAGES, Part, Parts, everywhere, lexicon, lookup, unspaced
from crawler.core.text import bare, fold, paragraphs, sentences

# Declarations stand at the edges or on lines of their own: of a long text only these many characters at either end
# are read in full (about 40 sentences), and of the rest the short lines.
_EDGE = 8_000
LONGEST_LINE = 2 * _EDGE   # of a text that is read whole
_SHORT_LINE = 300
_MAX_LINES = 400
_REACH = 1_500       # characters at either end of a long line: some eight sentences
_LONG_UNIT = 1_200   # characters: no site phrase is longer
_HEAD_WORDS = 9      # a rule that asks how a sentence begins is satisfied within them
_CACHED = 40         # characters: longer pieces between spaces are runs of Chinese or addresses, which do not come back

_RUN = r"[\p{Han}\p{Hiragana}\p{Katakana}ー々]+"
_TOKEN = regex.compile(rf"(?P<run>{_RUN})|[\p{{L}}\p{{N}}--[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}ー々]]"
                       rf"[\p{{L}}\p{{M}}\p{{N}}\u200c\u200d\u0640--[\p{{Han}}\p{{Hiragana}}\p{{Katakana}}ー々]]*", regex.V1)
_CHUNK = regex.compile(r"\S+")
# A quotation that is not closed reaches to the end of its line; one that was not opened begins with it.
_QUOTED = regex.compile(
    r'"[^"\n]*(?:"|$)|“[^”\n]*(?:”|$)|«[^»\n]*(?:»|$)|„[^“”"\n]*(?:[“”"]|$)|「[^」\n]*(?:」|$)|『[^』\n]*(?:』|$)|《[^》\n]*(?:》|$)'
    r"|(?<!\w)['‘](?=\w)[^'’\n]*(?:(?<=\w)['’](?=\w)[^'’\n]*)*['’](?!\w)")
_UNOPENED = regex.compile(r'^[^"“”„«»\n]+[”»"“](?=\W*$)')


class Token(NamedTuple):
    """A word; in a unit, its offsets are of the whole text."""

    form: str
    start: int
    end: int
    parts: Parts
    proper: bool          # can begin a name: a capital, a digit, a web address, or a script without capitals
    domain: bool = False  # a piece of a web address
    quoted: bool = False


@dataclass(frozen=True, slots=True)
class Unit:
    """A sentence, or a line of a site's own, and the line it stands on."""

    start: int
    end: int
    own_line: bool        # nothing else stands on its line
    edge: bool            # near either end of the text
    line: tuple[int, int]
    opening: bool = False  # its line is one of the first


def lines(text: str) -> list[tuple[int, int]]:
    """Spans of the lines of a text on which a site's own phrase can stand, in order."""
    if len(text) <= LONGEST_LINE:
        return paragraphs(text)
    tail_at = len(text) - _EDGE
    tail = [(start + tail_at, end + tail_at) for start, end in paragraphs(text[tail_at:])]
    return paragraphs(text[:_EDGE]) + list(_short_lines(text, _EDGE, tail_at)) + tail


def _short_lines(text: str, start: int, stop: int) -> Iterator[tuple[int, int]]:
    """Spans of the short lines between two offsets, the first few hundred of them."""
    at, left = text.find("\n", start, stop), _MAX_LINES
    while at != -1 and left:
        end = text.find("\n", at + 1, stop)
        if end != -1 and 0 < end - at - 1 <= _SHORT_LINE and not text[at + 1:end].isspace():
            yield at + 1, end
            left -= 1
        at = end


def units(text: str, line: tuple[int, int], *, first: bool, last: bool, opening: bool = False, outer: bool = False,
          ) -> Iterator[Unit]:
    """The sentences of a line; `first` and `last` say whether the line is the text's, `outer` whether it is near an
    end: there the sentences at a line's own ends can be the site's as well."""
    spans = _sentences(text, line)
    for at, (start, end) in enumerate(spans):
        if end - start <= _LONG_UNIT:
            # Where the whole text is one line, its ends are still its edges.
            near = (first and at < 3) or (last and at >= len(spans) - 5) or (outer and at in (0, len(spans) - 1))
            yield Unit(start, end, own_line=len(spans) == 1, edge=near, line=line, opening=opening and at == 0)


def _sentences(text: str, line: tuple[int, int]) -> list[tuple[int, int]]:
    """Spans of the sentences of a line; of a long one those near its ends, since no others can be a site's."""
    start, end = line
    if end - start <= 2 * _REACH:
        return [(start + a, start + b) for a, b in sentences(text[start:end])]
    head = [(start + a, start + b) for a, b in sentences(text[start:start + _REACH])]
    tail = [(end - _REACH + a, end - _REACH + b) for a, b in sentences(text[end - _REACH:end])]
    return head[:-1] + tail[1:]


def parts_in(piece: str) -> tuple[Parts, Parts]:
    """All the parts that the words of a piece of text can play, and those of its first few words; those of runs of words count
    wherever their longest one stands."""
    sums = [_read_chunk(chunk)[1] if len(chunk) <= _CACHED else _chunk(chunk)[1] for chunk in piece.split()]
    head = reduce(or_, sums[:_HEAD_WORDS], 0)
    return reduce(or_, sums[_HEAD_WORDS:], head), head


@dataclass(frozen=True, slots=True)
class Looked:
    """A text looked at once: the parts that each of its words can play, so that a span costs no more than its sum."""

    starts: "array[int]"
    parts: list[Parts]

    def together(self, start: int, end: int) -> Parts:
        """All that the words can play that start in a span: parts, and the two marks below."""
        return reduce(or_, self.parts[bisect_left(self.starts, start):bisect_left(self.starts, end)], 0)


# Beyond the parts: a word that stands in the name of an agency, and a letter by itself, as in "A.F.P.".
OF_AGENCY, LONE = 1 << len(LANGUAGES) * BITS, 2 << len(LANGUAGES) * BITS


@lru_cache(maxsize=4)
def looked(text: str) -> Looked | None:
    """None for a text that has to be read piece by piece: of a script without spaces, or with what is invisible."""
    found = cut.pieces(text)
    return None if found is None else Looked(found[1], list(map(_PLAYED.__getitem__, found[0])))


class _Played(dict[str, Parts]):
    """What each word as written can play, remembered."""

    def __missing__(self, word: str) -> Parts:
        together, runs, plain = 0, lexicon().tell_runs, bare(fold(word))
        for token in _spaced(word, 0, len(word)):
            together |= token.parts | runs.get(token.form, 0)
        together |= (OF_AGENCY if plain in name_words() else 0) | (LONE if len(plain) == 1 else 0)
        if len(word) <= _CACHED:
            if len(self) >= _PLAYED_KEPT:
                self.clear()
            self[word] = together
        return together


_PLAYED_KEPT = 65536
_PLAYED = _Played()


def tokens(text: str, unit: Unit) -> list[Token]:
    """The words of a unit with the parts they can play, runs of words joined in."""
    quotes = _quotes(text, unit.line)
    found = []
    for hit in _CHUNK.finditer(text, unit.start, unit.end):
        for token in _chunk(hit.group())[0]:
            at = hit.start() + token.start
            quoted = bool(quotes) and any(start <= at < end for start, end in quotes)
            found.append(Token(token.form, at, hit.start() + token.end, token.parts, token.proper, token.domain, quoted))
    return _with_runs(found)


def _quotes(text: str, line: tuple[int, int]) -> list[tuple[int, int]]:
    piece = text[line[0]:line[1]]
    unopened = _UNOPENED.match(piece)
    if unopened:
        return [(line[0], line[0] + unopened.end())]
    return [(line[0] + hit.start(), line[0] + hit.end()) for hit in _QUOTED.finditer(piece)]


def _chunk(chunk: str) -> tuple[tuple[Token, ...], Parts]:
    """The words of what stands between two spaces, and all their parts together."""
    return _read_chunk(chunk) if len(chunk) <= _CACHED else _read_chunk.__wrapped__(chunk[:_LONG_UNIT])


@lru_cache(maxsize=16384)
def _read_chunk(chunk: str) -> tuple[tuple[Token, ...], Parts]:
    found: list[Token] = []
    for hit in _TOKEN.finditer(chunk):
        found += _unspaced(hit.group(), hit.start()) if hit["run"] else _spaced(chunk, hit.start(), hit.end())
    together, runs = 0, lexicon().tell_runs
    for token in found:
        together |= token.parts | runs.get(token.form, 0)
    return tuple(found), together


# The Korean particles that mean "from" or "in", written onto the name.
_PARTICLE = regex.compile(r"(?<=\w\w)(?:으?로부터|에서|에게서)$|(?<=\w\w\w)[에의]$")


def _spaced(chunk: str, start: int, end: int) -> Iterator[Token]:
    form, parts = lookup(chunk[start:end])
    domain = _in_address(chunk, start, end)
    hit = _PARTICLE.search(chunk[start:end]) if not parts and "\uac00" <= chunk[end - 1] <= "\ud7a3" else None
    if hit is None:
        yield Token(form, start, end, parts, domain or not chunk[start].islower(), domain)
        return
    yield Token(fold(chunk[start:start + hit.start()]), start, start + hit.start(), 0, proper=True, domain=domain)
    particle = lookup(hit.group())
    yield Token(particle[0], start + hit.start(), end, particle[1], proper=False)


def _in_address(chunk: str, start: int, end: int) -> bool:
    """Whether a word stands in a web address: nytimes.com, https://t.me/channel."""
    after, before = chunk[end:end + 2], chunk[max(0, start - 2):start]
    if after[:1] in (".", "@") and after[1:].isalnum() and after[1:].isascii():
        return True
    return "://" in chunk or (before[1:] in (".", "@") and before[:1].isalnum() and before[:1].isascii())


def _unspaced(run: str, offset: int) -> Iterator[Token]:
    """Words of a run without spaces: the longest that the table has; what is left in pairs of characters."""
    folded, whole, at = fold(run), lexicon().whole, 0
    for hit in unspaced().finditer(folded):
        yield from _pairs(folded, at, hit.start(), offset)
        yield Token(hit.group(), offset + hit.start(), offset + hit.end(), whole[hit.group()], proper=True)
        at = hit.end()
    yield from _pairs(folded, at, len(folded), offset)


def _pairs(folded: str, start: int, stop: int, offset: int) -> Iterator[Token]:
    for at in range(start, stop, 2):
        end = min(at + 2, stop)
        yield Token(folded[at:end], offset + at, offset + end, 0, proper=True)


_PUB, _VETO = everywhere(Part.PUB), everywhere(Part.VETO)


def _with_runs(found: list[Token]) -> list[Token]:
    """Where several words together play a part, each of them gets it."""
    table = lexicon().runs
    gained: dict[int, Parts] = {}
    for at, token in enumerate(found):
        for spelled, parts in table.get(token.form, ()):
            if len(spelled) <= len(found) - at and all(map(_fits, spelled, found[at:at + len(spelled)])):
                for i in range(at, at + len(spelled)):
                    # "first reported by" publishes; "reported" alone reports.
                    alone = gained.get(i, found[i].parts)
                    gained[i] = (alone & ~_VETO if parts & _PUB else alone) | parts
    for i, parts in gained.items():
        found[i] = found[i]._replace(parts=parts)
    return found


def _fits(pattern: str, token: Token) -> bool:
    return token.form.startswith(pattern[:-1]) if pattern[-1] == "*" else token.form == pattern
