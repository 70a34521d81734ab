"""What every handler works with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from aiohttp import web

from crawler.desk import Desk
from crawler.settings import Review, Settings
from crawler.tokens import Tokens
from crawler.web.figures import Figures

LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
LOCAL = "local"   # who rules where nobody needs a token


class Wellness(Protocol):
    """How well the process is; `crawler.health.Health`."""

    def alive(self) -> tuple[bool, dict[str, Any]]:
        """Whether what must turn turns. Asks nobody."""
        ...

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether it does its work. Raises nothing."""
        ...

    async def refresh(self) -> None:
        """Measure what is true just now. Raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """The desk, the settings, and what else the process gives: how well it is, who may in."""

    desk: Desk
    settings: Settings
    health: Wellness
    tokens: Tokens | None = None
    routes: tuple[web.RouteDef, ...] = field(default=())   # further ones, open to the world

    @property
    def review(self) -> Review:
        """Of the settings."""
        return self.settings.review

    @property
    def origin(self) -> str | None:
        """Scheme and host of `public_url`."""
        if self.review.public_url is None:
            return None
        parts = urlsplit(self.review.public_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    def base(self, request: web.Request) -> str:
        """The address under which whoever asks reaches us, without a slash at its end."""
        return (self.review.public_url or f"{request.scheme}://{request.host}").rstrip("/")

    def hosts(self) -> frozenset[str]:
        """Names in a Host header that mean us, lower case, without a port."""
        return frozenset({*LOOPBACK, *_names([self.review.public_url] if self.review.public_url else []),
                          *(name.lower() for name in self.review.allowed_hosts), *_listened(self.review.listen)})


def _names(urls: Iterable[str]) -> Iterable[str]:
    for url in urls:
        host = urlsplit(url).hostname
        if host:
            yield f"[{host}]" if ":" in host else host


def _listened(listen: str | None) -> Iterable[str]:
    """The address itself, unless it is every address of the machine: any name may lead there."""
    host = (listen or "").rpartition(":")[0].lower()
    if host and host not in ("0.0.0.0", "[::]"):  # noqa: S104 - compared, not bound
        yield host


ROOM = web.AppKey("room", Room)
FIGURES = web.AppKey("figures", Figures)
NAME = web.RequestKey("name", str)
"""On a request: whose it is."""
FORM = web.RequestKey("form", str)
"""On a request: the token that its forms carry."""
