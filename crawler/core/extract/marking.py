"""What trafilatura asks of the attributes of a page, asked once: the same text, in half of the time.

The library finds what to keep and what to drop by some ten XPath expressions with regular expressions in them, on two
copies of the tree. libxml2 calls back into Python for each of them at each element: that was more than half of what
extraction cost on 439 real pages. Here each value of an attribute is asked once, and remembered from page to page; the
answers are written at the elements, as attributes which the copies inherit and which libxml2 finds by itself.

Expressions that are not understood stay as they are, and so does everything for a tree that was not marked.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

from crawler.core.extract import xpath

# Attributes of these names tell what holds of an element, and of the root that its tree was marked. The parser writes all
# names in lower case, so that no page has them.
_MARK = "Marked-{}"
_ROOT = _MARK.format("root")
_NAMESPACES = {"re": "http://exslt.org/regular-expressions"}
_REMEMBERED = 16_384    # values of an attribute; the pages of one site have some hundred
_LONG = 500             # characters of a value that is not worth remembering
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Quick:
    """What is called with an element in the place of an `etree.XPath`."""

    slow: Any          # the XPath
    quick: Any         # the same for marked trees

    def __call__(self, tree: Any) -> Any:
        """The elements that the expression names, in document order."""
        root = tree.getroottree().getroot()
        return self.slow(tree) if root is None or root.get(_ROOT) is None else self.quick(tree)


@dataclass(slots=True)
class Marker:
    """Predicates, each with its letter, and what is known of the values of attributes."""

    _letters: dict[str, str] = field(default_factory=dict)                                        # by predicate
    _asked: dict[str, list[xpath.Condition]] = field(default_factory=dict)                        # by letter
    _parts: dict[str, dict[str, list[tuple[str, xpath.Passes | None]]]] = field(default_factory=dict)   # by attribute, characters
    _may: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)                      # by attribute and value: letters
    _known: dict[tuple[tuple[str, str], ...], frozenset[str]] = field(default_factory=dict)       # by attributes: letters

    def quick(self, expression: Any) -> Any:
        """The expression for trees that `mark` has seen, or itself where nothing in it would be quicker."""
        single = _SINGLE.fullmatch(expression.path)
        predicates = xpath.predicates(single.group(2)) if single else []
        for at, predicate in enumerate(predicates):
            letter = self._letter(predicate)
            if single and letter:
                rest = [f"[{other}]" for other in (*predicates[:at], *predicates[at + 1:])]
                # A number counts the elements of one parent, or of one path.
                start = f".//*[@{letter}]" if "[1]" in rest else f".//*/@{letter}/parent::*"
                return Quick(expression, etree.XPath("".join((single.group(1), start, *rest, single.group(3))), namespaces=_NAMESPACES))
        return expression

    def _letter(self, predicate: str) -> str | None:
        if predicate not in self._letters and len(self._letters) < len(_LETTERS):
            try:
                conditions = xpath.read(predicate)
            except xpath.UnknownExpressionError:
                return None
            letter = self._letters[predicate] = _MARK.format(_LETTERS[len(self._letters)])
            self._asked[letter] = conditions
            for name, (characters, passes) in ((name, part) for one in conditions for name in one.names for part in one.parts):
                self._parts.setdefault(name, {}).setdefault(characters, []).append((letter, passes))
                self._may[name] = {}
        return self._letters.get(predicate)

    def mark(self, tree: Any, attributes: Mapping[Any, Sequence[tuple[str, str]]]) -> None:
        """Write the answers at the elements of a page, and at its root that they are there."""
        may = self._may
        for element, items in attributes.items():
            letters = frozenset[str]()
            for name, value in items:
                if name in may:
                    known = may[name].get(value)
                    if known is None:
                        known = self._ask(name, value)
                    if known:
                        letters = letters | known if letters else known
            if letters:
                for letter in self._sure(tuple(item for item in items if item[0] in may), letters):
                    element.set(letter, "")
        tree.getroottree().getroot().set(_ROOT, "")

    def _ask(self, name: str, value: str) -> frozenset[str]:
        """The letters that may hold of an element with this attribute, and one of which does if it has no other."""
        found = [one for characters, asked in self._parts[name].items() if characters in value for one in asked]
        letters = frozenset(letter for letter, passes in found if passes is None or passes(value))
        _remember(self._may[name], value, letters, len(value))
        return letters

    def _sure(self, marks: tuple[tuple[str, str], ...], letters: frozenset[str]) -> frozenset[str]:
        """The letters that do hold: where the first of two attributes is asked, the second counts for nothing."""
        sure = self._known.get(marks)
        if sure is None:
            attributes = dict(marks)
            sure = frozenset(letter for letter in letters
                             if any(condition.holds(attributes) for condition in self._asked[letter]))
            _remember(self._known, marks, sure, sum(len(value) for _, value in marks))
        return sure


def _remember(known: dict[Any, frozenset[str]], key: Any, letters: frozenset[str], size: int) -> None:
    if size <= _LONG:
        if len(known) >= _REMEMBERED:
            known.clear()
        known[key] = letters


# `.//*[…][…]`, and `(.//*[…][…])[1]`
_SINGLE = re.compile(r"\s*(\(?)\s*\.//\*\s*(\[.*?\])\s*(|\)\s*\[1\])\s*", re.DOTALL)
