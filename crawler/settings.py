"""What a person configured, typed and frozen. `config.py` reads it from YAML and names every mistake by its line."""

import os
import re
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

# Else pydantic asks every installed package whether it is a plugin, .03 s at each start; and one would have a say in what
# a configuration means.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

_DURATION_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_SIZE_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}


_QUANTITY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([A-Za-z]+)")
_CREDENTIALS = re.compile(r"(?P<scheme>https?://)(?P<given>[^/?#]*)@", re.IGNORECASE)   # up to the last @ of the host's part
_LONGEST = timedelta(days=36500)  # a century: `now - window` must stay a date


def _quantity(value: Any, units: dict[str, Any], example: str) -> Any:
    """Read "30s" or "15MiB"; a bare number has no unit and is refused, so that nobody guesses."""
    hit = _QUANTITY.fullmatch(value.strip()) if isinstance(value, str) else None
    if hit is None or hit[2] not in units:
        raise ValueError(f"expected a number with one of {' '.join(units)}, such as {example}")
    return float(hit[1]) * units[hit[2]]


def parse_duration(value: Any) -> Any:
    """"30s", "10m", "1h", "7d" -> timedelta. Raises ValueError with an example."""
    if isinstance(value, timedelta):
        return value
    seconds = _quantity(value, _DURATION_UNITS, "30s or 10m")
    if seconds > _LONGEST.total_seconds():
        raise ValueError(f"expected at most {_LONGEST.days}d")
    return timedelta(seconds=seconds)


def parse_size(value: Any) -> Any:
    """"512KiB", "15MiB" -> bytes; an int is bytes already. Raises ValueError with an example."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(_quantity(value, _SIZE_UNITS, "512KiB or 15MiB"))


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Size = Annotated[int, BeforeValidator(parse_size)]
Network = IPv4Network | IPv6Network


class Section(BaseModel):
    """A mapping of the configuration: unknown keys are refused, values are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, validate_default=True)


class PerHost(Section):
    """How one host is treated."""

    concurrency: int = Field(2, ge=1, le=32)
    delay: Duration = timedelta(seconds=1)


class PollInterval(Section):
    """Bounds of the adaptive interval."""

    min: Duration = timedelta(minutes=5)
    start: Duration = timedelta(minutes=30)
    max: Duration = timedelta(hours=24)


class MaxBytes(Section):
    """Caps after decompression."""

    feed: Size = 16 * 1024**2
    page: Size = 8 * 1024**2


class Quota(Section):
    """What one feed and one host may cost on one day (UTC). What lies beyond waits for the next."""

    entries: int = Field(5000, ge=1)   # new ones of a feed: the busiest agency wires bring some 2,000
    pages: int = Field(20_000, ge=1)   # of a host: one every four seconds


class Crawl(Section):
    """How things are fetched."""

    concurrency: int = Field(64, ge=1, le=1024)
    per_host: PerHost = PerHost()
    poll: PollInterval = PollInterval()
    timeout: Duration = timedelta(seconds=30)
    max_bytes: MaxBytes = MaxBytes()
    quota: Quota = Quota()
    robots: Literal["obey", "ignore"] = "obey"
    full_text: Literal["page", "feed", "auto"] = "page"
    follow_attribution: bool = True
    private_networks: tuple[Network, ...] = ()
    proxy: str | None = None


class Extract(Section):
    """Worker processes for everything that parses foreign bytes."""

    workers: int = Field(2, ge=1, le=64)
    timeout: Duration = timedelta(seconds=10)


class Translations(Section):
    """How copies in other languages are found."""

    encoder: str = "use-m3"
    second: str | None = None           # for languages that the first does not cover
    window: Duration = timedelta(days=3)
    calibration: Path | None = None     # of the first, where it is none of those that ship


class Matching(Section):
    """What counts as a copy."""

    containment: float = Field(0.6, gt=0, le=1)
    min_words: int = Field(40, ge=5)
    window: Duration = timedelta(days=90)
    translations: bool | Translations = False

    @property
    def across(self) -> Translations | None:
        """What is asked of other languages; None: nothing."""
        if isinstance(self.translations, bool):
            return Translations() if self.translations else None
        return self.translations


class License(Section):
    """A licence to republish."""

    from_: str = Field(alias="from")
    since: date | None = None
    until: date | None = None


class Source(Section):
    """What is known of a source."""

    kind: Literal["agency", "publisher", "aggregator"] = "publisher"
    domains: tuple[str, ...] = ()
    timezone: str | None = None
    licensed: tuple[License, ...] = ()


class Review(Section):
    """The review page."""

    listen: str | None = "127.0.0.1:8477"
    public_url: str | None = None
    allowed_hosts: tuple[str, ...] = ()
    tokens_file: Path | None = None
    hub: str | None = None   # WebSub, of our own output feeds


class Webhook(Section):
    """Where events are posted, and of which stories: those that fulfil every condition that is given."""

    url: str
    events: tuple[Literal["story", "original-changed"], ...] = ("story", "original-changed")
    secret: SecretStr | None = None
    words: tuple[str, ...] = ()         # one of them in a headline, a source, or how the original begins
    sources: tuple[str, ...] = ()       # one of them is in the story, as what `role` says
    role: Literal["original", "copy"] | None = None
    languages: tuple[str, ...] = ()     # of the original
    min_copies: int = Field(1, ge=1)


class Retention(Section):
    """How long things are kept."""

    pages: Duration = timedelta(days=30)
    articles: Duration = timedelta(days=400)


class Auth(Section):
    """Credentials of one feed, for its origin only."""

    username: str
    password: SecretStr


class FeedConfig(Section):
    """One feed, as a person asked for it."""

    url: str
    source: str | None = None
    every: Duration | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    headers: dict[str, SecretStr] = {}
    auth: Auth | None = None
    keep: tuple[str, ...] = ()     # patterns on title or link: only these
    drop: tuple[str, ...] = ()
    validators: bool = True

    @model_validator(mode="before")
    @classmethod
    def _credentials_apart(cls, data: Any) -> Any:
        """`https://user:pass@host/` is the address without them, and `auth`: an address is stored, logged and shown."""
        url = data.get("url") if isinstance(data, dict) else None
        if not isinstance(url, str) or (found := _CREDENTIALS.match(url)) is None:
            return data
        bare = found["scheme"] + url[found.end():]
        user, _, password = found["given"].partition(":")
        stated = {} if data.get("auth") or not found["given"].strip(":") else {
            "auth": {"username": unquote(user), "password": unquote(password)}}
        return {**data, "url": bare, **stated}


class Settings(Section):
    """The whole configuration, OPML and include files resolved into `feeds`."""

    store: str = "sqlite:///var/firsthand.db"
    state_dir: Path = Path("var")
    contact: str | None = None
    crawl: Crawl = Crawl()
    extract: Extract = Extract()
    match: Matching = Matching()
    sources: dict[str, Source] = {}
    review: Review = Review()
    webhooks: tuple[Webhook, ...] = ()
    retention: Retention = Retention()
    feeds: tuple[FeedConfig, ...] = ()
