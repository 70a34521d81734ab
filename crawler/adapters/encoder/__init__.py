"""Sentence encoders behind one door (`ports.Encoder`): the packages of the extra, and models from a hub.

Nothing of them is imported before the first sentence is encoded, in the process that encodes it.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

from crawler.adapters.encoder import calibrations, hub, small
from crawler.core.extract import language
from crawler.core.segments import segments
from crawler.core.vectors import Vectors, packed
from crawler.errors import UsageError
from crawler.matcher import Reading
from crawler.ports.encoding import DEFAULT, Encoder, Encoding, fault

_ENCODERS: dict[str, Callable[[str], Encoder]] = {
    "use-m3": small.UseM3, "e5": small.E5, "model2vec": hub.HubModel, "sentence-transformers": hub.HubModel}


def encoding(name: str = DEFAULT, calibration: Path | None = None) -> Encoding:
    """An encoder by its name, checked, not loaded. `calibration` is a file that `firsthand calibrate` wrote.

    Raises UsageError where there is none such, it is not installed, or nobody has calibrated it.
    """
    check(name)
    found = calibrations.read(calibration, name) if calibration else calibrations.KNOWN.get(name)
    if found is None:
        raise UsageError(f"encoder {name}: its thresholds are not known; run `firsthand calibrate PARALLEL.jsonl --encoder {name} "
                         "-o FILE` and name the FILE as match.translations.calibration")
    return Encoding(name, languages(name), found, encode)


def languages(name: str) -> frozenset[str] | None:
    """What an encoder covers, without loading it."""
    return small.COVERED.get(name)


def check(name: str) -> None:
    """Raises UsageError where an encoder is unknown or not installed."""
    if (found := fault(name)) is not None:
        raise UsageError(f"encoder {found}")


@lru_cache(maxsize=2)   # a model takes 150 MB
def opened(name: str) -> Encoder:
    """The encoder, its model loaded at its first sentence, once a process."""
    return _ENCODERS[name.partition(":")[0]](name)


def encode(name: str, readings: Sequence[Reading]) -> list[Vectors]:
    """The vectors of articles, all sentences in one batch; an article without sentences has none. Languages are judged by
    the texts: pages often state another."""
    bodies = [reading.body() for reading in readings]
    spans = [segments(body) for body in bodies]
    sentences = [body.text[start:end] for body, found in zip(bodies, spans, strict=True) for start, end in found]
    rows = opened(name).encode(sentences) if sentences else None
    made, at = [], 0
    for reading, body, found in zip(readings, bodies, spans, strict=True):
        data = packed(rows[at:at + len(found)]) if rows is not None and found else b""
        at += len(found)
        made.append(Vectors(body.id, name, language.of(body.text, reading.article.language) or "", found, data))
    return made


__all__ = ["DEFAULT", "check", "encode", "encoding", "languages", "opened"]
