"""The tree of errors, and the closed list of reasons for which something from outside may fail.

    FirsthandError              one line for a person: what, where, what to do
    ├── UsageError              the command or the configuration is wrong          exit status 2
    │   └── ConfigError         every mistake of a configuration at once
    ├── NotFoundError           nothing is stored under this id                    exit status 3
    └── OperationError          failed while running                               exit status 1
        ├── StoreError          the database is out of reach, full, locked or of another version
        │   ├── LeaseLostError  somebody else has taken this work over: a late writer
        │   └── UnstorableError the database does not take these values, and never will
        └── WorkerError         a worker process ended while it held a task (Reason says why)

A feed or a page that fails is no error: it is a value (`ports.Failed`, `ports.Refused`) with a `Reason`.
No exception of an outside library leaves the adapter that uses the library.
"""

from enum import StrEnum


class Reason(StrEnum):
    """Why a feed or a page could not be had. Closed: `feeds list`, the log and the README use the same words."""

    TIMEOUT = "timeout"
    DNS = "dns"
    TLS = "tls"
    NETWORK = "network"
    PROTOCOL = "protocol"
    HEADERS = "headers"
    TOO_LARGE = "too_large"
    BOMB = "bomb"
    ENCODING = "encoding"
    TRUNCATED = "truncated"
    REDIRECTS = "redirects"
    REDIRECT = "redirect"
    PRIVATE = "private"
    NOT_A_FEED = "not_a_feed"
    EMPTY = "empty"
    CPU = "cpu"
    MEMORY = "memory"
    HTTP_4XX = "http_4xx"
    HTTP_5XX = "http_5xx"
    GONE = "gone"
    RATE_LIMITED = "rate_limited"
    CHALLENGE = "challenge"
    ROBOTS = "robots"
    QUOTA = "quota"
    STORE = "store"


class FirsthandError(Exception):
    """Anything that ends a command; its text is the one line a person reads."""

    exit_status = 1


class UsageError(FirsthandError):
    """The command or the configuration is wrong."""

    exit_status = 2


class ConfigError(UsageError):
    """A configuration with mistakes; `mistakes` holds one line each, `FILE:LINE: path: reason`."""

    def __init__(self, mistakes: list[str]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


class NotFoundError(FirsthandError):
    """Nothing is stored under the id that was given."""

    exit_status = 3


class ConflictError(FirsthandError):
    """Somebody else changed it meanwhile; nothing was written."""


class OperationError(FirsthandError):
    """Something failed while running."""


class StoreError(OperationError):
    """The database is out of reach, full, locked, damaged or of another version."""


class LeaseLostError(StoreError):
    """The lease on a piece of work has passed to another worker; nothing was written."""


class UnstorableError(StoreError):
    """The database does not take the values that it was given; nothing was written, and it would not help to try again."""


class WorkerError(OperationError):
    """A worker process was ended, or died, while it held a task."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail
