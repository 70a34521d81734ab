"""Why a document is not taken as a feed."""

from crawler.core.text import clean
from crawler.errors import OperationError, Reason


class FeedFault(OperationError):  # noqa: N818  a fault of the document, named as the reports name it
    """A document that is no feed, or no whole one: a `Reason` and one line for a person. Survives pickling."""

    def __init__(self, reason: Reason, detail: str) -> None:
        detail = " ".join(clean(detail).split())[:300]
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
