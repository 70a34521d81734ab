"""What an HTTP answer's Link headers say of a feed (RFC 8288): its hub, and its own name there (WebSub)."""

import re
from collections.abc import Iterable

from crawler.core.types import ParsedFeed
from crawler.core.urls import fetchable

Headers = Iterable[tuple[str, str]]
"""Names in lower case, in order of arrival."""

# No group may give back what it took, so that no value takes longer than one pass.
_LINK = re.compile(r"""<([^<>]*+)>((?:\s*+;\s*+[\w!#$&+.^`|~*-]++(?:\s*+=\s*+(?:"(?:[^"\\]|\\.)*+"|[^\s",;<>]*+))?+)*+)""")
_PARAMETER = re.compile(r""";\s*+([\w!#$&+.^`|~*-]++)(?:\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"|([^\s",;<>]*+)))?+""")


def named(headers: Headers, url: str, relation: str) -> str | None:
    """The first absolute http(s) address that Link headers name as this relation; relative ones count from `url`."""
    for name, value in headers:
        for target, parameters in _LINK.findall(value) if name == "link" else ():
            if relation not in _relations(parameters):
                continue
            address = fetchable(target, url)
            if address is not None:
                return address
    return None


def _relations(parameters: str) -> list[str]:
    """Of several `rel`, only the first counts (RFC 8288, 3.3)."""
    stated = ((quoted or bare) for name, quoted, bare in _PARAMETER.findall(parameters) if name.lower() == "rel")
    return next(stated, "").lower().split()


def hub_of(headers: Headers, url: str, parsed: ParsedFeed | None) -> tuple[str | None, str | None]:
    """The hub of the document at `url`, and the topic to subscribe to there; (None, None) for no hub.

    The headers go before the document; a document that does not name itself is its address.
    """
    known = list(headers)
    hub = named(known, url, "hub") or (parsed.hub if parsed else None)
    topic = named(known, url, "self") or (parsed.self_url if parsed else None) or url
    return (hub, topic) if hub else (None, None)
