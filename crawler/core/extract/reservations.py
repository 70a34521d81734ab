"""What a page says about text and data mining: TDMRep, and the noai words of robots tags. Kept, not judged."""

from collections.abc import Iterator, Mapping, Sequence

from crawler.core.text import clean
from crawler.core.types import Reservation

_TDM = frozenset({"tdm-reservation", "tdm-policy"})
_WORDS = frozenset({"noai", "noimageai", "noml", "nomachinelearning", "notrain"})


def read(metas: Sequence[Mapping[str, str]], headers: Sequence[tuple[str, str]]) -> tuple[Reservation, ...]:
    """The reservations of headers and meta tags, in order, each once, at most 20."""
    found = [*_from_headers(headers), *_from_meta(metas)]
    return tuple(dict.fromkeys(found))[:20]


def _from_headers(headers: Sequence[tuple[str, str]]) -> Iterator[Reservation]:
    for name, value in headers:
        key = name.lower()
        if key in _TDM:
            yield Reservation(key, _value(value))
        elif key == "x-robots-tag":
            # "unavailable_after: …" and "somebot: noai" carry a colon: the words count for whomever they name.
            yield from (Reservation(f"x-robots-tag {word}", _value(value)) for word in _words(value))


def _from_meta(metas: Sequence[Mapping[str, str]]) -> Iterator[Reservation]:
    for meta in metas:
        key = (meta.get("name") or meta.get("property") or "").strip().lower()
        value = meta.get("content") or ""
        if key in _TDM:
            yield Reservation(key, _value(value))
        elif key == "robots" or key.endswith("bot"):
            yield from (Reservation(f"{key} {word}", _value(value)) for word in _words(value))


def _words(value: str) -> list[str]:
    spoken = value.lower().replace(",", " ").replace(":", " ").replace(";", " ").split()
    return [word for word in dict.fromkeys(spoken) if word in _WORDS]


def _value(value: str) -> str:
    return clean(" ".join(value.split()))[:300]
