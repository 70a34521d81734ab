"""Whether a sentence, by the parts its words play, is a site's own phrase.

The theory. A declaration has a core (this item + copied, originally published, syndicated …) and explains itself: nearly
every word of it plays a part, but for the name it gives and the headline it repeats. What discusses copying has words
that no declaration needs ("the minister", "plagiarism", "many"), a reporting verb, a condition, a negation or quotation
marks around the core. So a rule asks for parts, and `Sentence.strange` bounds the words that play none.

The rules know no language. What differs between languages stands in the table, but for one thing: where what governs
stands last (`HEAD_FINAL`), a name stands before its preposition.
"""

from collections.abc import Callable
from dataclasses import dataclass

from crawler.core.phrases.lexicon import HEAD_FINAL, Part
from crawler.core.phrases.reading import Token

_NAME_WORDS = 9     # the longest names of outlets have eight words
_NAMED = Part.ITEM | Part.OUTLET | Part.FILL | Part.US | Part.SOCIAL  # parts that words of a name can play: Daily News, The Post


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of a unit in one language. `name` is the span of word numbers of whom it names."""

    tokens: list[Token]
    parts: list[Part]
    name: tuple[int, int] | None
    head_final: bool
    question: bool
    free: frozenset[int]    # word numbers that need no explanation: the headline, quotations

    def has(self, *wanted: Part) -> bool:
        """Whether every one of these parts is played by an unquoted word outside the name."""
        return all(self.first(part) is not None for part in wanted)

    def first(self, part: Part) -> int | None:
        """The first word that can play a part."""
        return next((at for at, parts in enumerate(self.parts) if parts & part and not self._outside(at)), None)

    def _outside(self, at: int) -> bool:
        return self.tokens[at].quoted or (self.name is not None and self.name[0] <= at < self.name[1])

    @property
    def strange(self) -> int:
        """How many words play no part."""
        return sum(1 for at, parts in enumerate(self.parts)
                   if not parts and at not in self.free and not self._outside(at) and not self.tokens[at].form.isdigit())

    @property
    def size(self) -> int:
        """Words that count towards the share of strange ones."""
        return len(self.tokens) - (self.name[1] - self.name[0] if self.name else 0) - len(self.free)

    def plain(self, slack: int, share: float) -> bool:
        """Whether all but a few words play a part."""
        return self.strange <= max(slack, share * self.size)


def read(tokens: list[Token], language: str, text: str, title: frozenset[str]) -> Sentence:
    """The words of a unit as one language sees them."""
    parts = [Part(token.roles.get(language, 0)) for token in tokens]
    free = frozenset(at for at, token in enumerate(tokens) if token.quoted or (not parts[at] and token.form in title))
    final = language in HEAD_FINAL
    question = text.rstrip("\"'»” )").endswith(("?", "؟", "？", ";"))
    return Sentence(tokens, parts, _name(tokens, parts, text, final=final), final, question, free)


def _name(tokens: list[Token], parts: list[Part], text: str, *, final: bool) -> tuple[int, int] | None:
    """Span of the words that name somebody: the longest run beside a preposition."""
    found: list[tuple[int, int]] = []
    for at, part in enumerate(parts):
        if part & (Part.FROM | Part.WP | Part.CREDIT | Part.OUTLET):
            found.append(_before(tokens, parts, at) if final else _after(tokens, parts, at))
    named = [span for span in found if span[0] < span[1]]
    return max(named, key=lambda span: (span[1] - span[0] <= _NAME_WORDS, span[1] - span[0])) if named else None


def _after(tokens: list[Token], parts: list[Part], at: int) -> tuple[int, int]:
    start = at + 1
    while start < len(parts) and parts[start] and not _strange_name(tokens[start], parts[start]):
        if not parts[start] & (Part.FILL | Part.OUTLET | Part.FROM | Part.ITEM | Part.SRC | Part.WP | Part.CREDIT):
            return start, start
        start += 1
    end = start
    while end < len(parts) and end - start < _NAME_WORDS and _in_name(tokens[end], parts[end]):
        end += 1
    return start, end


def _before(tokens: list[Token], parts: list[Part], at: int) -> tuple[int, int]:
    end = at
    while end > 0 and parts[end - 1] & (Part.OUTLET | Part.FROM | Part.FILL):
        end -= 1
    start = end
    while start > 0 and end - start < _NAME_WORDS and _in_name(tokens[start - 1], parts[start - 1]):
        start -= 1
    return start, end


def _strange_name(token: Token, part: Part) -> bool:
    return not part


def _in_name(token: Token, part: Part) -> bool:
    return not part


Rule = Callable[[Sentence], bool]


def _veto(sentence: Sentence) -> bool:
    """Reporting, asking, denying, supposing: not a declaration."""
    if sentence.question or sentence.has(Part.SAY):
        return True
    if sentence.has(Part.NOT) and not (sentence.has(Part.EDIT) or sentence.has(Part.RESP)):
        return True
    condition, core = sentence.first(Part.IF), _core(sentence)
    return condition is not None and core is not None and condition < core


def _core(sentence: Sentence) -> int | None:
    found = [at for part in (Part.COPY, Part.WP, Part.PUB, Part.RESP, Part.EDIT) if (at := sentence.first(part)) is not None]
    return min(found, default=None)


def _copied(sentence: Sentence) -> bool:
    """This item was copied (automatically | from its source | from NAME)."""
    if not sentence.has(Part.COPY, Part.ITEM):
        return False
    if sentence.has(Part.THIS) or sentence.has(Part.US):
        return _points(sentence) and sentence.plain(2, 0.25)
    return _starts(sentence, Part.ITEM | Part.COPY) and _points(sentence) and sentence.plain(1, 0.15)


def _points(sentence: Sentence) -> bool:
    return sentence.name is not None or any(
        sentence.has(part) for part in (Part.AUTO, Part.SRC, Part.FEED, Part.OUTLET))


def _starts(sentence: Sentence, part: Part) -> bool:
    """Whether a part stands among the first words, after nothing but function words."""
    for parts in sentence.parts:
        if parts & part:
            return True
        if not parts & (Part.FILL | Part.THIS | Part.AUTO | Part.FIRST | Part.FROM | Part.SRC):
            return False
    return False


def _first_published(sentence: Sentence) -> bool:
    """This item was first published on NAME."""
    return (sentence.has(Part.ITEM, Part.PUB, Part.FIRST) and (sentence.name is not None or sentence.has(Part.OUTLET))
            and (sentence.has(Part.THIS) or _starts(sentence, Part.ITEM)) and sentence.plain(1, 0.15))


def _elliptic(sentence: Sentence) -> bool:
    """Copied automatically from its source. Originally published on NAME."""
    head = Part.COPY | (Part.FIRST if sentence.has(Part.PUB) else Part(0))
    return (len(sentence.tokens) <= 14 and _starts(sentence, head) and sentence.has(Part.FROM)
            and (sentence.has(Part.COPY) or sentence.has(Part.PUB)) and _points(sentence) and sentence.plain(0, 0.1))


def _footer(sentence: Sentence) -> bool:
    """The post HEADLINE appeared first on NAME."""
    at = sentence.first(Part.WP)
    if at is None or not _starts(sentence, Part.ITEM):
        return False
    middle = next((token for i, token in enumerate(sentence.tokens[:at]) if not sentence.parts[i]), None)
    return middle is None or not middle.form[:1].islower() or sentence.plain(0, 0.2) or middle.form in ()


def _disclaims(sentence: Sentence) -> bool:
    """The site is not responsible for the content. All rights lie with the source. Not edited by our staff."""
    if sentence.has(Part.EDIT, Part.NOT, Part.ITEM):
        return (sentence.has(Part.US) or sentence.has(Part.FEED) or sentence.has(Part.OUTLET)) and sentence.plain(2, 0.25)
    if not sentence.has(Part.RESP, Part.ITEM):
        return False
    if sentence.has(Part.NOT):
        return (sentence.has(Part.US) or sentence.has(Part.OUTLET)) and sentence.plain(2, 0.25)
    return sentence.has(Part.SRC) and sentence.plain(2, 0.25)


_DECLARATIONS: tuple[Rule, ...] = (_copied, _first_published, _elliptic, _footer, _disclaims)


def declares(sentence: Sentence) -> bool:
    """Whether a sentence declares that its text is a copy."""
    return not _veto(sentence) and any(rule(sentence) for rule in _DECLARATIONS)


def thanks(sentence: Sentence) -> bool:
    """Thank you for reading."""
    return (sentence.has(Part.THANK) and not sentence.has(Part.SAY) and len(sentence.tokens) <= 30
            and any(sentence.has(part) for part in (Part.READER, Part.ITEM, Part.LINK, Part.US, Part.SHARE))
            and sentence.plain(1, 0.2))


def greets(sentence: Sentence) -> bool:
    """Welcome, dear readers. Share this on Facebook."""
    if sentence.has(Part.SAY) or len(sentence.tokens) > 40 or not sentence.plain(1, 0.25):
        return False
    return _welcomes(sentence) or _invites(sentence)


def _welcomes(sentence: Sentence) -> bool:
    return sentence.has(Part.READER) and (sentence.has(Part.GREET) or sentence.has(Part.US, Part.ITEM))


def _invites(sentence: Sentence) -> bool:
    return sentence.has(Part.SHARE) and _starts(sentence, Part.SHARE | Part.READER | Part.GREET | Part.IF) and any(
        sentence.has(part) for part in (Part.SOCIAL, Part.ITEM, Part.US, Part.READER, Part.MORE))
