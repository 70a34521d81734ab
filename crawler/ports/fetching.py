"""HTTP and worker processes: what goes out, what comes back, what each promises."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from crawler.errors import Reason

T = TypeVar("T")

Clock = Callable[[], datetime]
"""The present as an aware datetime in UTC. Only `app.py` hands out the real one."""


@dataclass(frozen=True, slots=True)
class Request:
    """One GET; of a form, one POST. `kind` selects the byte cap; credentials go to the URL's own origin only."""

    url: str
    kind: Literal["feed", "page", "robots", "hub"] = "page"
    etag: str | None = None
    last_modified: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    auth: tuple[str, str] | None = None
    form: tuple[tuple[str, str], ...] = ()     # sent again only where a 307 or 308 says so (WebSub, 5.1)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A 2xx answer, whole and decompressed. Header names are lower case, in order of arrival."""

    url: str                      # as requested
    final_url: str                # after redirects
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    at: datetime                  # when the answer was complete
    permanent_url: str | None = None  # where a chain of 301/308 only led to, else None
    private: bool = False         # the host stands in `private_networks`


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A 304 to a conditional request."""

    headers: tuple[tuple[str, str], ...]
    at: datetime
    permanent_url: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The server at `final_url` answered and said no: 4xx, 5xx, 429, a challenge. `headers` has Retry-After and Date."""

    reason: Reason
    detail: str
    status: int
    headers: tuple[tuple[str, str], ...]
    at: datetime
    private: bool = False
    final_url: str = ""           # after redirects


@dataclass(frozen=True, slots=True)
class Failed:
    """No usable answer."""

    reason: Reason
    detail: str
    at: datetime


Outcome = Fetched | Unchanged | Refused | Failed


class Turns(Protocol):
    """Whose turn it is at a host, where others ask it too."""

    def turn(self, host: str, delay: timedelta) -> AbstractAsyncContextManager[None]:
        """Held for one request, `delay` or more after the start of any other at the host. Raises StoreError."""
        ...


class Fetcher(Protocol):
    """HTTP. One call is one request plus its redirects; nothing is retried silently. Raises nothing but cancellation,
    and StoreError where turns at hosts are kept in a store that is out of reach: then nothing was requested."""

    async def get(self, request: Request) -> Outcome:
        """Fetch, keeping the global and the per-host concurrency and the per-host delay between starts."""
        ...

    def set_delay(self, host: str, delay: timedelta) -> None:
        """Raise the delay between starts for a host (robots.txt Crawl-delay); never lowers the configured one."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Pool(Protocol):
    """Worker processes for everything that parses foreign bytes or takes CPU time."""

    async def run(self, function: Callable[..., T], *args: Any, timeout: float) -> T:
        """Call a picklable module-level function in a worker.

        Raises WorkerError(CPU) when it has used `timeout` seconds of processor time, or waits for many times as long
        (the worker is killed), WorkerError(MEMORY) when it runs out of memory or dies; an exception of the function
        itself is raised as it is.
        """
        ...

    def running(self) -> str | None:
        """None where tasks can be done, else why not."""
        ...

    async def close(self) -> None:
        """End the workers."""
        ...
