"""The HTML report as a person sees it: every story is there, foreign text stays text, and it fits a narrow window."""

import re
import struct
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crawler import Document, deduplicate
from crawler.core import report
from crawler.render import render

MORNING = datetime(2026, 3, 2, 6, tzinfo=UTC)
HARBOUR = " ".join(f"The harbour master counted ship {n} before dawn and wrote her cargo of salt into ledger {n + 40}." for n in range(12))
LIBRARY = " ".join(f"قرأت المكتبة صفحة {n} من كتاب البحر ثم حفظتها في الخزانة رقم {n + 30} قرب النافذة." for n in range(12))
HOSTILE = '</title><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'"> ships'


def document(id_: str, text: str, source: str, title: str, hours: float) -> Document:
    seen = (MORNING + timedelta(hours=hours)).isoformat()
    return Document(id_, text, f"https://{id_}.example/news", source, title, published=seen, first_seen=seen)


DOCUMENTS = (
    document("coast", HARBOUR, "Coast Courier", "Salt ships reach the harbour", 0),
    document("portal", HARBOUR + " Read more on our portal every day and night.", "Portal Ninety", HOSTILE, 2),
    document("maktaba", LIBRARY, "صحيفة الميناء", "المكتبة تحفظ كتاب البحر", 1),
    document("naql", LIBRARY, "موقع النقل", "كتاب البحر في المكتبة", 5),
)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    found = deduplicate(DOCUMENTS)
    articles = {one.id: one.article() for one in DOCUMENTS}
    assert len(found.stories) == 2
    rows = [(one, [articles[one.original], *(articles[copy.article] for copy in one.copies)], ()) for one in found.stories]
    made = report.report(rows, generated=MORNING, since=None, until=None, articles=len(DOCUMENTS))
    target = tmp_path / "report.html"
    target.write_text("".join(render("html", made)), encoding="utf-8")
    return target


def visible(dom: str) -> str:
    """The text of a document, without its styles and scripts, each entity as its character."""
    from html import unescape

    bare = re.sub(r"<(style|script)\b.*?</\1>", " ", dom, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", bare)).split())


def test_every_story_is_shown_with_its_original_and_copies(page, browser):
    dom = browser.dom(page)
    text = visible(dom)
    for one in DOCUMENTS:
        assert one.source in text
        assert f'href="{one.url}"' in dom
    for title in ("Salt ships reach the harbour", "المكتبة تحفظ كتاب البحر", "كتاب البحر في المكتبة"):
        assert title in text
    assert text.index("Salt ships reach the harbour") < text.index("Portal Ninety", text.index("Salt ships"))


def test_foreign_text_is_shown_and_never_run(page, browser):
    dom = browser.dom(page)
    assert "<title>Duplicate report</title>" in dom
    assert 'document.title="owned"' in visible(dom)
    assert "<img" not in dom
    assert "<script" not in dom


def test_nothing_is_asked_of_anybody(page, browser):
    dom = browser.dom(page)
    assert not re.findall(r"<(?:link|iframe|object|embed|video|audio|source)\b", dom)
    assert "@import" not in dom
    assert "url(" not in dom


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (500, 900)])
def test_nothing_is_cut_at_the_side(page, browser, width, height):
    """A script of the test measures the page; so the page's own ban on scripts is taken out of this copy."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    measured = page.with_name("measured.html")
    measured.write_text(text.replace("</body>", "<script>document.documentElement.dataset.wide = "
                                     "document.documentElement.scrollWidth - innerWidth</script></body>"))
    found = re.search(r'data-wide="(-?\d+)"', browser.dom(measured, f"--window-size={width},{height}"))
    assert found is not None
    assert int(found[1]) <= 0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_it_is_painted(page, browser, tmp_path, theme):
    flags = ["--force-dark-mode"] if theme == "dark" else []
    rows = pixels(browser.screenshot(page, tmp_path / f"{theme}.png", 900, 900, *flags))
    colours = {bytes(row[at:at + 3]) for row in rows for at in range(0, len(row), 3)}
    assert len(colours) > 20                     # letters, borders, badges: more than an empty page
    inked = [n for n, row in enumerate(rows) if len({bytes(row[at:at + 3]) for at in range(0, len(row), 3)}) > 3]
    assert len(inked) > 200                      # of 900 rows: it is text down the page, not one line of an error


def pixels(png: bytes) -> list[bytearray]:
    """The rows of an 8-bit RGB or RGBA image, three bytes a pixel: PNG's five filters undone."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) in ((8, 2), (8, 6))
    size = 3 if kind == 2 else 4
    data, at = b"", 8
    while at < len(png):
        length, name = struct.unpack(">I4s", png[at:at + 8])
        if name == b"IDAT":
            data += png[at + 8:at + 8 + length]
        at += length + 12
    raw, stride, rows, before = zlib.decompress(data), width * size, [], bytearray(width * size)
    for n in range(height):
        start = n * (stride + 1)
        before = unfiltered(raw[start], bytearray(raw[start + 1:start + 1 + stride]), before, size)
        rows.append(before)
    return [bytearray(b for x in range(0, stride, size) for b in row[x:x + 3]) for row in rows]


def unfiltered(kind: int, line: bytearray, above: bytearray, size: int) -> bytearray:
    for x in range(len(line)):
        left, up, corner = (line[x - size] if x >= size else 0), above[x], (above[x - size] if x >= size else 0)
        if kind == 1:
            add = left
        elif kind == 2:
            add = up
        elif kind == 3:
            add = (left + up) // 2
        elif kind == 4:
            guess = left + up - corner
            add = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            add = 0
        line[x] = (line[x] + add) & 255
    return line
