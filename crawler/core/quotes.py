"""Which parts of a text are other people's words: quotations, posts, speeches, the turns of a transcript.

Two reports that share nothing else are related, and neither is a copy of the other: both were there, or both were sent
the same statement. So what they share is weighed without these parts. A text does not say where a blockquote was, so
that a post is known by the line under it, and a transcript by its speakers.
"""

from collections import Counter
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from functools import lru_cache

import regex

from crawler.core.text import fold, paragraphs, sentences, words

Span = tuple[int, int]

_SHORTEST = 12                       # characters between two marks: shorter ones are titles and nicknames
_PARAGRAPHS, _REACH = 6, 3_000       # paragraphs, and characters, over which one quotation may go
_TURNS = 4                           # lines with a speaker in front, or a dash, that make a transcript …
_TURNS_EACH = 1.5                    # … if each speaker has more than one: a list of terms names each once
_ASKED = 0.25                        # share of the lines with a dash that ask: else they are a list

# What closes what opens. Languages use the same marks the other way round, so that the first of a pair decides.
_CLOSES = {'"': '"”“', "“": '”"', "„": '“”"', "”": '“”"', "«": "»", "»": "«»", "‹": "›", "›": "‹›", "「": "」", "『": "』"}
# Not the mark in a Hebrew abbreviation, nor the inches of a screen.
_MARK = regex.compile(r'(?<![\p{N}])"(?!(?<=\p{L}")\p{L})|[“„”«»‹›「」『』]')
# British print quotes with single marks, which are apostrophes too: only where both stand at the edge of a word.
_SINGLE = regex.compile(rf"(?<![\p{{L}}\p{{N}}])[‘‚](?!\p{{N}})[^‘‚\n]{{{_SHORTEST},1500}}?[’‘](?![\p{{L}}\p{{N}}])")
_SPEAKER = regex.compile(r"^[\p{Pd}\s]*([\p{L}][\p{L}\p{M}\p{N}.'’ ()]{0,40}?)\s*[:：]\s*(?=\S)")
_SPEAKER_WORDS = 5
_DASHED = regex.compile(r"^[—–―]\s*\p{L}|^[—–―]\s*[¿¡\"“«]")
_ASKS = regex.compile(r"[?？؟][\"”’»)\]]*$")
_HANDLE = regex.compile(r"(?<![\p{L}\p{N}.])@\w{2,20}\b|\bpic\.twitter\.com/|https?://t\.co/")
_BYLINE_OF_POST = 14                 # words of the line that names the author of a post
_LONGEST_POST = 80                   # words


@lru_cache(maxsize=256)
def spans(text: str) -> tuple[Span, ...]:
    """Character spans of other people's words, in order and apart from each other."""
    return tuple(_merged(sorted([*_marked(text), *_turns(text), *_posts(text)])))


def _marked(text: str) -> Iterator[Span]:
    yield from (hit.span() for hit in _SINGLE.finditer(text))
    begins = {start for start, _ in paragraphs(text)}
    opened, closes = 0, ""
    for hit in _MARK.finditer(text):
        mark, at = hit.group(), hit.start()
        over = text.count("\n", opened, at) if closes else 0   # paragraphs since it was opened
        if closes and over and not _goes_on(text, opened, at, over):
            yield from _left_open(text, opened, begins)
            closes = ""
        if not closes:
            opened, closes = at, _CLOSES.get(mark, "")
        elif over and at in begins and text[opened] == mark:   # each paragraph of a long quotation may be opened again
            yield from _left_open(text, opened, begins)
            opened = at
        elif mark in closes:
            if hit.end() - opened > _SHORTEST:
                yield opened, hit.end()
            closes = ""
    if closes:
        yield from _left_open(text, opened, begins)


def _left_open(text: str, opened: int, begins: AbstractSet[int]) -> Iterator[Span]:
    """What is opened and never closed is quoted to the end of its paragraph, where it begins one; else a mark too many."""
    end = text.find("\n", opened)
    if opened in begins:
        yield opened, end if end >= 0 else len(text)


def _goes_on(text: str, opened: int, at: int, over: int) -> bool:
    """Whether a quotation can go on to a mark some paragraphs further: not one that opens another."""
    return over <= _PARAGRAPHS and at - opened <= _REACH and not (text[opened] != text[at] and _opens(text, at))


def _opens(text: str, at: int) -> bool:
    """Whether a mark stands where one opens: before a word and behind none."""
    return (at == 0 or text[at - 1].isspace()) and text[at + 1:at + 2].isalnum()


def _turns(text: str) -> Iterator[Span]:
    """The lines of a transcript: who speaks, a colon, what is said; or a dash before each turn."""
    lines = [(span, text[slice(*span)]) for span in paragraphs(text)]
    spoken = [(span, speaker) for span, line in lines if (speaker := _speaker(line))]
    speakers = Counter(speaker for _, speaker in spoken)
    if len(spoken) >= _TURNS and len(spoken) >= _TURNS_EACH * len(speakers):
        yield from (span for span, speaker in spoken if speakers[speaker] > 1)
    dashed = [(span, line) for span, line in lines if _DASHED.match(line)]
    if len(dashed) >= _TURNS and sum(_ASKS.search(line) is not None for _, line in dashed) >= _ASKED * len(dashed):
        yield from (span for span, _ in dashed)


def _speaker(line: str) -> str | None:
    hit = _SPEAKER.match(line)
    return fold(hit[1]) if hit and len(hit[1].split()) <= _SPEAKER_WORDS else None


def _posts(text: str) -> Iterator[Span]:
    """A post and the line that names its author: below it with a dash, else above it or in it."""
    lines = paragraphs(text)
    for at, span in enumerate(lines):
        line = text[slice(*span)]
        if _HANDLE.search(line) is None:
            continue
        count = len(words(line))
        if count > _LONGEST_POST:   # a text on one line that names an account somewhere
            yield from ((span[0] + a, span[0] + b) for a, b in sentences(line) if _HANDLE.search(line[a:b]))
            continue
        yield span
        if count <= _BYLINE_OF_POST:
            beside = at - 1 if line[:1] in "—–―-" else at + 1
            yield from (each for each in lines[beside:beside + 1] if beside >= 0 and len(words(text[slice(*each)])) <= _LONGEST_POST)


def _merged(ordered: list[Span]) -> Iterator[Span]:
    at = 0
    for start, end in ordered:
        if end > at:
            yield max(start, at), end
            at = end
