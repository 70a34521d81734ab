"""What another process can say of the daemon: what it tells of itself, else what is to be seen from outside."""

import http.client
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from crawler.cli import Options
from crawler.errors import ConfigError, StoreError
from crawler.log import escape

if TYPE_CHECKING:
    from crawler.background import Running
    from crawler.ports import Counts, Delivery
    from crawler.settings import Settings

_PATIENCE = 7.0                     # seconds: the daemon asks its store for 5 of them
_LONGEST = 65536                    # bytes of its answer
_OVERDUE = timedelta(minutes=15)    # a feed that is polled by anybody does not wait for so long
_COUNTS = ("feeds", "failing", "articles", "stories", "copies", "undecided")
_KNOWS_ITSELF = ("loop", "workers", "poll", "collect", "judge", "push", "subscribe", "deliver")


def place(options: Options) -> "tuple[Path, Settings | None]":
    """Where the daemon is, and its settings; None, and a warning, where something else in the configuration is wrong."""
    try:
        settings = options.settings()
    except ConfigError as error:
        from crawler.config import state_dir

        found = state_dir(options.config, os.environ)
        many = len(error.mistakes)
        click.echo(f"warning: {options.config}: {'a mistake' if many == 1 else f'{many} mistakes'} (`firsthand check` names "
                   f"them); looking in {escape(str(found))}", err=True)
        return found, None
    return settings.state_dir, settings


async def of(settings: "Settings | None", found: "Running | None") -> tuple[dict[str, Any], dict[str, Any]]:
    """What is stored, and how the daemon is. Never makes a database, and raises nothing for one that is not there."""
    counts, store = await _stored(settings)
    told = _asked(settings.review.listen, found.pid) if settings is not None and settings.review.listen and found else None
    return counts, {**told, "told_by": "daemon", "unknown": []} if told else _seen(found, counts, store)


async def _stored(settings: "Settings | None") -> tuple[dict[str, Any], dict[str, Any]]:
    """The totals, None each where they cannot be had, and the check of the store."""
    if settings is None:
        return _told(None), _check("store", ok=False, why="the configuration is wrong, so that it was not looked at")
    from crawler import app
    from crawler.adapters.store import open_store

    try:
        store = await open_store(settings.store, create=False)
        try:
            return _told(await store.counts(app.now()), await store.failing_deliveries()), _check("store", ok=True)
        finally:
            await store.close()
    except StoreError as error:
        return _told(None), _check("store", ok=False, why=str(error))


def _told(counts: "Counts | None", failing: "Sequence[Delivery] | None" = None) -> dict[str, Any]:
    backlog = counts.backlog if counts else None
    next_poll = backlog.next_poll if backlog else None
    return {
        **{name: getattr(counts, name, None) for name in _COUNTS},
        "due": backlog.feeds_due if backlog else None, "waiting": backlog.entries if backlog else None,
        "unjudged": backlog.unjudged if backlog else None, "next_poll": next_poll and f"{next_poll:%Y-%m-%dT%H:%M:%SZ}",
        "failing_webhooks": None if failing is None else [_failing(one) for one in failing]}


def _failing(delivery: "Delivery") -> dict[str, Any]:
    since = delivery.failing_since
    return {"to": delivery.name, "since": since and f"{since:%Y-%m-%dT%H:%M:%SZ}", "attempts": delivery.attempts,
            "lost": delivery.lost, "disabled": delivery.disabled, "error": delivery.error}


def _asked(listen: str, pid: int) -> dict[str, Any] | None:
    """What the daemon answers of itself; None where another program does, or nobody."""
    from crawler.config.rules import listen_address

    host, port = listen_address(listen)
    connection = http.client.HTTPConnection({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port, timeout=_PATIENCE)  # noqa: S104 - what it may listen on
    with suppress(OSError, http.client.HTTPException, ValueError):
        try:
            connection.request("GET", "/readyz", headers={"Accept": "application/json"})
            answer = json.loads(connection.getresponse().read(_LONGEST))
        finally:
            connection.close()
        if isinstance(answer, dict) and answer.get("pid") == pid and isinstance(answer.get("checks"), list):
            return {name: answer[name] for name in ("ok", "pid", "checks") if name in answer}
    return None


def _seen(found: "Running | None", counts: Mapping[str, Any], store: Mapping[str, Any]) -> dict[str, Any]:
    from crawler import app

    checks = [_check("daemon", ok=found is not None, why="" if found else "it does not run"), dict(store)]
    if found is not None and counts["due"] and counts["next_poll"]:
        since = app.now() - datetime.fromisoformat(counts["next_poll"])
        checks.append(_check("poll", ok=since < _OVERDUE, why=f"feeds have been due since {counts['next_poll']}"))
    known = {one["name"] for one in checks}
    return {"ok": all(one["ok"] for one in checks), "pid": found.pid if found else None, "checks": checks,
            "told_by": "status", "unknown": [name for name in _KNOWS_ITSELF if name not in known]}


def _check(name: str, *, ok: bool, why: str = "") -> dict[str, Any]:
    return {"name": name, "ok": ok, "why": "" if ok else why}


def lines(health: Mapping[str, Any]) -> Iterator[str]:
    """For a person: whether it is well, each thing that is not, and what cannot be known."""
    yield f"{'well':<12} {'yes' if health['ok'] else 'no'}"
    for one in health["checks"]:
        if not one["ok"]:
            yield f"  {escape(str(one['name']))}: {escape(str(one['why']))}"
    if health["unknown"]:
        yield f"  not known from outside: {', '.join(health['unknown'])}"
