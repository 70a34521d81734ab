"""URLs: the key of an article, the address that is requested, whose site it is, what may be shown of it.

`canonical` is a key: every form under which one article travels leads to one string. `fetchable` is an address:
what the feed or the page wrote, made absolute and clean. Requests go to `fetchable`, rows are found by `canonical`.

Nothing in here raises, whatever text it is given: what is no http(s) URL is None, or the empty string for a host.
"""

from crawler.core.urls.canonical import address, article_id, canonical, site, unwrapped
from crawler.core.urls.hosts import display, host, origin, registrable, same_site, source_of, transport
from crawler.core.urls.parse import MAX_LENGTH, fetchable, redact

__all__ = [
    "MAX_LENGTH", "address", "article_id", "canonical", "display", "fetchable", "host", "origin", "redact", "registrable",
    "same_site", "site", "source_of", "transport", "unwrapped",
]
