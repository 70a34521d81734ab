"""The day of a page by its looks: htmldate's only door. Right on 92 to 94 of 100 real pages where it finds one."""

from datetime import datetime
from typing import Any

_FAR = "2099-12-31"  # without this the library would read the clock


def day_of(tree: Any, url: str, latest: datetime | None) -> str | None:
    """YYYY-MM-DD of first publication, quick mode, not after `latest`; None where nothing is found."""
    from htmldate import find_date  # noqa: PLC0415 - a quarter of a second that only workers should pay

    try:
        found = find_date(tree, original_date=True, extensive_search=False, url=url,
                          max_date=latest.strftime("%Y-%m-%d") if latest else _FAR)
    except Exception:  # noqa: BLE001 - a foreign page may trip any part of the library; then it has no day
        return None
    return str(found) if found else None
