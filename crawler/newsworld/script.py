"""Reads the world from its data files: articles, sites, publications, the phrases of those who wrap."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from crawler.newsworld.compose import ScriptError, compose, fill
from crawler.newsworld.model import Expected, FaultSpan, FeedSpec, Publication, Script, Site, Text, Version

_HERE = Path(__file__).parent


@cache
def load() -> Script:
    """The whole world. Raises ScriptError where the files contradict each other."""
    sites = tuple(_site(row) for row in _yaml("sites"))
    reader = _Reader({site.id: site for site in sites}, texts(), _yaml("wrappers"))
    for row in _yaml("publications"):
        reader.read(dict(row))
    return Script(sites, tuple(reader.done.values()))


@cache
def labels() -> dict[str, dict[str, Any]]:
    """What pages say around their articles, by language."""
    found: dict[str, dict[str, Any]] = _yaml("labels")
    return found


def _yaml(name: str) -> Any:
    return yaml.load((_HERE / "data" / f"{name}.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)


def texts() -> dict[str, Text]:
    """Every text of the folder, by the name of its file."""
    return {path.stem: _text(path) for path in sorted((_HERE / "articles").glob("*.txt"))}


def _text(path: Path) -> Text:
    """A header of `key: value` lines, an empty line, then paragraphs parted by empty lines."""
    header, _, body = path.read_text("utf-8").partition("\n\n")
    fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in header.splitlines())}
    paragraphs = tuple(part.strip() for part in body.split("\n\n") if part.strip())
    return Text(path.stem, fields["title"], fields["language"], fields["section"], fields.get("author", ""),
                paragraphs, fields.get("city", ""))


def _site(row: Mapping[str, Any]) -> Site:
    feeds = tuple(_feed(feed) for feed in row.get("feeds", ()))
    lists = {key: tuple(row[key]) for key in ("sections", "licensed") if key in row}
    return Site(**{**row, **lists, "feeds": feeds, "host": f"{row['id']}.example"})


def _feed(row: Mapping[str, Any]) -> FeedSpec:
    faults = tuple(FaultSpan(begin, end, str(fault)) for begin, end, fault in row.get("faults", ()))  # type: ignore[arg-type]  # checked by a test
    return FeedSpec(**{**row, "faults": faults})


class _Reader:
    """Reads publications in the order of the file; each may build on those before it."""

    def __init__(self, sites: Mapping[str, Site], texts: Mapping[str, Text], wrappers: Mapping[str, Any]) -> None:
        self.sites, self.texts, self.wrappers = sites, texts, wrappers
        self.done: dict[str, Publication] = {}

    def read(self, row: dict[str, Any]) -> None:
        """Add one publication. Raises ScriptError for an unknown key, site, text or predecessor."""
        try:
            publication = self._publication(row)
        except (KeyError, TypeError, ScriptError) as error:
            raise ScriptError(f"publication {row.get('id')}: {error}") from error
        if publication.id in self.done:
            raise ScriptError(f"publication {publication.id} stands in the script twice")
        self.done[publication.id] = publication

    def _publication(self, row: dict[str, Any]) -> Publication:
        site = self.sites[row.pop("site")]
        of = self.done[row["of"]] if row.get("of") else None
        text = self._text_of(row, of)
        section = row.pop("section", text.section)
        path = row.pop("path", f"/{_slug(section)}/{row['id']}")
        expected = Expected(row.pop("story", None), row.pop("role"), row.pop("kind", None),
                            row.pop("decided", True), row.pop("why"), row.pop("optional", False))
        versions = tuple(self._versions(row, site, of, text))
        return Publication(site=site, path=path, language=text.language, section=section, versions=versions,
                           expected=expected, **row)

    def _text_of(self, row: dict[str, Any], of: Publication | None) -> Text:
        """The named text, else the first version of the publication it is made from."""
        if "text" in row:
            return self.texts[row.pop("text")]
        if of is None:
            raise ScriptError("it has neither a text nor a predecessor")
        first = of.versions[0]
        return Text(of.id, first.title, of.language, of.section, first.author, first.paragraphs)

    def _versions(
        self, row: dict[str, Any], site: Site, of: Publication | None, text: Text,
    ) -> Iterator[Version]:
        wrapper = self.wrappers[row.pop("wrapper")] if "wrapper" in row else {}
        edit = {**wrapper, **row.pop("edit", {})}
        title, author = edit.pop("title", "{title}"), edit.pop("author", text.author)
        names = {"title": text.title, "city": text.city, "source": of.site.name if of else site.name,
                 "url": of.url if of else "", "home": f"http://{of.site.host}/" if of else ""}
        yield Version(row.pop("at"), fill(title, names), author, compose(text.paragraphs, edit, names))
        for at, later in row.pop("versions", {}).items():
            yield Version(at, self.texts[later].title, self.texts[later].author, self.texts[later].paragraphs)


def _slug(section: str) -> str:
    return section.lower() if section.isascii() else "news"
