"""What a ruling led to, as text: the answer of `verdict`."""

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from crawler.render import Layout
from crawler.render.harmless import line
from crawler.render.table import Address, drawn, joined, said, story_block


def text(found: Mapping[str, Any], layout: Layout) -> str:
    """The ruling, then each story that its articles are in now, then those that stand alone."""
    ruled = found["verdict"]
    did = "taken back" if found["undone"] else "kept"
    parts: list[RenderableType] = [Text(f"{ruled['ruling']} by {line(ruled['who'])}: {did}"), Text()]
    for story in found["stories"]:
        parts += story_block(story)
    for one in found["single"]:
        parts += [joined(("in no story: ", "bold"), said(one["source"], "green"), "  ", said(one["title"])),
                  Address("  " + line(one["url"]), style="cyan")]
    return drawn(parts, layout)
