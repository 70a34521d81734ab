"""What became of a story: rulings and events in one list, for the page and the report."""

from collections.abc import Mapping, Sequence
from typing import Any

_NAMED = 3   # articles of a ruling


def told(story: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The newest first. `story` has "rulings" (with those taken back), "history", and its articles' sources. A ruling has
    `newest`, whether it is the last that stands, and `on`, whom it is about; an event has `ruling` None and `was`, the
    source of the original before it."""
    names = {one["article"]: one["source"] for one in (story["original"], *story["copies"], *story.get("articles", ()))}
    standing = [one["id"] for one in story["rulings"] if not one["undone_at"]]
    rulings = [{**one, "newest": standing[-1:] == [one["id"]], "on": _on(one, names)} for one in story["rulings"]]
    events = [{**one, "ruling": None, "undone_at": None, "newest": False, "was": names.get(one["previous"] or "", one["previous"])}
              for one in story["history"]]
    return sorted([*events, *rulings], key=lambda one: str(one["at"]), reverse=True)


def _on(ruling: Mapping[str, Any], names: Mapping[str, str]) -> str:
    named: Sequence[str] = ruling["articles"]
    shown = [names.get(id_, id_) for id_ in named[:_NAMED]]
    return ", ".join(shown) + (f" and {len(named) - _NAMED} more" if len(named) > _NAMED else "")
