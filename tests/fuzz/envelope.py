"""One input of bytes for readers that take more: parameters in a first line `?name=value&name=value`, then the document;
or several texts, parted by lines of three dashes. Plain to read in the corpus, and plain to a fuzzer."""

from urllib.parse import parse_qsl

Parameters = dict[str, str]


def opened(data: bytes) -> tuple[Parameters, bytes]:
    """The parameters and what follows them."""
    if not data.startswith(b"?"):
        return {}, data
    first, _, rest = data[1:].partition(b"\n")
    return dict(parse_qsl(first.decode("utf-8", "replace"), keep_blank_values=True)), rest


def text(data: bytes) -> str:
    """Bytes as text, with lone surrogates where they are no UTF-8, as JSON and page scripts can bring them."""
    return data.decode("utf-8", "surrogatepass") if b"\xed" in data and _passes(data) else data.decode("utf-8", "replace")


def _passes(data: bytes) -> bool:
    try:
        data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return False
    return True


def texts(data: bytes, count: int) -> list[str]:
    """`count` texts; those that are missing are empty."""
    found = text(data).split("\n---\n", count - 1)
    return found + [""] * (count - len(found))


def number(raw: str, otherwise: int) -> int:
    """A parameter as a whole number of at most six digits."""
    return int(raw) if raw.isascii() and raw.removeprefix("-").isdigit() and len(raw) <= 6 else otherwise
