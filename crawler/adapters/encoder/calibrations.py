"""What is known of encoders: the calibrations that ship, and those that `firsthand calibrate` wrote."""

import json
from dataclasses import asdict
from pathlib import Path

from crawler.core.align import FIGURES, Calibration
from crawler.errors import UsageError

KNOWN: dict[str, Calibration] = {
    "use-m3": Calibration("use-m3", 1.0, 0.0, (17.29, 12.6, 6.87, 4.17, 1.21, 7.1, 5.08, 6.29), -29.52),
}


def read(path: Path, encoder: str) -> Calibration:
    """A calibration from its file. Raises UsageError where it is none, or that of another encoder."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        made = Calibration(str(found["encoder"]), float(found["slope"]), float(found["offset"]),
                           tuple(float(found["weights"][name]) for name in FIGURES), float(found["bias"]))
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, LookupError):
        raise UsageError(f"{path}: no calibration; `firsthand calibrate` writes one") from None
    if made.encoder != encoder:
        raise UsageError(f"{path}: the calibration of {made.encoder}, not of {encoder}")
    return made


def written(calibration: Calibration) -> str:
    """As `read` takes it."""
    weights = dict(zip(FIGURES, calibration.weights, strict=True))
    return json.dumps({**asdict(calibration), "weights": weights}, indent=2) + "\n"
