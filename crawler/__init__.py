"""Firsthand: finds machine-made copies of news, and names the earliest known source."""

__version__ = "0.1.0"

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from crawler.dedup import Deduplicated, Document, compare, deduplicate

__all__ = ["Deduplicated", "Document", "__version__", "compare", "deduplicate"]


def __getattr__(name: str) -> Any:
    """Load the matcher at its first use: `firsthand --help` must not wait for it."""
    if name in {"Deduplicated", "Document", "compare", "deduplicate"}:
        from crawler import dedup  # noqa: PLC0415 - see above

        return getattr(dedup, name)
    raise AttributeError(f"module 'crawler' has no attribute {name!r}")
