"""Settings for a person to read: durations and sizes as they are written, paths resolved, secrets masked."""

import re
from collections.abc import Collection
from datetime import date, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from crawler.config.source import render
from crawler.log import redact
from crawler.settings import MaxBytes, Settings

MASK = "***"


def dump(settings: Settings, secrets: Collection[str] = ()) -> str:
    """The effective settings as YAML that reads like the configuration. `secrets` are values to mask wherever they
    stand; passwords in URLs and everything that is typed as secret always are."""
    data = _plain(settings)
    data["state_dir"] = str(settings.state_dir.absolute())
    data["store"] = _store(settings.store)
    if settings.review.tokens_file is not None:
        data["review"]["tokens_file"] = str(settings.review.tokens_file.absolute())
    data["feeds"] = [_feed(feed) for feed in data["feeds"]]
    return render(_masked(data, [secret for secret in secrets if len(secret) > 2]))


def duration(value: timedelta) -> str:
    """The shortest way to write it: 90m, 1d, 1500ms."""
    milliseconds = round(value / timedelta(milliseconds=1))
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)):
        if milliseconds % size == 0 and (milliseconds or unit == "s"):
            return f"{milliseconds // size}{unit}"
    return f"{milliseconds}ms"


def size(value: int) -> str:
    """The shortest way to write a number of bytes: 16MiB."""
    for unit, length in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if value and value % length == 0:
            return f"{value // length}{unit}"
    return f"{value}B"


def _plain(value: Any) -> Any:
    match value:
        case MaxBytes():
            return {"feed": size(value.feed), "page": size(value.page)}
        case BaseModel():
            return {(field.alias or name): _plain(getattr(value, name))
                    for name, field in type(value).model_fields.items()}
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case tuple() | list():
            return [_plain(item) for item in value]
        case timedelta():
            return duration(value)
        case SecretStr():
            return MASK
        case Path() | IPv4Network() | IPv6Network() | date():
            return str(value)
        case _:
            return value


def _store(url: str) -> str:
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        return f"sqlite:///{Path(rest.removeprefix('/')).absolute()}"
    return redact(url)


def _feed(feed: dict[str, Any]) -> Any:
    """A feed of which only the address is given is written as the address."""
    given = {key: value for key, value in feed.items() if value not in (None, [], {}) and (key, value) != ("validators", True)}
    return given["url"] if set(given) == {"url"} else given


def _masked(value: Any, secrets: list[str]) -> Any:
    if isinstance(value, dict):
        return {key: _masked(item, secrets) for key, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, secrets) for item in value]
    if not isinstance(value, str):
        return value
    text = redact(value)
    return re.sub("|".join(map(re.escape, sorted(secrets, key=len, reverse=True))), MASK, text) if secrets else text
