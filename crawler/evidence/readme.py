"""What lies in an evidence pack, for somebody who has never seen one: plain words, no more than was observed."""

import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from crawler.log import escape

_WIDTH = 100


def readme(story: Mapping[str, Any]) -> str:
    """The README.txt of a pack, from its story.json."""
    parts = [*_head(story), *_articles(story), _FILES, _KINDS_OF_STATEMENT, _LIMITS, _VERIFY]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _head(story: Mapping[str, Any]) -> Iterator[str]:
    pack, original = story["pack"], story["original"]
    yield f"EVIDENCE OF STORY {story['id']}"
    yield f"Written {pack['written']} by {pack['software']}. All times are UTC."
    sure = f"{story['confidence']:.0%} sure"
    if story["decided"]:
        said = f"The earliest known source is {escape(original['source'])} ({sure})."
    else:
        said = f"Undecided: the likeliest source is {escape(original['source'])} ({sure}), and a person should say."
    outside = f" The original seems to lie outside the feeds that were read: {escape(story['outside'])}." if story["outside"] else ""
    yield _filled(f"{said}{outside} “Earliest known” means among the feeds that were read; there may be an earlier one. "
                  "Why, and every figure, stands in evidence/story.json under “why” and “copies”.")


def _articles(story: Mapping[str, Any]) -> Iterator[str]:
    yield "THE ARTICLES"
    copies = {one["article"]: one for one in story["copies"]}
    for one in story["articles"]:
        copy = copies.get(one["article"])
        role = f"copy ({copy['kind']}, {copy['of_original']:.0%} of the original)" if copy else "original"
        kept = sum(page["article"] == one["article"] for page in story["pages"])
        pages = {0: "NO PAGE IS KEPT", 1: "1 page kept"}.get(kept, f"{kept} pages kept")
        yield (f"{one['article']}  {role}\n  {escape(one['source'])}: {escape(one['title'] or '(no title)')}\n"
               f"  {escape(one['url'])}\n  {_seen(one)}; {pages}")
    if story["articles_without_page"]:
        yield _filled("Where no page is kept, it was removed when its retention ended, or the article was taken from the feed "
                      "and no page was ever fetched. What was read at the time is in articles/ all the same.")


def _seen(one: Mapping[str, Any]) -> str:
    if one["appeared_between"] is None:
        return f"observed: fetched {one['first_seen']}; it was in no feed that was read"
    without, seen = one["appeared_between"]
    if without is None:
        return f"observed: in its feed at {seen}, the first time that this was read"
    return f"observed: not yet in its feed at {without}, in it at {seen}"


def _filled(text: str) -> str:
    return textwrap.fill(text, _WIDTH, break_long_words=False, break_on_hyphens=False)


_FILES = """\
WHAT IS WHAT
archive/pages.warc.gz     the pages as they were fetched: address, time, status, headers, body (WARC 1.1)
indexes/, pages/          by which a replay tool finds them
evidence/story.json       the decision: original, copies, reasons with quotes, shared passages, confidence,
                          rulings of persons, history; “pages” lists each page that is kept, with its hash
articles/ID.json          what was read of one article: every claim of time and where it stood, statements of
                          where it comes from, when which feed listed it, all versions of its text
articles/ID.txt           its text, as first read
SHA256SUMS                the hash of every other file
datapackage.json          the same for web archive tools, and datapackage-digest.json the hash of that
"""

_KINDS_OF_STATEMENT = """\
WHAT WAS OBSERVED, WHAT IS CLAIMED, WHAT WAS CONCLUDED
Observed, by this program, by the clock of its machine: “first_seen”, “appeared_between” (the last time a feed
was read without the article, and the first time with it), “seen”, “without”, “fetched”, and the pages.
Claimed, by publishers, and not checked by anybody: “claims”, “published”, titles, bylines, “attributions”.
A claim of time that what was observed rules out has “agrees”: false.
Concluded, by rules: “original”, “copies”, “kind”, “why”, “confidence”, the figures. The shares (“of_original”,
“of_copy”, “similarity”) can be computed again from the texts.
Ruled, by the persons who are named: “verdicts”. A ruling goes before what is concluded.
"""

_LIMITS = """\
WHAT THIS PACK DOES NOT PROVE
The hashes show that nothing has changed since the pack was written. They do not show who wrote it, nor that
the clock was right: for that, have the hash of the whole file signed, or stamped by somebody with a trusted clock.
Of a page its own document was fetched, without pictures, styles and scripts, and nobody else's cookies; so it
looks bare when replayed. Bodies are kept decompressed; headers that spoke of the compression begin with
X-Archive-Orig-. Names, passwords and keys in the addresses of feeds and entries are shown as ***.
The pages belong to their publishers.
"""

_VERIFY = """\
HOW TO VERIFY
unzip FILE.wacz -d pack && cd pack && sha256sum -c SHA256SUMS       every file is as it was written
wacz validate -f FILE.wacz                                          it is a sound WACZ (pip install wacz)
warcio check pack/archive/pages.warc.gz                             each page by its own hashes (pip install warcio)
Open FILE.wacz at https://replayweb.page, or with any other tool that replays WACZ, to look at the pages.
"""
