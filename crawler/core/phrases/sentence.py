"""A unit of a text as one language reads it, and its clauses."""

from dataclasses import dataclass
from itertools import pairwise

import regex

from crawler.core.phrases.lexicon import HEAD_FINAL, Part, of_language
from crawler.core.phrases.names import span_of_name
from crawler.core.phrases.reading import Token


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of a unit in one language. `name` is the span of word numbers of whom it names, `free` holds the numbers of words
    that need no explanation: the headline, quotations, figures, web addresses."""

    tokens: list[Token]
    parts: list[int]
    name: tuple[int, int] | None
    named: str          # the words of the name
    language: str
    question: bool
    free: frozenset[int]
    text: str           # the whole text, of which the tokens have the offsets

    def has(self, *wanted: int) -> bool:
        """Whether each of these is played by an unquoted word outside the name (a sum of parts: any of them)."""
        return all(self.first(part) is not None for part in wanted)

    def first(self, part: int) -> int | None:
        """The number of the first word that can play a part."""
        return next((at for at, parts in enumerate(self.parts) if parts & part and not self.outside(at)), None)

    def outside(self, at: int) -> bool:
        """Whether a word is quoted or belongs to the name."""
        return self.tokens[at].quoted or (self.name is not None and self.name[0] <= at < self.name[1])

    def plain(self, slack: int, share: float) -> bool:
        """Whether all but a few words, or a small share of them, play a part."""
        counted = [parts for at, parts in enumerate(self.parts) if at not in self.free and not self.outside(at)]
        return sum(1 for parts in counted if not parts) <= max(slack, share * len(counted))

    def strange(self, at: int) -> bool:
        """Whether a word plays no part and needs explanation."""
        return not self.parts[at] and at not in self.free and not self.outside(at)

    def named_like(self, at: int) -> bool:
        """Whether a word is capitalised in a script that has capitals."""
        form = self.tokens[at].form
        return self.tokens[at].proper and form[:1].upper() != form[:1]

    def starts(self, part: int) -> bool:
        """Whether a part stands among the first words, after nothing but such as never govern."""
        # Where what governs stands last, "published" before it belongs to a name: 더 컨버세이션에 실린 글을 재게시합니다.
        leading = _LEADING | (Part.PUB if self.language in HEAD_FINAL else 0)
        for at, parts in enumerate(self.parts):
            if parts & part and not self.outside(at):
                return True
            if not parts & leading and at not in self.free and not self.outside(at):
                return False
        return False


_LEADING = (Part.FILL | Part.THIS | Part.AUTO | Part.FIRST | Part.FROM | Part.AT | Part.SRC | Part.OUTLET | Part.US | Part.TIME | Part.TONGUE
            | Part.FEED | Part.MORE)


def read(tokens: list[Token], language: str, text: str, piece: str, title: frozenset[str]) -> Sentence:
    """The words of a unit as one language sees them; `text` is the whole text, `piece` the unit."""
    parts = [of_language(token.parts, language) for token in tokens]
    free = frozenset(at for at, token in enumerate(tokens) if token.quoted or token.domain or token.form.isdigit()
                     or (not parts[at] and token.form in title))
    name = span_of_name(tokens, parts, final=language in HEAD_FINAL)
    named = text[tokens[name[0]].start:tokens[name[1] - 1].end] if name else ""
    question = piece.rstrip("\"'»”）) ").endswith(("?", "؟", "？", "か。"))
    return Sentence(tokens, parts, name, named, language, question, free, text)


def clauses(sentence: Sentence) -> list[Sentence]:
    """The clauses of a sentence, each read for itself."""
    tokens = sentence.tokens
    starts = [0, *(at for at in range(1, len(tokens)) if _BREAK.search(sentence.text[tokens[at - 1].end:tokens[at].start])), len(tokens)]
    return [_part(sentence, start, stop) for start, stop in pairwise(starts) if stop > start] if len(starts) <= _CLAUSES else []


_CLAUSES = 12
_BREAK = regex.compile(r"[,;:،؛，；：、。।]|\s[–—-]\s|—")


def _part(sentence: Sentence, start: int, stop: int) -> Sentence:
    tokens, parts = sentence.tokens[start:stop], sentence.parts[start:stop]
    name = span_of_name(tokens, parts, final=sentence.language in HEAD_FINAL)
    named = sentence.text[tokens[name[0]].start:tokens[name[1] - 1].end] if name else ""
    free = frozenset(at - start for at in sentence.free if start <= at < stop)
    return Sentence(tokens, parts, name, named, sentence.language, sentence.question, free, sentence.text)
