"""What judging again changed: the answer of `rematch`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crawler.ports import StoredStory
from crawler.render.harmless import line
from crawler.render.words import count


def between(before: Sequence[StoredStory], after: Sequence[StoredStory]) -> dict[str, Any]:
    """Stories that are new, ended or changed, each with what changed; ids of articles."""
    old, new = ({one.story.id: one for one in stories} for stories in (before, after))
    changed = [change for id_ in new if id_ in old and (change := _change(old[id_], new[id_]))]
    return {
        "new": [_named(new[id_]) for id_ in new if id_ not in old],
        "ended": [_named(old[id_]) for id_ in old if id_ not in new],
        "changed": changed,
        "unchanged": len([id_ for id_ in new if id_ in old]) - len(changed),
    }


def _named(one: StoredStory) -> dict[str, Any]:
    original = one.articles[0]
    return {"story": one.story.id, "original": original.id, "source": original.source, "title": original.title,
            "copies": [copy.article for copy in one.story.copies]}


def _change(old: StoredStory, new: StoredStory) -> dict[str, Any] | None:
    was, is_ = ({copy.article: copy.kind.value for copy in one.story.copies} for one in (old, new))
    same_original = old.story.original == new.story.original
    members = [{one.id for one in story.articles} for story in (old, new)]
    found = {
        "previous_original": None if same_original else old.story.original,
        "joined": sorted(members[1] - members[0]), "left": sorted(members[0] - members[1]),
        "kinds": {id_: [was[id_], kind] for id_, kind in is_.items() if id_ in was and was[id_] != kind},
        "decided": None if old.story.decided == new.story.decided else new.story.decided,
    }
    if all(value is None or value in ([], {}) for value in found.values()):
        return None
    return {**_named(new), **found}


def text(found: Mapping[str, Any]) -> str:
    """The counts, then a line a change."""
    counts = [f"{count(found['judged'], 'article')} judged again", f"{len(found['new'])} new", f"{len(found['ended'])} ended",
              f"{len(found['changed'])} changed", f"{found['unchanged']} as before"]
    return "\n".join([", ".join(counts), *_lines(found)]) + "\n"


def _lines(found: Mapping[str, Any]) -> Iterator[str]:
    for word in ("new", "ended", "changed"):
        for one in found[word]:
            told = f": {'; '.join(_told(one))}" if word == "changed" else f", {count(len(one['copies']), 'copy', 'copies')}"
            yield f"{word}  {one['story']}  {line(one['source'])}: {line(one['title'])}{told}"


def _told(one: Mapping[str, Any]) -> Iterator[str]:
    if one["previous_original"]:
        yield f"original was {one['previous_original']}, is {one['original']}"
    for word in ("joined", "left"):
        if one[word]:
            yield f"{word} {' '.join(one[word])}"
    for id_, (was, is_) in one["kinds"].items():
        yield f"{id_} was {was}, is {is_}"
    if one["decided"] is not None:
        yield "now decided" if one["decided"] else "now undecided"
