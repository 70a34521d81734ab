"""Foreign bytes -> text that a parser can be given: decoded, cleaned, entities settled. HTML -> plain text.

Shared by the readers of feeds, OPML and pages that name feeds. Nothing here opens, connects or imports by a name that
the bytes chose: encodings come from a closed list, entities from HTML's table, and a DTD is never read.
"""

import codecs
import re
from collections.abc import Iterator
from encodings import normalize_encoding
from encodings.aliases import aliases
from functools import lru_cache
from html.entities import name2codepoint

from lxml import etree

from crawler.core.text import clean, unescape


class UndecodableError(ValueError):
    """The bytes declare an encoding outside the closed list; the text names it."""


# --- bytes -> text ----------------------------------------------------------------------------------------------

# Python's codec name -> the codec to decode with: the superset that browsers use for that label (WHATWG Encoding), since
# publishers write Windows characters under ISO labels. What is not here is refused: UTF-7, punycode, zlib, rot13, …
_SAME = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255",
         "cp1256", "cp1257", "cp1258", "cp866", "cp874", "cp932", "cp949", "cp950", "koi8-r", "koi8-u", "gb18030",
         "big5hkscs", "euc_jp", "iso2022_jp", "mac-roman", "mac-cyrillic", "utf-8",
         *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)))
_CODECS = {name: name for name in _SAME} | {
    "utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le", "ascii": "cp1252", "iso8859-1": "cp1252",
    "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030", "gbk": "gb18030",
    "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949",
}
_LABELS = {  # labels seen in the wild that Python does not know
    "utf8mb4": "utf-8", "unicode": "utf-8", "unicode-1-1-utf-8": "utf-8", "x-sjis": "cp932", "sjis": "cp932",
    "windows-874": "cp874", "windows-949": "cp949", "x-cp1251": "cp1251", "win-1251": "cp1251", "x-cp1252": "cp1252",
    "ansi": "cp1252", "iso-8859-8-i": "iso8859-8", "x-gbk": "gb18030", "x-euc-jp": "euc_jp", "macintosh": "mac-roman",
    "x-mac-cyrillic": "mac-cyrillic", "ucs-2": "utf-16-le", "iso-10646-ucs-2": "utf-16-le", "ucs-4": "utf-32-le",
}
_BOMS = ((codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"), (codecs.BOM_UTF8, "utf-8"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_WIDE = ((re.compile(rb"[<{]\0\0\0"), "utf-32-le"), (re.compile(rb"\0\0\0[<{]"), "utf-32-be"),
         (re.compile(rb"(?:\s\0){0,64}[<{]\0"), "utf-16-le"), (re.compile(rb"(?:\0\s){0,64}\0[<{]"), "utf-16-be"))
_EBCDIC = b"\x4c\x6f\xa7\x94"  # "<?xm"
_DECLARED = re.compile(rb"<\?xml[^>]{0,200}?\bencoding\s*=\s*[\"']([^\"'>]{0,64})", re.IGNORECASE)
_META = re.compile(rb"<meta[^>]{0,200}?\bcharset\s*=\s*[\"']?\s*([^\"'>\s;]{1,64})", re.IGNORECASE)
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head)\b", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*[\"']?\s*([^\"';,\s]{1,64})", re.IGNORECASE)
_LANGUAGE = re.compile(rb"(?:<(?:dc:)?language>\s*|\blang\s*=\s*[\"'])([a-z]{2})\b", re.IGNORECASE)
_BY_LANGUAGE = {
    **dict.fromkeys(("ru", "uk", "bg", "be", "mk", "sr", "kk"), ("cp1251",)),
    **dict.fromkeys(("cs", "hr", "hu", "pl", "ro", "sk", "sl"), ("cp1250",)),
    **dict.fromkeys(("et", "lt", "lv"), ("cp1257",)),
    **dict.fromkeys(("ar", "fa", "ur"), ("cp1256",)),
    "el": ("cp1253",), "he": ("cp1255",), "tr": ("cp1254",), "vi": ("cp1258",), "th": ("cp874",),
    "zh": ("gb18030", "big5hkscs"), "ja": ("cp932", "euc_jp"), "ko": ("cp949",),
}
_STRAY_BYTES = {0xDC00 + byte: bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0x100)}
# U+0080..9F in text are Windows bytes that somebody converted as Latin-1: curly quotes and dashes.
_C1 = {byte: bytes([byte]).decode("cp1252", "ignore") for byte in range(0x80, 0xA0)}
_STRAY = re.compile("[\udc80-\udcff]")
_FOREIGN = re.compile("[^\x00-\x7f\udc80-\udcff]")


def decode(body: bytes, content_type: str | None = None, language: str | None = None) -> str:
    """Decode, repairing false labels, and clean (`core.text.clean`; no BOM, no noncharacters).

    A byte order mark decides; then bytes that are valid UTF-8 are UTF-8, whatever their label says; then the XML
    declaration (or an HTML meta), then the charset of `content_type`; then what `language` (ISO 639-1) suggests. The
    document goes before the header, against RFC 7303: servers add a default charset, nobody transcodes on the way.
    Raises UndecodableError where the deciding label is not in the closed list.
    """
    text = _marked(body)
    if text is None:
        text = _unmarked(body, content_type, language)
    if _ODD.search(text) is None:
        return text
    if _TWICE_SIGN.search(text):
        text = _TWICE.sub(_undone, text)
    return tidy(text.translate(_C1))


def tidy(text: str) -> str:
    """`core.text.clean`, without noncharacters and byte order marks; quick for a long text that needs nothing."""
    return _NONCHARACTERS.sub("", clean(text)) if _ODD.search(text) else text


# Whatever is not plainly wanted: one search spares most documents four passes (2.1 s of 13 for 4 MB under the profiler).
_ODD = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2029\u202f-\u2065\u206a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_NONCHARACTERS = re.compile("[\ufeff\ufffe\uffff]")
# UTF-8 that was read as Latin-1 and written as UTF-8 again. A control character after a letter with an accent gives it
# away: no text holds that; without such a sign "Ó»" may be just that.
_TWICE_SIGN = re.compile("[\xc2-\xdf][\x80-\x9f]|[\xe0-\xef][\x80-\xbf][\x80-\x9f]")
_TWICE = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


def _undone(found: re.Match[str]) -> str:
    return found.group().encode("latin-1").decode("utf-8", "ignore") or found.group()


def _marked(body: bytes) -> str | None:
    """Decode by byte order mark, or by the NUL bytes around the first character of markup."""
    for mark, codec in _BOMS:
        if body.startswith(mark):
            text = body[len(mark):].decode(codec, "replace")
            # A mark that lies turns markup into garbage without a single angle bracket.
            if codec == "utf-8" or "<" in text or "{" in text or not text.strip():
                return None if codec == "utf-8" else text
    wide = next((codec for pattern, codec in _WIDE if pattern.match(body)), None)
    return body.decode(wide, "replace") if wide else None


def _unmarked(body: bytes, content_type: str | None, language: str | None) -> str:
    if body.startswith(_EBCDIC):
        raise UndecodableError("EBCDIC")
    declared = _declared(body, content_type)
    if "iso2022_jp" in declared and b"\x1b" in body:
        return body.decode("iso2022_jp", "replace")
    text = body.decode("utf-8", "surrogateescape")
    stray = len(_STRAY.findall(text))
    if not stray:
        return text
    legacy = _legacy(body, declared)
    if legacy is not None:
        return legacy
    # UTF-8 with a few broken characters, mostly texts cut in the middle of one: read the stray bytes as Windows does.
    if len(_FOREIGN.findall(text)) >= stray:
        return text.translate(_STRAY_BYTES)
    return _guessed(body, language)


def _declared(body: bytes, content_type: str | None) -> list[str]:
    """The codecs that the document and the header name, in order of trust."""
    head = body[:4096]
    inside = _DECLARED.search(head) or (_META.search(head) if _HTML.search(head) else None)
    labels = [inside.group(1).decode("latin-1")] if inside else []
    header = _CHARSET.search(content_type or "")
    labels += [header.group(1)] if header else []
    known = [_codec(label) for label in labels]
    if known and known[0] is None:
        raise UndecodableError(line(labels[0])[:40])
    return [codec for codec in known if codec]


def _codec(label: str) -> str | None:
    name = label.strip().lower()
    found = python_codec(_LABELS.get(name, name), frozenset(_CODECS))
    return None if found is None else _CODECS[found]


def python_codec(label: str, allowed: frozenset[str]) -> str | None:
    """Python's name of a codec, where it is one of `allowed`. `codecs.lookup` would import a module by any other label."""
    module = _module(label)
    return _names(allowed).get(module) if module is not None else None


@lru_cache(maxsize=8)
def _names(allowed: frozenset[str]) -> dict[str, str]:
    """The modules of the standard library that hold the allowed codecs, and the codecs' names."""
    return {module: name for name in sorted(allowed) if (module := _module(name)) is not None}


def _module(label: str) -> str | None:
    """The module of the standard library in which a codec of this label would be, as `encodings` looks for it."""
    if not label.isascii() or not 0 < len(label) <= 64:
        return None
    name = normalize_encoding(label).lower()
    return aliases.get(name) or aliases.get(name.replace(".", "_")) or name


def _legacy(body: bytes, declared: list[str]) -> str | None:
    for codec in declared:
        if codec.startswith("utf"):
            continue
        text = body.decode(codec, "surrogateescape")
        # One byte in fifty may be wrong in the declared encoding before its label is held to be false.
        if len(_STRAY.findall(text)) * 50 <= len(_FOREIGN.findall(text)):
            return text.translate(_STRAY_BYTES)
    return None


def _guessed(body: bytes, language: str | None) -> str:
    """Decode bytes that have no true label by the language of the document."""
    stated = _LANGUAGE.search(body[:4096])
    tongue = (language or (stated.group(1).decode() if stated else ""))[:2].lower()
    options = _BY_LANGUAGE.get(tongue) or _by_shape(body)
    for codec in options:
        try:
            return body.decode(codec)
        except UnicodeDecodeError:
            continue
    return body.decode(options[0], "surrogateescape").translate(_STRAY_BYTES)


def _by_shape(body: bytes) -> tuple[str, ...]:
    """Latin texts have lone high bytes, whole words of them are another script: Cyrillic is the likeliest."""
    sample = body[:65536]
    high = sum(len(run) for run in re.findall(rb"[\x80-\xff]+", sample))
    runs = sum(len(run) for run in re.findall(rb"[\xc0-\xff]{3,}", sample))
    return ("cp1251",) if runs * 2 > high else ("cp1252",)


# --- entities ---------------------------------------------------------------------------------------------------

# In two passes, since most of a feed's ampersands need no function call: those of XML's own names, and bare ones.
_BARE = re.compile(r"&(?!#[0-9]{1,8};|#[xX][0-9a-fA-F]{1,7};|[A-Za-z][A-Za-z0-9]{0,31};)")
_REFERENCE = re.compile(r"&(?!amp;|lt;|gt;|quot;|apos;)(?:#([0-9]+|[xX][0-9a-fA-F]+)|([A-Za-z0-9]+));")


def settle_references(text: str) -> str:
    """Make every `&` of some XML text (no CDATA) legal without a DTD: HTML's names become numbers, unknown names and
    bare ampersands are escaped, references to characters that XML forbids vanish."""
    return _REFERENCE.sub(_settled, _BARE.sub("&amp;", text))


def _settled(found: re.Match[str]) -> str:
    number, name = found.groups()
    if number:
        return _settled_number(int(number[1:], 16) if number[0] in "xX" else int(number))
    return f"&#{name2codepoint[name]};" if name in name2codepoint else f"&amp;{name};"


def _settled_number(code: int) -> str:
    code = ord(_C1[code] or " ") if code in _C1 else code
    legal = code in {9, 10, 13} or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
    return f"&#{code};" if legal else ""


# --- HTML -> plain text -----------------------------------------------------------------------------------------

_INLINE = frozenset({"a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i",
                     "ins", "kbd", "mark", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "time",
                     "tt", "u", "var", "wbr"})
_SILENT = frozenset({"script", "style", "template", "noscript", "head", "iframe", "object"})


def plain(markup: str) -> str:
    """The text of an HTML fragment: tags and entities resolved once, on one line, without scripts and styles."""
    if "<" not in markup:
        return line(unescape(markup))
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        # An element around it keeps a leading text from being taken for the page's head.
        tree = etree.fromstring(b"<div>" + markup.encode("utf-8", "ignore") + b"</div>", parser)
    except (etree.LxmlError, ValueError):
        return line(unescape(re.sub(r"<[^<>]*>", " ", markup)))
    return line("".join(_pieces(tree))) if tree is not None else ""


def _pieces(tree: etree._Element) -> Iterator[str]:
    silent = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        tag = element.tag
        if tag in _SILENT:
            silent += 1 if event == "start" else -1
        elif tag not in _INLINE:
            yield " "
        piece = element.text if event == "start" else element.tail
        if piece and not silent:
            yield piece


def line(text: str) -> str:
    """Clean and on one line, its white space collapsed."""
    return " ".join(tidy(text).split())
