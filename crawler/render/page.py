"""What was read from a page (`core.types.Page`), as data and as text: the answer of `extract`."""

from collections.abc import Iterator
from typing import Any

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from crawler.core.types import Page
from crawler.render import Layout, words
from crawler.render.detail import attribution, claim
from crawler.render.harmless import line, shortened
from crawler.render.table import Address, drawn, joined, reason, said


def row(name: str, url: str | None, page: Page) -> dict[str, Any]:
    """The page as one object."""
    return {
        "input": name, "url": url, "title": page.title, "text": page.text, "language": page.language,
        "claims": [claim(one) for one in page.claims], "attributions": [attribution(one) for one in page.attributions],
        "walls": list(page.walls), "canonical": page.canonical, "site_name": page.site_name,
        "reservations": [{"kind": one.kind, "value": one.value} for one in page.reservations],
        "alternates": list(page.alternates), "notes": list(page.notes),
    }


def text(name: str, url: str | None, page: Page, layout: Layout) -> str:
    """The page for a person: what it says of itself, then its text whole."""
    return drawn(list(_parts(name, url, page)), layout)


def _parts(name: str, url: str | None, page: Page) -> Iterator[RenderableType]:
    yield said(page.title or "(no title)", "bold")
    yield Address("  " + line(url or name), style="cyan")
    if page.canonical and page.canonical != url:
        yield _below(joined(("canonical  ", "dim"), line(page.canonical)))
    yield _below(Text(f"language {page.language or 'unknown'}; {len(page.text):,} characters"))
    for one in page.claims:
        said_at = words.clock(claim(one)["at"], seconds=True) if one.at else "not understood"
        yield _below(Text(f"states {one.what} {said_at} ({one.origin}: {shortened(one.raw, 60)}; to the {one.resolution}, "
                          f"zone {one.zone})"))
    for each in page.attributions:
        detail = " ".join(part for part in (each.name, each.url) if part)
        yield _below(reason({"evidence": each.kind.value, "detail": f"{detail} ({each.where})", "quote": each.quote}))
    for wall in page.walls:
        yield _below(Text(f"no article: {line(wall)}", style="yellow"))
    for kept in page.reservations:
        yield _below(Text(f"rights: {line(kept.kind)} {line(kept.value)}"))
    for note in page.notes:
        yield _below(Text(f"note: {line(note)}"))
    yield Text()
    for paragraph in page.text.split("\n"):
        yield said(paragraph)
    yield Text()


def _below(part: RenderableType) -> RenderableType:
    return Padding(part, (0, 0, 0, 2))
