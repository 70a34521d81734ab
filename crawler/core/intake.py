"""An article's page, or the content that its feed carries -> all that is known of it before it is compared with others:
in one go, since each way to a worker and back costs as much as the short ones of these steps."""

from datetime import tzinfo
from typing import NamedTuple

from crawler.core import boilerplate, extract
from crawler.core.extract import Headers
from crawler.core.text import whole_key
from crawler.core.types import Page


class Intake(NamedTuple):
    """A page with the keys of its text."""

    page: Page
    units: tuple[int, ...]     # `boilerplate.unit_keys`
    text_hash: int | None      # `text.whole_key`; None: not known yet


def take_page(
    body: bytes, url: str, content_type: str | None, headers: Headers, title: str, *, zone: tzinfo | None, status: int,
) -> Intake:
    """What `extract.read_page` finds, with its keys. `title` is the feed's, for a page that has none."""
    return with_keys(extract.read_page(body, url, content_type, headers, zone=zone, status=status), title)


def take_content(html: str, url: str, title: str, *, zone: tzinfo | None) -> Intake:
    """What `extract.read_content` finds, with its keys."""
    return with_keys(extract.read_content(html, url, title, zone=zone), title)


def with_keys(page: Page, title: str) -> Intake:
    """A page that was read, with its keys."""
    return Intake(page, boilerplate.unit_keys(page.text, page.title or title), whole_key(page.text))
