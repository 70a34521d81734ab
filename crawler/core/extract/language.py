"""The language of a text: py3langid's only door."""

import re
from functools import lru_cache

_SAMPLE = 3_000   # characters that are judged
_SHORT = 300      # characters under which the page's own word may decide
_NEAR = 5         # among how many of the likeliest languages it must then be
_MACRO = {"nb": "no", "nn": "no", "iw": "he", "in": "id", "ji": "yi", "tl": "fil", "cmn": "zh", "yue": "zh"}


def of(text: str, stated: str | None = None) -> str | None:
    """ISO 639-1 code, judged by the text; for short texts `stated` (an html lang) decides between likely ones.

    None where there is no text to judge and nothing is stated.
    """
    said = primary(stated)
    sample = " ".join(text[:_SAMPLE].split())
    if sum(map(str.isalpha, sample)) < 12:
        return said
    ranked = _ranked(sample)
    if len(sample) < _SHORT and said in ranked[:_NEAR]:
        return said
    return ranked[0] if ranked else said


@lru_cache(maxsize=8)
def _ranked(sample: str) -> list[str]:
    """Languages, the likeliest first."""
    from py3langid import rank  # noqa: PLC0415 - half a second that only workers should pay

    return [_MACRO.get(code, code) for code, _ in rank(sample)]


def primary(tag: str | None) -> str | None:
    """The ISO 639-1 part of a language tag: "pt-BR" -> "pt"; None where there is none."""
    hit = re.match(r"\s*([A-Za-z]{2,3})(?![A-Za-z])", tag or "")
    code = hit.group(1).lower() if hit else None
    return _MACRO.get(code, code) if code else None
