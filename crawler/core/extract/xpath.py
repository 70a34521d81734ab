"""A part of XPath, read: predicates that ask for one of several things of an element's attributes."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

Passes = Callable[[str], bool]
Part = tuple[str, Passes | None]    # characters that must be in a value, and what else must be true of it


class UnknownExpressionError(ValueError):
    """The predicate asks for something else, or in words that are not read here."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What the value of an attribute must be: of the first of `names` that an element has, in the element's own order."""

    names: frozenset[str]
    parts: tuple[Part, ...]     # of which one must hold

    def holds(self, attributes: Mapping[str, str]) -> bool:
        """Of `attributes` in the order in which the element has them; of one that has none of the names: no."""
        for name, value in attributes.items():
            if name in self.names:
                return any(characters in value and (passes is None or passes(value)) for characters, passes in self.parts)
        return False


def predicates(text: str) -> list[str]:
    """What stands in the brackets of `[…][…]`; nothing where there is anything else."""
    found, depth, quote, start = [], 0, "", 0
    for at, character in enumerate(text):
        if quote or character in "'\"":
            quote = "" if character == quote else quote or character
        elif character == "[":
            start = start if depth else at + 1
            depth += 1
        elif character == "]":
            depth -= 1
            if depth == 0:
                found.append(text[start:at])
        if depth == 0 and character not in "] \n\t":
            return []
    return found


def read(predicate: str) -> list[Condition]:
    """The conditions of which one must hold: `@class='x' or re:test(@id|@class, '…') or contains(@id, '…')`."""
    found = _TOKEN.findall(predicate)
    if any(strange for _, strange in found):
        raise UnknownExpressionError(predicate)
    reader = _Reader([token for token, _ in found])
    conditions = [reader.condition()]
    while reader.follows("or"):
        conditions.append(reader.condition())
    reader.end()
    return conditions


_TOKEN = re.compile(r"\s*(?:(@[\w-]+(?![:\w-])|'[^']*'|(?:re:test|contains|starts-with|translate)(?=\()|or\b|[(),|=])|(\S))")


class _Reader:
    """Tokens, taken from the left."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = [*tokens[::-1]]

    def condition(self) -> Condition:
        """`@id`, `@id='x'`, `contains(@id, 'x')`, `re:test(@id|@class, 'x', 'i')`."""
        token = self._pop()
        if token.startswith("@"):
            return Condition(frozenset({token[1:]}), (_same(self._literal()) if self.follows("=") else ("", None),))
        if token not in _TESTS:
            raise UnknownExpressionError(token)
        self._take("(")
        names, table = self._text()
        self._take(",")
        wanted = self._literal()
        flags = self._literal() if self.follows(",") else ""
        self._take(")")
        found = Condition(names, _spelled(token, wanted, table) if table else tuple(_TESTS[token](wanted, flags)))
        if found.holds(dict.fromkeys(names, "")):   # of an element without these attributes as well
            raise UnknownExpressionError(wanted)
        return found

    def _text(self) -> tuple[frozenset[str], dict[str, str]]:
        """`@id`, `@id|@class`, `translate(@id, 'A', 'a')`: names, and what to put for characters."""
        if not self.follows("translate"):
            names = {self._name()}
            while self.follows("|"):
                names.add(self._name())
            return frozenset(names), {}
        self._take("(")
        name = self._name()
        self._take(",")
        before = self._literal()
        self._take(",")
        after = self._literal()
        self._take(")")
        if len(before) != len(after) or len(set(before)) != len(before):
            raise UnknownExpressionError(before)
        return frozenset({name}), dict(zip(before, after, strict=True))

    def _name(self) -> str:
        token = self._pop()
        if not token.startswith("@"):
            raise UnknownExpressionError(token)
        return token[1:]

    def _literal(self) -> str:
        token = self._pop()
        if not token.startswith("'"):
            raise UnknownExpressionError(token)
        return token[1:-1]

    def _pop(self) -> str:
        if not self._tokens:
            raise UnknownExpressionError("cut off")
        return self._tokens.pop()

    def follows(self, token: str) -> bool:
        """Whether this one comes next; it is taken then."""
        if self._tokens and self._tokens[-1] == token:
            self._tokens.pop()
            return True
        return False

    def _take(self, token: str) -> None:
        if not self.follows(token):
            raise UnknownExpressionError(f"{token} is missing")

    def end(self) -> None:
        """There is nothing more."""
        if self._tokens:
            raise UnknownExpressionError(self._tokens[-1])


def _spelled(token: str, wanted: str, table: Mapping[str, str]) -> tuple[Part, ...]:
    """`contains(translate(@id, 'N', 'n'), 'nav')`: each spelling of which the table makes what is wanted."""
    sources = [[source for source in {character, *table} if table.get(source, source) == character] for character in wanted]
    spellings = ["".join(letters) for letters in product(*sources)] if token == "contains" else []  # noqa: S105 - XPath's word
    if not 0 < len(spellings) <= _MOST_SPELLINGS:
        raise UnknownExpressionError(wanted)
    return tuple((spelling, None) for spelling in spellings)


_MOST_SPELLINGS = 16


def _same(wanted: str) -> Part:
    return wanted, lambda value: value == wanted


def _contains(wanted: str, _: str) -> Iterator[Part]:
    yield wanted, None


def _starts(wanted: str, _: str) -> Iterator[Part]:
    yield wanted, lambda value: value.startswith(wanted)


def _matches(pattern: str, flags: str) -> Iterator[Part]:
    """The alternatives of a pattern: `re` would try each at each character, and most are plain words."""
    if flags not in ("", "i") or _FLAGGED.search(pattern):
        raise UnknownExpressionError(pattern)
    for part in [pattern] if flags else _alternatives(pattern):
        if not flags and _WORD.fullmatch(part):
            yield part, None
        else:
            yield "" if flags else _needed(part), _searched(re.compile(part, re.IGNORECASE if flags else 0))


def _searched(pattern: re.Pattern[str]) -> Passes:
    return lambda value: pattern.search(value) is not None


_FLAGGED = re.compile(r"\(\?[a-zA-Z-]")
_WORD = re.compile(r"[\w -]+")
_PIECE = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)     # an escape, a set, or a character


def _alternatives(pattern: str) -> list[str]:
    """A pattern at its outermost `|`."""
    depth, start, found = 0, 0, []
    for piece in _PIECE.finditer(pattern):
        depth += {"(": 1, ")": -1}.get(piece.group(), 0)
        if piece.group() == "|" and depth == 0:
            found.append(pattern[start:piece.start()])
            start = piece.end()
    return [*found, pattern[start:]]


def _needed(part: str) -> str:
    """The longest run of characters that must be in whatever an alternative matches."""
    runs, depth = [""], 0
    for piece in _PIECE.findall(part):
        depth += {"(": 1, ")": -1}.get(piece, 0)
        if piece in {"?", "*", "{"}:
            runs[-1] = runs[-1][:-1]    # what stands before may be left out
        if depth == 0 and _WORD.fullmatch(piece):
            runs[-1] += piece
        else:
            runs.append("")
    return max(runs, key=len)


_TESTS: dict[str, Callable[[str, str], Iterator[Part]]] = {"re:test": _matches, "contains": _contains, "starts-with": _starts}
