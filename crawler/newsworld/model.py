"""What the world is made of: texts, sites with their feeds, and publications of a text at a site.

All times are minutes after the start of the world; `World` alone turns them into datetimes.
"""

from dataclasses import dataclass
from typing import Literal, NoReturn

FeedFormat = Literal["rss", "rdf", "atom", "json", "sitemap"]
Links = Literal["plain", "tracking", "redirect", "amp", "mobile"]
Fault = Literal["truncated", "500", "404"]
Wall = Literal["consent", "login", "soft-404", "script", "short"]
Role = Literal["original", "copy", "single"]


@dataclass(frozen=True, slots=True)
class Text:
    """A text as its author wrote it. Paragraphs may hold links as `[label](url)`."""

    name: str
    title: str
    language: str
    section: str
    author: str
    paragraphs: tuple[str, ...]
    city: str = ""            # for an agency's dateline


@dataclass(frozen=True, slots=True)
class FaultSpan:
    """A time in which a feed is out of order, half open."""

    begin: int
    end: int
    fault: Fault


@dataclass(frozen=True, slots=True)
class FeedSpec:
    """One feed of a site, with its manners and vices."""

    path: str
    format: FeedFormat
    host: str = ""                    # another host name of the site, e.g. its mobile one
    section: str = ""                 # only articles of this section; empty for all
    limit: int = 20                   # entries in the document
    content: Literal["summary", "full"] = "summary"
    dates: bool = True
    guids: Literal["stable", "per-request"] = "stable"
    links: Links = "plain"
    validators: bool = True
    lag: int = 0                      # minutes an entry waits in the site's cache before the feed shows it
    slow: float = 0.0                 # seconds of real time before an answer
    every: str = "30m"                # how often the configuration asks to poll it
    gone: bool = False                # answers 410
    moved_to: str = ""                # answers 301 to this path
    faults: tuple[FaultSpan, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A publisher. `host` is its desktop host; `m.` before it is its mobile one."""

    id: str
    host: str
    name: str
    language: str
    template: str
    tagline: str
    kind: Literal["agency", "publisher", "aggregator"] = "publisher"
    zone: int = 0                     # minutes east of UTC in which the site writes its times
    mislabelled: int = 0              # minutes by which its times are off, because it labels local time as UTC
    timezone: str = ""                # what the configuration knows of it
    sections: tuple[str, ...] = ()
    robots: str = ""
    licensed: tuple[str, ...] = ()    # ids of the sites whose texts it may carry
    feeds: tuple[FeedSpec, ...] = ()


@dataclass(frozen=True, slots=True)
class Version:
    """What a page says from `at` on."""

    at: int
    title: str
    author: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Expected:
    """What a right judgement of a publication is, written down by those who made it."""

    story: str | None
    role: Role
    kind: str | None
    decided: bool
    why: str
    optional: bool = False      # not finding it is no mistake yet


@dataclass(frozen=True, slots=True)
class Publication:
    """A text at a site, at one URL, in one or more versions."""

    id: str
    site: Site
    path: str
    language: str
    section: str
    versions: tuple[Version, ...]
    expected: Expected
    of: str | None = None          # id of the publication it was made from
    backdated: int = 0             # minutes by which the page's claimed time lies before the real one
    canonical: str | None = None   # id of the publication that rel=canonical names, at another site
    hidden: bool = False           # stands in no feed
    wall: Wall | None = None

    @property
    def at(self) -> int:
        """When the page appeared."""
        return self.versions[0].at

    @property
    def url(self) -> str:
        """The address that the page itself calls canonical on its own site."""
        return f"http://{self.site.host}{self.path}"


@dataclass(frozen=True, slots=True)
class Script:
    """The whole world as data, in the order of the files."""

    sites: tuple[Site, ...]
    publications: tuple[Publication, ...]

    def site(self, id: str) -> Site:
        """The site with this id. Raises KeyError."""
        return next((site for site in self.sites if site.id == id), None) or _missing("site", id)

    def publication(self, id: str) -> Publication:
        """The publication with this id. Raises KeyError."""
        return next((p for p in self.publications if p.id == id), None) or _missing("publication", id)


def _missing(what: str, id: str) -> NoReturn:
    raise KeyError(f"no {what} is called {id}")
