"""How one text becomes another: the edits by which sites of the world copy, cut, wrap and restyle.

An edit that hits nothing raises ScriptError, so that a copy never silently stops being the copy it is meant to be.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_SENTENCE_END = re.compile(r"(?<=[.!?؟。।])[\"”»']?\s+")
_EASTERN = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
# Letters that printed Arabic may or may not mark; a copier's editor often marks them for reading aloud.
_MARKED = {"محمد": "مُحمَّد", "مدينة": "مَدينة", "المدينة": "المَدينة", "ميناء": "مِيناء", "الميناء": "المِيناء",
           "البحر": "البَحْر", "العام": "العَام", "القديم": "القَديم", "المرحلة": "المَرْحلة", "على": "عَلَى"}


class ScriptError(ValueError):
    """The script of the world contradicts itself."""


def compose(paragraphs: Sequence[str], edit: Mapping[str, Any], names: Mapping[str, str]) -> tuple[str, ...]:
    """Apply the edits in the order of `_EDITS`; `names` fills the placeholders of inserted phrases.

    `edit` maps the name of an edit to its argument. Raises ScriptError for an unknown edit or one without effect.
    """
    unknown = set(edit) - set(_EDITS)
    if unknown:
        raise ScriptError(f"no such edit: {', '.join(sorted(unknown))}")
    composed = list(paragraphs)
    for name, apply in _EDITS.items():
        if name in edit:
            changed = apply(list(composed), fill(edit[name], names))
            if changed == composed:
                raise ScriptError(f"the edit {name!r} changes nothing")
            composed = changed
    return tuple(composed)


def fill(argument: Any, names: Mapping[str, str]) -> Any:
    """Replace `{title}` and its like in every string of an argument."""
    if isinstance(argument, str):
        return re.sub(r"\{(\w+)\}", lambda hit: names[hit[1]], argument)
    if isinstance(argument, list):
        return [fill(item, names) for item in argument]
    if isinstance(argument, dict):
        return {key: fill(value, names) for key, value in argument.items()}
    return argument


def _take(paragraphs: list[str], span: list[int]) -> list[str]:
    return paragraphs[span[0]:span[1]]


def _drop(paragraphs: list[str], places: list[int]) -> list[str]:
    return [text for at, text in enumerate(paragraphs) if at not in places]


def _replace(paragraphs: list[str], pairs: list[list[str]]) -> list[str]:
    for old, new in pairs:
        if not any(old in text for text in paragraphs):
            raise ScriptError(f"nothing to replace: {old!r}")
        paragraphs = [text.replace(old, new) for text in paragraphs]
    return paragraphs


def _style(paragraphs: list[str], styles: list[str]) -> list[str]:
    for style in styles:
        paragraphs = [_STYLES[style](text) for text in paragraphs]
    return paragraphs


def _lead(paragraphs: list[str], words: str) -> list[str]:
    """A dateline before the first word."""
    return [f"{words} {paragraphs[0]}", *paragraphs[1:]]


def _inside(paragraphs: list[str], phrases: dict[int, str]) -> list[str]:
    """Put a phrase after the first sentence of the paragraphs named by place, or before a single sentence."""
    result = list(paragraphs)
    for at, phrase in phrases.items():
        if at >= len(result):
            continue
        cut = _SENTENCE_END.search(result[at])
        where = cut.end() if cut else 0
        result[at] = f"{result[at][:where]}{phrase} {result[at][where:]}"
    return result


def _between(paragraphs: list[str], phrases: dict[int, str]) -> list[str]:
    """Put a paragraph of one's own before the paragraph at each place."""
    result: list[str] = []
    for at, text in enumerate(paragraphs):
        result += [phrases[at], text] if at in phrases else [text]
    return result


def _before(paragraphs: list[str], phrases: list[str]) -> list[str]:
    return [*phrases, *paragraphs]


def _after(paragraphs: list[str], phrases: list[str]) -> list[str]:
    return [*paragraphs, *phrases]


def _marks(text: str) -> str:
    return re.sub(r"\w+", lambda hit: _MARKED.get(hit[0], hit[0]), text)


def _angle_quotes(text: str) -> str:
    return re.sub(r'"([^"]*)"', r"«\1»", text)


def _curly_quotes(text: str) -> str:
    return re.sub(r'"([^"]*)"', "“\\1”", text).replace("'", "’")


def _straight_quotes(text: str) -> str:
    return re.sub(r"[“”„«»]", '"', text).replace("’", "'")


_STYLES: dict[str, Callable[[str], str]] = {
    "eastern-digits": lambda text: text.translate(_EASTERN),
    "marks": _marks,
    "angle-quotes": _angle_quotes,
    "curly-quotes": _curly_quotes,
    "straight-quotes": _straight_quotes,
    "dashes": lambda text: text.replace(", ", " – ", 1),
    "russian-e": lambda text: text.replace("ё", "е").replace("Ё", "Е"),
}

_EDITS: dict[str, Callable[[list[str], Any], list[str]]] = {
    "take": _take, "drop": _drop, "replace": _replace, "style": _style, "lead": _lead,
    "inside": _inside, "between": _between, "before": _before, "after": _after,
}
