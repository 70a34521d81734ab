"""From the address that a person types to the feeds of the site."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from crawler.errors import NotFoundError, OperationError, UsageError

if TYPE_CHECKING:
    from crawler.core.discover import FoundFeed
    from crawler.ports import Fetched
    from crawler.settings import Settings

_PARSE_SECONDS = 10


async def discovered(settings: "Settings", url: str) -> "list[FoundFeed]":
    """The feeds of the site at `url`, the likeliest first. Raises OperationError where it cannot be had."""
    from crawler import app

    async with app.opened(settings) as opened:
        return await _find(opened, url)


async def _find(opened: Any, url: str) -> "list[FoundFeed]":
    """What the page names; where it names nothing, the first usual address that answers with a feed."""
    from crawler.core.discover import find, guesses

    page = await _get(opened, url)
    found: list[FoundFeed] = await opened.pool.run(find, page.body, page.final_url, timeout=_PARSE_SECONDS)
    for guess in guesses(page.final_url) if not found else ():
        try:
            page = await _get(opened, guess)
        except OperationError:
            continue
        found = await opened.pool.run(find, page.body, guess, timeout=_PARSE_SECONDS)
        if found and found[0].how == "itself":
            return found[:1]
    return found


async def feed_of(settings: "Settings", url: str) -> str:
    """The address of the first feed found that does parse. Raises NotFoundError, OperationError."""
    from crawler import app

    async with app.opened(settings) as opened:
        reasons = []
        for candidate in _tried(await _find(opened, url)):
            try:
                return await _proved(opened, candidate)
            except OperationError as error:
                reasons.append(str(error))
    raise NotFoundError("; ".join(reasons) or f"{url}: no feed there, nor where a feed usually is; "
                        "--unseen adds the address as it is")


def _tried(found: "Sequence[FoundFeed]") -> "Iterator[str]":
    yield from (feed.url for feed in found[:5])


async def _proved(opened: Any, url: str) -> str:
    from crawler.core.feeds import FeedFault, parse

    answer = await _get(opened, url)
    content_type = dict(answer.headers).get("content-type")
    try:
        await opened.pool.run(parse, answer.body, answer.final_url, content_type, timeout=_PARSE_SECONDS)
    except FeedFault as fault:
        raise OperationError(f"{url}: {fault}") from None
    return answer.permanent_url or url


async def _get(opened: Any, url: str) -> "Fetched":
    from crawler.ports import Failed, Fetched, Refused, Request

    outcome = await opened.fetcher.get(Request(url, kind="feed"))
    match outcome:
        case Fetched():
            return outcome
        case Refused() | Failed():
            raise OperationError(f"{url}: {outcome.reason}: {outcome.detail}")
        case _:
            raise OperationError(f"{url}: unchanged, although nothing was known of it")


def checked(url: str) -> str:
    """An address as a person types it: https:// may be left out. Raises UsageError."""
    from crawler.config.feeds import fault_of

    address = url if "://" in url else f"https://{url}"
    fault = fault_of(address)
    if fault is not None:
        raise UsageError(fault)
    return address
