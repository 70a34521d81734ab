"""The evidence of one story, gathered from the store: for the command that exports it and the page that serves it."""

import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import IO

from crawler import __version__
from crawler.desk import Desk
from crawler.errors import OperationError
from crawler.evidence import pack
from crawler.ports import StoredArticle, StoredPage
from crawler.render import detail

_IN_MEMORY = 8 * 1024 * 1024   # bytes of a pack, before it is written to disk while it is made


async def evidence(desk: Desk, story_id: str, at: datetime) -> IO[bytes]:
    """The evidence pack of a story as a file without a name, to be read from its beginning and closed by the caller.

    `at` is the time of writing: the same story and time give the same bytes. One article's pages are in memory at a time.
    Raises NotFoundError, StoreError; OperationError where a page is not what was fetched, or the disk is full.
    """
    found = await desk.store.story(story_id)
    told = await desk.story_of(found)
    whole = [await desk.store.article(one.id) for one in found.articles]
    made: IO[bytes] = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - the caller's
    try:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as records:
            archive = pack.Archive(records, f"firsthand/{__version__}", at)
            archive.begin()
            for one in whole:
                await asyncio.to_thread(_add, archive, one, await desk.store.pages(one.article.id))
            await asyncio.to_thread(pack.write, made, told, [detail.exported(one) for one in whole], archive)
    except OSError as error:
        made.close()
        raise OperationError(f"{tempfile.gettempdir()}: the pack cannot be made: {error.strerror}; free some space, or set "
                             "TMPDIR") from error
    except BaseException:
        made.close()
        raise
    made.seek(0)
    return made


def _add(archive: pack.Archive, article: StoredArticle, pages: Sequence[StoredPage]) -> None:
    for page in pages:
        if sha256(page.body).hexdigest() != page.sha256:
            raise OperationError(f"the page of {page.url} that was fetched {page.fetched:%Y-%m-%d %H:%M:%S} UTC is not what is "
                                 "stored now; the database is damaged: restore a copy made by `firsthand backup`")
        archive.add(page, article.article.title)
