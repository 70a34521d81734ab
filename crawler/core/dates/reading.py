"""What every reader of dates returns."""

from dataclasses import dataclass
from datetime import datetime

from crawler.core.types import Resolution


@dataclass(frozen=True, slots=True)
class Reading:
    """A date as written: the clock on the writer's wall, how finely, and the words of the zone (empty for none)."""

    wall: datetime
    resolution: Resolution
    zone: str = ""
