"""Bytes -> a tree that every reader of the page shares: decoded once, parsed once, cut to a bounded size.

lxml.html's door. The bounds come from measurement: of 438 real news pages the largest has 4,274 elements, 2.2 MB and
34 levels; trafilatura is quadratic in elements (100,000 paragraphs: over 20 s) and gives nothing from 254 levels on.
"""

import codecs
import re
from dataclasses import dataclass
from itertools import islice
from typing import Any

from lxml import etree, html

from crawler.core.extract.body import guess_encodings
from crawler.core.markup import python_codec

MAX_BYTES = 4 * 1024 * 1024
MAX_ELEMENTS = 30_000
MAX_DEPTH = 200            # deeper subtrees become paragraphs
MAX_SCRIPT = 512 * 1024    # characters of one JSON-LD block; the largest real one had 90 kB
_MAX_ATTRIBUTE = 2_000     # a class attribute of 2 MB costs the extractors 2 to 3 s
_KEPT_OF_IT = 200
_PROSE = 120               # characters of a table cell with paragraphs that make it prose
_PARSER_DEPTH = 2_040      # libxml2 stops reading at 2,048 levels, whatever it is told

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_HTTP_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)
_META_CHARSET = re.compile(rb"<(?:meta|\?xml)\b[^<>]{0,500}?(?:charset|encoding)\s*=\s*[\"']?\s*([\w.:-]{2,40})",
                           re.IGNORECASE)
# Python's codec name -> the superset that browsers use under the same label (WHATWG Encoding Standard). Only these and
# the codecs below are ever used: rot13, idna, punycode, unicode_escape, utf-7 and their like are no encodings of pages.
_SUPERSETS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "hz": "gb18030", "euc_kr": "cp949", "shift_jis": "cp932", "big5": "big5hkscs",
    "cp950": "big5hkscs", "euc_jis_2004": "euc_jp", "euc_jisx0213": "euc_jp", "shift_jis_2004": "cp932",
    "shift_jisx0213": "cp932", "utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8",
}
_CODECS = frozenset({
    "utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp866", "cp874", "cp932", "cp949", "gb18030",
    "big5hkscs", "euc_jp", "iso2022_jp", "koi8-r", "koi8-u", "mac-cyrillic", "mac-roman",
    *(f"cp125{n}" for n in range(9)), *(f"iso8859-{n}" for n in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
})
_KNOWN = _CODECS | frozenset(_SUPERSETS)
_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_BINARY = (b"%PDF", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"PK\x03\x04", b"RIFF", b"\x1f\x8b", b"\x00\x00\x00")
# Tags that survive when a page is nested too deeply for the parser. None of them nests in itself.
_FLAT = re.compile(rb"<(?!/?(?:p|br|title|meta|link|script|a)\b)[^<>]{0,1000}>", re.IGNORECASE)


Attributes = list[tuple[str, str]]   # names and values, in the order of the tag


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed page. `scripts` holds the JSON-LD blocks, `notes` what was cut or repaired.

    `attributes` are those of each element, in document order: taken once, since every reader asks for them, and libxml2
    makes element and string anew for each that asks. `metas` and `links` are those of the tags of these names; `dated` are
    the elements that may date something: <time>, and whatever has an itemprop.
    """

    tree: Any                  # lxml.html.HtmlElement, the root
    scripts: tuple[str, ...]
    attributes: dict[Any, Attributes]
    metas: tuple[dict[str, str], ...]
    links: tuple[dict[str, str], ...]
    dated: tuple[Any, ...]
    notes: tuple[str, ...] = ()


def read(body: bytes, content_type: str | None) -> Document | None:
    """Decode and parse a page; None where the bytes are no text at all."""
    if body.startswith(_BINARY) or not body.strip():
        return None
    notes = [] if len(body) <= MAX_BYTES else [f"cut at {MAX_BYTES} bytes"]
    text, encoding, declared = decode(body[:MAX_BYTES], content_type)
    if _garbled(text[:4_000]):
        return None
    if declared and encoding != declared:
        notes.append(f"declared as {declared}, read as {encoding}")
    return parse(text, notes)


def _garbled(sample: str) -> bool:
    """Whether more than one character in twenty is none: pictures and archives, whatever they call themselves."""
    return len(_NOISE.findall(sample)) * 20 > len(sample)


_NOISE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x80-\x9f\ufffd]")


def parse(text: str, notes: list[str] | None = None) -> Document | None:
    """Parse markup that is already text; None where there is nothing to parse."""
    notes = [] if notes is None else notes
    markup = _permitted(text[:MAX_BYTES])
    tree = _tree(markup)
    if tree is None:
        return None
    scripts = _scripts(tree)
    _lighten(tree)
    deep = bool(_DEEP(tree))
    if deep and _depth(tree) >= _PARSER_DEPTH:
        notes.append("nested too deeply: tags dropped")
        tree = _tree(_FLAT.sub(b"\n", markup))
        deep = tree is not None and bool(_DEEP(tree))
    if tree is None:
        return None
    if _COUNT(tree) > MAX_ELEMENTS:
        notes.append(f"cut at {MAX_ELEMENTS} elements")
        _cut(tree)
    if deep:
        notes.append(f"flattened below {MAX_DEPTH} levels")
        _flatten(tree)
    _free_from_tables(tree)
    return _document(tree, scripts, notes)


def _document(tree: Any, scripts: tuple[str, ...], notes: list[str]) -> Document:
    attributes: dict[Any, Attributes] = {}
    dated, times = [], set(tree.iter("time"))
    for element in tree.iter("*"):
        attributes[element] = items = element.items()
        for name, value in items:
            if len(value) > _MAX_ATTRIBUTE and name in _SHORTENED:
                attributes[element] = _shortened(element)
            if name == "itemprop":
                times.add(element)
        if element in times:
            dated.append(element)
    metas, links = (tuple(dict(attributes[one]) for one in tree.iter(tag)) for tag in ("meta", "link"))
    return Document(tree, scripts, attributes, metas, links, tuple(dated), tuple(notes))


# --- decoding ---------------------------------------------------------------------------------------------------

def decode(body: bytes, content_type: str | None) -> tuple[str, str, str | None]:
    """(text, encoding used, encoding declared). A byte order mark counts first, as in browsers; then bytes that are
    valid UTF-8 beyond ASCII, whatever is declared (no other encoding looks like it by chance); then HTTP, then meta."""
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return body[len(mark):].decode(encoding, "replace"), encoding, None
    declared = _declared(body, content_type)
    first = declared[0] if declared else None
    if first not in _WIDE and (text := _as_utf8(body)) is not None:
        return text, "utf-8", first if first != "cp1252" or not body.isascii() else "utf-8"
    for encoding in declared:
        text = body.decode(encoding, "replace")
        if text.count("\ufffd") * 200 <= len(text):  # a few broken characters are no reason to guess
            return text, encoding, first
    encoding = _guess(body) or first or "utf-8"
    return body.decode(encoding, "replace"), encoding, first


def _declared(body: bytes, content_type: str | None) -> list[str]:
    """What HTTP says, then what the page says, as codecs of the allow-list."""
    http = _HTTP_CHARSET.search(content_type or "")
    meta = _META_CHARSET.search(body[:8192])
    labels = [http.group(1) if http else "", meta.group(1).decode("ascii", "replace") if meta else ""]
    found = [codec for label in labels if (codec := _codec(label)) is not None]
    # A meta tag that can be read as ASCII disproves the wide encodings it may name.
    return [codec for at, codec in enumerate(found) if codec not in _WIDE or (at == 0 and http and b"\x00" in body[:64])]


def _codec(label: str) -> str | None:
    name = python_codec(label.strip().lower(), _KNOWN)
    return None if name is None else _SUPERSETS.get(name, name)


def _as_utf8(body: bytes) -> str | None:
    """The text if the bytes are valid UTF-8; a character cut off at the end is forgiven. NULs mean UTF-16."""
    if b"\x00" in body[:64]:
        return None
    try:
        return codecs.getincrementaldecoder("utf-8")("strict").decode(body)
    except UnicodeDecodeError:
        return None


def _guess(body: bytes) -> str | None:
    """The likeliest encoding by the bytes between the tags."""
    head = body[:200]
    if head.count(0) * 4 > len(head):
        return "utf-16-be" if head[0] == 0 else "utf-16-le"
    sample = re.sub(rb"<[^<>]{0,2000}>|\s+", b" ", body[:400_000])
    beyond = re.search(rb"[^\x00-\x7f]", sample)
    sample = sample[max(0, (beyond.start() if beyond else 0) - 200):]
    guesses = (_codec(label) for label in guess_encodings(sample[:20_000]))
    return next((codec for codec in guesses if codec is not None), None)


# --- the tree ---------------------------------------------------------------------------------------------------

def _permitted(text: str) -> bytes:
    """UTF-8 without what no XML tree may hold, as characters and as references: one of them makes extraction give nothing."""
    markup = text.encode("utf-8", "ignore").translate(None, _CONTROLS)
    for forbidden in _NONCHARACTERS:
        markup = markup.replace(forbidden, b"")
    return _REFERENCE.sub(b"", markup) if b"&#" in markup else markup


_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_REFERENCE = re.compile(rb"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bBcCeEfF]|1[0-9a-fA-F]|[dD][89a-fA-F][0-9a-fA-F]{2}"
                        rb"|[fF]{3}[eEfF]))(?![0-9a-fA-F]);?")


def _tree(markup: bytes) -> Any | None:
    """An lxml.html root, or None where there is no element."""
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True,
                              collect_ids=False, default_doctype=False)
    # lxml.html's own lookup is a function in Python, called for each element of each copy of the tree.
    parser.set_element_class_lookup(_PLAIN)
    try:
        return html.document_fromstring(markup, parser=parser)
    except (etree.LxmlError, ValueError, AssertionError):  # lxml.html asserts on documents without a body
        return None


_PLAIN = etree.ElementDefaultClassLookup(element=html.HtmlElement)
_DEEP = etree.XPath(f"boolean({'/*' * MAX_DEPTH})")
_COUNT = etree.XPath("count(//*)")


def _depth(tree: Any) -> int:
    """The deepest level, the root being 1."""
    deepest = level = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        level += 1 if event == "start" else -1
        deepest = max(deepest, level)
    return deepest


def _scripts(tree: Any) -> tuple[str, ...]:
    """The JSON-LD blocks, in order, at most 40; longer ones than MAX_SCRIPT are left out."""
    blocks = (script.text or "" for script in tree.iter("script") if "ld+json" in (script.get("type") or "").lower())
    return tuple(block for block in blocks if 2 < len(block) <= MAX_SCRIPT)[:40]


def _lighten(tree: Any) -> None:
    """Drop drawings and style sheets: nobody reads them."""
    for element in list(tree.iter("svg", "style")):
        if element.getparent() is not None:
            element.drop_tree()


_SHORTENED = frozenset({"class", "id", "style"})


def _shortened(element: Any) -> Attributes:
    """An element's attributes, the endless ones cut."""
    for name, value in element.items():
        if name in _SHORTENED and len(value) > _MAX_ATTRIBUTE:
            element.set(name, value[:_KEPT_OF_IT])
    return list(element.items())


def _flatten(tree: Any) -> None:
    """Turn what lies below MAX_DEPTH levels into paragraphs."""
    for element in tree.xpath(f"//*[count(ancestor::*) = {MAX_DEPTH - 1}][*]"):
        pieces = [piece for text in element.itertext() if (piece := " ".join(text.split()))]
        del element[:]
        element.text = None
        for piece in pieces:
            etree.SubElement(element, "p").text = piece


def _free_from_tables(tree: Any) -> None:
    """Make divs of tables that only place text on the page: extraction would give their prose as rows, in one line."""
    for cell in tree.xpath(f"//td[string-length(.) > {_PROSE}]"):
        row = cell.getparent()
        table = next(cell.iterancestors("table"), None)
        if row is not None and row.tag == "tr" and table is not None and cell.find(".//p") is not None:
            for element in (*row.iterchildren("td", "th"), row, *row.iterancestors("tbody", "thead", "table")):
                element.tag = "div"
                if element is table:
                    break


def _cut(tree: Any) -> None:
    """Remove all elements after the first MAX_ELEMENTS in document order."""
    node = next(islice(tree.iter(etree.Element), MAX_ELEMENTS, None))
    while (parent := node.getparent()) is not None:
        del parent[parent.index(node) + 1:]
        node = parent
