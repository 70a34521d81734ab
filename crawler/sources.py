"""Who publishes: from what a person configured of sources and feeds to the source of a page."""

from collections.abc import Iterable
from datetime import tzinfo
from zoneinfo import ZoneInfo

from crawler.core import urls
from crawler.core.types import SourceFacts
from crawler.settings import FeedConfig, Settings


class Sources:
    """The configured sources, by name and by domain."""

    def __init__(self, settings: Settings) -> None:
        self.facts = {
            name: SourceFacts(name, one.kind, one.domains,
                              tuple((each.from_, each.since, each.until) for each in one.licensed))
            for name, one in settings.sources.items()
        }
        self._zones = {name: ZoneInfo(one.timezone) for name, one in settings.sources.items() if one.timezone}
        self._by_domain = dict(_feed_domains(settings.feeds))
        self._by_domain.update((domain, name) for name, one in settings.sources.items() for domain in one.domains)

    def of_feed(self, feed: FeedConfig) -> str:
        """The name that reports use for what a feed brings."""
        return feed.source or self.of_page(feed.url)

    def of_entry(self, feed_source: str, feed_url: str, page_url: str) -> str:
        """The source of a page that a feed listed: a transport is never one, and a page on the domain of another
        configured source belongs to that source."""
        if urls.transport(feed_url):
            return self.of_page(page_url)
        if urls.same_site(feed_url, page_url):
            return feed_source
        return self._known(page_url) or feed_source

    def of_page(self, url: str) -> str:
        """The source of a page that is in no feed: by its domain."""
        return self._known(url) or urls.source_of(url)

    def _known(self, url: str) -> str | None:
        return self._by_domain.get(urls.host(url)) or self._by_domain.get(urls.registrable(url))

    def zone(self, source: str) -> tzinfo | None:
        """The time zone of a source's dates that state none."""
        return self._zones.get(source)


def _feed_domains(feeds: Iterable[FeedConfig]) -> Iterable[tuple[str, str]]:
    """The registrable domain of each feed with a named source, unless feeds of several sources share it."""
    named: dict[str, set[str]] = {}
    for feed in feeds:
        if feed.source and not urls.transport(feed.url):
            named.setdefault(urls.registrable(feed.url), set()).add(feed.source)
    return ((domain, names.pop()) for domain, names in named.items() if len(names) == 1)
