"""The body of a page: trafilatura's only door.

Settings by measurement (4-gram shingles on 438 pages with true bodies): precision first, balanced again where that is
short, gives F1 .969 and .950; the defaults .961 and .948. `with_metadata` runs for 20 s on 200 kB of broken JSON-LD,
`deduplicate` remembers earlier pages, `target_language` drops pages whose language it misreads: none is ever passed.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from crawler.core.extract.marking import Marker
from crawler.core.text import unescape

SHORT = 1_200          # characters under which the balanced mode is tried as well
MUCH_LONGER = 1.3      # how much longer its text must be to be taken

# Its warnings repeat, once a page, what the result already says.
for _name in ("trafilatura", "htmldate", "charset_normalizer"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def main_text(tree: Any, attributes: Mapping[Any, Sequence[tuple[str, str]]], url: str) -> str:
    """The article's paragraphs, one a line; "" where none is found. `attributes` are those of each element of the tree, which
    is left as it is, but for some more of them."""
    _library()[1].mark(tree, attributes)
    text = _extract(tree, url, favor_precision=True)
    if len(text) < SHORT:
        fuller = _extract(tree, url, favor_precision=False)
        if len(fuller) > MUCH_LONGER * len(text):
            return fuller
    return text


def _extract(tree: Any, url: str, *, favor_precision: bool) -> str:
    extract, _ = _library()
    try:
        return extract(tree, url=url, include_comments=False, favor_precision=favor_precision) or ""
    except Exception:  # noqa: BLE001 - a foreign page may trip any part of the library; then it has no body
        return ""


# The expressions by which it chooses: lists that its modules share.
_LISTS = ("RAW_TREE_PRUNE_XPATH", "REMOVE_COMMENTS_AND_LISTS_XPATH", "REMOVE_COMMENTS_XPATH", "OVERALL_DISCARD_XPATH",
          "PRECISION_DISCARD_XPATH", "TEASER_DISCARD_XPATH", "DISCARD_IMAGE_ELEMENTS")


@cache
def _library() -> tuple[Callable[..., str | None], Marker]:
    """trafilatura's function, and what makes it quick."""
    from trafilatura import extract, xpaths  # noqa: PLC0415 - most of a second that only workers should pay

    marker = Marker()
    for name in _LISTS:
        expressions = getattr(xpaths, name, [])
        expressions[:] = map(marker.quick, expressions)
    xpaths.BODY_XPATH[:1] = map(marker.quick, xpaths.BODY_XPATH[:1])    # the others are seldom asked
    return extract, marker


def guess_encodings(sample: bytes) -> list[str]:
    """Labels of likely encodings of a text, the likeliest first."""
    from trafilatura.utils import detect_encoding  # noqa: PLC0415 - as above

    try:
        return list(detect_encoding(sample))
    except Exception:  # noqa: BLE001 - a guess that fails is no guess
        return []


def plain(markup: str) -> str:
    """The text of a JSON-LD articleBody, which some sites fill with markup."""
    if "<" not in markup and "&" not in markup:
        return markup
    return _TAG.sub("\n", unescape(unescape(markup)))


_TAG = re.compile(r"<[^<>]{1,2000}>")
