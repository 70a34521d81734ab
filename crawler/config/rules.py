"""What must hold within and between settings beyond their types, and what a person should hear about."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from crawler.config.findings import Findings, Location, mark_at, path_of, suggestion
from crawler.config.source import Node
from crawler.errors import UsageError
from crawler.settings import FeedConfig, Settings, Source, Webhook

Fault = tuple[Location, str]
"""Where, and what to do."""

_HOST = re.compile(r"(?=.{1,253}$)[^\W_](?:[\w-]{0,61}[^\W_])?(?:\.[^\W_](?:[\w-]{0,61}[^\W_])?)*")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_TEXT = re.compile(r"[\t\x20-\x7e]*")
_OURS = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "expect",
                   "if-none-match", "if-modified-since", "accept-encoding"})
_NONE = timedelta(0)


def check(settings: Settings, root: Node, findings: Findings) -> None:
    """Judge everything but the feeds."""
    for rule in MISTAKES:
        for location, reason in rule(settings):
            findings.refuse(mark_at(root, location), path_of(location), reason)
    for rule in DOUBTS:
        for location, reason in rule(settings):
            findings.warn(mark_at(root, location), path_of(location), reason)


def check_feed(feed: FeedConfig, node: Node, location: Location, findings: Findings) -> None:
    """Judge one feed that is written as a mapping at `location`."""
    for at, reason in _feed_faults(feed):
        findings.refuse(mark_at(node, at), path_of((*location, *at)), reason)


def listen_address(listen: str) -> tuple[str, int]:
    """"127.0.0.1:8477", "[::1]:8477", "localhost:8477" -> host, port. Raises ValueError with what to write."""
    host, colon, port = listen.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    sound = colon and bare and (":" in bare) == bracketed
    if not sound or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("expected HOST:PORT, such as 127.0.0.1:8477 or [::1]:8477")
    return bare, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches the address. A name other than localhost may mean anything."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _store(settings: Settings) -> Iterator[Fault]:
    scheme, colon, rest = settings.store.partition("://")
    if not colon or scheme not in {"sqlite", "postgresql"}:
        yield ("store",), "expected sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
    elif scheme == "sqlite" and (not rest.startswith("/") or rest.strip("/") in {"", ":memory:"}):
        yield ("store",), "expected a file: sqlite:///var/firsthand.db, or sqlite:////absolute/path.db"
    elif scheme == "postgresql" and not _has_database(settings.store):
        yield ("store",), "expected postgresql://USER:PASSWORD@HOST/NAME; the name of the database is missing"


def _has_database(url: str) -> bool:
    try:
        return urlsplit(url).path.strip("/") != ""
    except ValueError:
        return False


def _contact(settings: Settings) -> Iterator[Fault]:
    contact = settings.contact
    if contact is None:
        return
    if len(contact) > 254 or not _HEADER_TEXT.fullmatch(contact) or not re.fullmatch(r"[^@\s]+@[^@\s]+|https?://\S+", contact):
        yield ("contact",), "expected an e-mail address or an https:// page; it goes into the User-Agent"


def _intervals(settings: Settings) -> Iterator[Fault]:
    poll = settings.crawl.poll
    if poll.min <= _NONE:
        yield ("crawl", "poll", "min"), "expected more than 0s"
    if poll.min > poll.start:
        yield ("crawl", "poll", "start"), "below poll.min; poll.min <= poll.start <= poll.max must hold"
    if poll.start > poll.max:
        yield ("crawl", "poll", "max"), "below poll.start; poll.min <= poll.start <= poll.max must hold"


def _positive(settings: Settings) -> Iterator[Fault]:
    crawl = settings.crawl
    values: list[tuple[Location, timedelta | int]] = [
        (("crawl", "timeout"), crawl.timeout), (("extract", "timeout"), settings.extract.timeout),
        (("match", "window"), settings.match.window), (("retention", "pages"), settings.retention.pages),
        (("retention", "articles"), settings.retention.articles),
    ]
    yield from ((at, "expected more than 0s") for at, value in values if value == _NONE)
    sizes: list[tuple[Location, int]] = [
        (("crawl", "max_bytes", "feed"), crawl.max_bytes.feed), (("crawl", "max_bytes", "page"), crawl.max_bytes.page),
    ]
    yield from ((at, "expected at least 1KiB") for at, size in sizes if size < 1024)


def _encoders(settings: Settings) -> Iterator[Fault]:
    asked, at = settings.match.across, ("match", "translations")
    if asked is None:
        return
    from crawler.ports.encoding import SHIPPED, fault  # noqa: PLC0415 - .1 s, for those who look at other languages

    inside = not isinstance(settings.match.translations, bool)
    for key, name in (("encoder", asked.encoder), ("second", asked.second)):
        if name is not None and (found := fault(name)) is not None:
            yield (*at, key) if inside else at, found
    if asked.encoder not in SHIPPED and asked.calibration is None and fault(asked.encoder) is None:
        yield (*at, "encoder"), "its thresholds are not known: `firsthand calibrate` finds them; name its file as calibration"
    if asked.calibration is not None and not asked.calibration.is_file():
        yield (*at, "calibration"), f"{asked.calibration}: there is no such file"
    if asked.window == _NONE:
        yield (*at, "window"), "expected more than 0s"


def _proxy(settings: Settings) -> Iterator[Fault]:
    if settings.crawl.proxy is not None and not _is_url(settings.crawl.proxy):
        yield ("crawl", "proxy"), "expected http://HOST:PORT or https://HOST:PORT"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != -1 and " " not in text
    except ValueError:
        return False


def _sources(settings: Settings) -> Iterator[Fault]:
    owners: dict[str, str] = {}
    for name, source in settings.sources.items():
        at: Location = ("sources", name)
        if not name.strip():
            yield at, "a source without a name"
        if source.timezone is not None and not _is_zone(source.timezone):
            hint = suggestion(source.timezone, available_timezones())
            yield (*at, "timezone"), f"no IANA time zone such as Europe/Madrid; {hint}"
        yield from _licences(name, source)
        for n, domain in enumerate(source.domains):
            owner = owners.setdefault(domain.lower(), name)
            if not _HOST.fullmatch(domain) or "." not in domain:
                yield (*at, "domains", n), "expected a domain without http:// and path, such as reuters.com"
            elif owner != name:
                yield (*at, "domains", n), f"belongs to {owner} already; keep it in one source"


# Three parts at most ("America/Argentina/Salta"): Python looks for a name of thousands as for a package so deep.
_ZONE = re.compile(r"[\w+-]{1,40}(?:/[\w+-]{1,40}){0,2}", re.ASCII)


def _is_zone(name: str) -> bool:
    if not _ZONE.fullmatch(name):
        return False
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a path, a folder of the zone tree, no such zone
        return False
    return True


def _licences(name: str, source: Source) -> Iterator[Fault]:
    for n, licence in enumerate(source.licensed):
        at: Location = ("sources", name, "licensed", n)
        if licence.from_ == name:
            yield (*at, "from"), "a source needs no licence from itself; name the other one"
        if licence.since is not None and licence.until is not None and licence.until < licence.since:
            yield (*at, "until"), "lies before `since`"


def _review(settings: Settings) -> Iterator[Fault]:
    review = settings.review
    if review.public_url is not None and not _is_url(review.public_url):
        yield ("review", "public_url"), "expected an http:// or https:// address"
    if review.hub is not None and not _is_url(review.hub):
        yield ("review", "hub"), "expected an http:// or https:// address"
    elif review.hub is not None and review.public_url is None:
        yield ("review", "hub"), "set review.public_url too; the hub is told that address, and fetches from there"
    for n, host in enumerate(review.allowed_hosts):
        if not re.fullmatch(r"[^\s/@]+", host):
            yield ("review", "allowed_hosts", n), "expected a host, such as news.example.org"
    if review.tokens_file is not None:
        yield from _tokens(review.tokens_file)
    if review.listen is not None:
        yield from _listen(review.listen, tokens=review.tokens_file is not None)


def _listen(listen: str, *, tokens: bool) -> Iterator[Fault]:
    try:
        host, _ = listen_address(listen)
    except ValueError as error:
        yield ("review", "listen"), str(error)
        return
    if not tokens and not is_loopback(host):
        yield ("review", "listen"), ("others could reach this address; set review.tokens_file, "
                                     "or listen on 127.0.0.1 behind a proxy of your own")


def _tokens(path: Path) -> Iterator[Fault]:
    """The daemon may be another user, who alone may read the file."""
    at = ("review", "tokens_file")
    if not _may_exist(path):
        yield at, f"{path}: no such file; `firsthand token add NAME --file {path}` makes it, or correct its name"
        return
    from crawler import tokens  # noqa: PLC0415 - what checks secrets takes .01 s, and most have no such file

    try:
        known = tokens.parse(path.read_text("utf-8"), str(path))
    except PermissionError:
        return
    except (OSError, UnicodeDecodeError):
        yield at, f"{path}: cannot be read as text"
    except UsageError as error:
        yield at, str(error)
    else:
        if not known:
            yield at, f"{path}: nobody has a token; `firsthand token add NAME --file {path}` makes one"


def _may_exist(path: object) -> bool:
    try:
        return Path(str(path)).exists()
    except OSError:  # another user's folder: the daemon may see it, this command need not
        return True


def _webhooks(settings: Settings) -> Iterator[Fault]:
    for n, hook in enumerate(settings.webhooks):
        if not _is_url(hook.url):
            yield ("webhooks", n, "url"), "expected an http:// or https:// address"
        if not hook.events:
            yield ("webhooks", n, "events"), "expected at least one of story, original-changed"
        yield from ((("webhooks", n, *at), reason) for at, reason in _alert_faults(hook))


def _alert_faults(hook: Webhook) -> Iterator[Fault]:
    from crawler.core import alerts, signatures  # noqa: PLC0415 - .1 s, for those who have webhooks

    if hook.secret is not None and not signatures.is_key(hook.secret.get_secret_value() or "none"):
        yield ("secret",), "after whsec_ expected base64; any other secret is taken as it stands"
    if hook.role is not None and not hook.sources:
        yield ("role",), "says nothing without `sources`; name whose original or copy it shall be"
    for key, values in (("words", hook.words), ("sources", hook.sources)):
        yield from (((key, n), "no word that could be found") for n, value in enumerate(values) if not alerts.phrase(value))
    yield from ((("languages", n), "expected a language tag, such as en, ar or pt-BR")
                for n, tag in enumerate(hook.languages) if not _LANGUAGE.fullmatch(tag))


MISTAKES: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    _store, _contact, _intervals, _positive, _encoders, _proxy, _sources, _review, _webhooks,
)


def _anonymous(settings: Settings) -> Iterator[Fault]:
    if settings.contact is None:
        yield ("contact",), "missing; give an address, so that a site can ask before it blocks you"
    elif re.search(r"(?:[@.]|//)example(?:\.(?:com|net|org))?$|\.(?:example|invalid|test)\b", settings.contact):
        yield ("contact",), "an address of the documentation; give your own, so that a site can ask before it blocks you"


def _unsigned(settings: Settings) -> Iterator[Fault]:
    for n, hook in enumerate(settings.webhooks):
        if hook.secret is None or not hook.secret.get_secret_value():
            yield ("webhooks", n), "no secret; without one the receiver cannot tell who sent an event"


def _repeated(settings: Settings) -> Iterator[Fault]:
    seen = set()
    for n, hook in enumerate(settings.webhooks):
        asked = hook.model_dump_json(exclude={"secret"})
        if asked in seen:
            yield ("webhooks", n), "the same address and conditions as another; each event is posted there once"
        seen.add(asked)


def _short_memory(settings: Settings) -> Iterator[Fault]:
    if settings.retention.articles < settings.match.window:
        yield ("retention", "articles"), "shorter than match.window; articles are gone before copies are looked for"


def _rude(settings: Settings) -> Iterator[Fault]:
    if settings.crawl.robots == "ignore":
        yield ("crawl", "robots"), "robots.txt is ignored; sites may block you"


def _unknown_licensors(settings: Settings) -> Iterator[Fault]:
    for name, source in settings.sources.items():
        for n, licence in enumerate(source.licensed):
            if licence.from_ not in settings.sources:
                hint = suggestion(licence.from_, settings.sources)
                yield ("sources", name, "licensed", n, "from"), f"nothing else is known of {licence.from_}; {hint}"


DOUBTS: tuple[Callable[[Settings], Iterator[Fault]], ...] = (
    _anonymous, _unsigned, _repeated, _short_memory, _rude, _unknown_licensors,
)


def _feed_faults(feed: FeedConfig) -> Iterator[Fault]:
    if feed.every is not None and feed.every <= _NONE:
        yield ("every",), "expected more than 0s"
    if feed.language is not None and not _LANGUAGE.fullmatch(feed.language):
        yield ("language",), "expected a language tag, such as en, ar or pt-BR"
    if feed.source is not None and not feed.source.strip():
        yield ("source",), "a source without a name"
    for key, patterns in (("keep", feed.keep), ("drop", feed.drop)):
        yield from ((((key, n), fault)) for n, text in enumerate(patterns) if (fault := _pattern_fault(text)))
    for name, value in feed.headers.items():
        fault = _header_fault(name, value.get_secret_value())
        if fault is not None:
            yield ("headers", name), fault
    if feed.auth is not None and ":" in feed.auth.username:
        yield ("auth", "username"), "no colon may stand in a user name"


def _pattern_fault(text: str) -> str | None:
    try:
        re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        return f"not a regular expression: {error}"
    return None


def _header_fault(name: str, value: str) -> str | None:
    if not _TOKEN.fullmatch(name):
        return "not the name of a header"
    if name.lower() in _OURS:
        return "set by Firsthand itself; take it out"
    return None if _HEADER_TEXT.fullmatch(value) else "a header holds printable ASCII on one line"
