"""What a person points at: an address, a file, standard input, a stored article. Foreign bytes are read in workers."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import regex

from crawler.errors import NotFoundError, OperationError, UsageError

if TYPE_CHECKING:
    from crawler.cli import Options
    from crawler.core.types import Article, Page
    from crawler.ports import Fetcher, Pool
    from crawler.ports.encoding import Across
    from crawler.settings import Settings

_HTML = regex.compile(rb"<(?:!doctype|html|head|body|meta|article|div|p|title|script)[\s>/]", regex.IGNORECASE)
_SNIFFED = 4096
_MOST_BYTES = 64 * 1024**2   # of a file; ten times what the crawler takes from the network


def explicit() -> bool:
    """Whether the person named a configuration, by option or by environment."""
    given = {click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT}
    here = click.get_current_context()
    return any(ctx.get_parameter_source("config") in given for ctx in (here, here.find_root()))


def settings_or_defaults(options: "Options") -> "Settings":
    """The configuration where there is one; a command that works on files needs none. Raises ConfigError."""
    from crawler.settings import Settings

    return options.settings() if explicit() or options.config.exists() else Settings()


def across(settings: "Settings", *, wanted: bool = False) -> "Across | None":
    """What is asked of other languages, by the configuration or because it is `wanted`; None: nothing. Raises UsageError
    where the encoder is not there."""
    from crawler import app
    from crawler.settings import Translations

    asked = settings.match.across or (Translations() if wanted else None)
    return app.across(asked) if asked is not None else None


@dataclass(frozen=True, slots=True)
class Given:
    """One input, read."""

    name: str               # as given
    url: str | None         # its address, where it has one
    page: "Page"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads inputs; foreign bytes are parsed in the workers."""

    settings: "Settings"
    fetcher: "Fetcher"
    pool: "Pool"

    async def read(self, name: str, url: str | None = None) -> Given:
        """An address is fetched; anything else is a file, `-` is standard input. `url` says where a file is from.

        Raises OperationError, UsageError.
        """
        if is_address(name):
            return await self._fetched(name)
        body = _bytes(name)
        return Given(name, url, await self._parsed(read_file, body, url or ""))

    async def _fetched(self, name: str) -> Given:
        from crawler.ports import Failed, Fetched, Refused, Request

        outcome = await self.fetcher.get(Request(checked(name), "page"))
        match outcome:
            case Fetched():
                headers = dict(outcome.headers)
                read = partial(_read_page, zone=self._zone(outcome.final_url), status=outcome.status)
                page = await self._parsed(read, outcome.body, outcome.final_url, headers.get("content-type"),
                                          outcome.headers)
                return Given(name, outcome.final_url, page)
            case Refused() | Failed():
                raise OperationError(f"{name}: {outcome.reason}: {outcome.detail}")
            case _:
                raise OperationError(f"{name}: unchanged, although nothing was known of it")

    def _zone(self, url: str) -> "object":
        from crawler.sources import Sources

        sources = Sources(self.settings)
        return sources.zone(sources.of_page(url))

    async def _parsed(self, function: "object", *arguments: object) -> "Page":
        seconds = self.settings.extract.timeout.total_seconds()
        page: Page = await self.pool.run(function, *arguments, timeout=seconds)  # type: ignore[arg-type]  # a callable
        return page


@asynccontextmanager
async def reader(settings: "Settings", inputs: int) -> "AsyncIterator[Reader]":
    """A reader for so many inputs, with its own connections and workers, and no store."""
    from crawler import app
    from crawler.adapters.http import HttpFetcher
    from crawler.adapters.pool import WorkerPool

    fetcher = HttpFetcher(settings.crawl, app.user_agent(settings.contact), app.now)
    pool = WorkerPool(min(settings.extract.workers, inputs), preload=("crawler.core.extract",))
    try:
        yield Reader(settings, fetcher, pool)
    finally:
        await pool.close()
        await fetcher.close()


def is_address(name: str) -> bool:
    """Whether it is a URL; whether it is a good one is `checked`'s question."""
    return "://" in name and not Path(name).exists()


def checked(name: str) -> str:
    """The address if it may be requested. Raises UsageError."""
    from crawler.config.feeds import fault_of

    fault = fault_of(name)
    if fault is not None:
        raise UsageError(fault)
    return name


def _bytes(name: str) -> bytes:
    if name == "-":
        body = sys.stdin.buffer.read(_MOST_BYTES + 1)
    else:
        try:
            with Path(name).open("rb") as file:
                body = file.read(_MOST_BYTES + 1)
        except OSError as error:
            raise OperationError(f"{name}: cannot be read: {error.strerror or error}") from error
    if len(body) > _MOST_BYTES:
        raise OperationError(f"{name}: larger than {_MOST_BYTES // 1024**2} MiB")
    return body


def read_file(body: bytes, url: str) -> "Page":
    """A page, or a plain text, from the bytes of a file. Runs in a worker."""
    from crawler.core import extract

    if _HTML.search(body[:_SNIFFED].replace(b"\0", b"")):
        return extract.read_page(body, url)
    text = _plain(body)
    return extract.read_page(body, url) if text is None else text_page(text)


def text_page(text: str) -> "Page":
    """A bare text, with what it says of where it comes from."""
    from crawler.core.extract import language
    from crawler.core.text import clean
    from crawler.core.types import Page
    from crawler.dedup import attributions

    cleaned = clean(text).strip()
    spoken = language.of(cleaned)
    return Page("", cleaned, spoken, attributions=attributions(cleaned, spoken))


def _plain(body: bytes) -> str | None:
    """The text of bytes that are UTF-8, or UTF-16 with a mark; None for anything else."""
    codec = "utf-16" if body.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = body.decode(codec)
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _read_page(body: bytes, url: str, content_type: str | None, headers: "object", **known: "object") -> "Page":
    """An answer from the network; plain text is no page. Runs in a worker."""
    from crawler.core import extract

    if (content_type or "").lower().startswith("text/plain") and (text := _plain(body)) is not None:
        return text_page(text)
    return extract.read_page(body, url, content_type, headers, **known)  # type: ignore[arg-type]  # as the caller has them


def as_article(given: Given, settings: "Settings", id_: str) -> "Article":
    """An input as the matcher sees it; it was never observed, so it says nothing of time."""
    from crawler import app
    from crawler.core.types import Article
    from crawler.sources import Sources

    page = given.page
    source = Sources(settings).of_page(given.url) if given.url else ""
    return Article(id_, given.url or "", source, page.title, page.text, page.language, app.now(), None, page.claims,
                   page.attributions, page.walls)


def nothing_at(name: str) -> NotFoundError:
    """What is neither a file nor stored."""
    return NotFoundError(f"{name}: no such file, and no article is stored under this id")
