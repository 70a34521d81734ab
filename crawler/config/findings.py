"""What a reading of the configuration found wrong or doubtful, gathered so that all of it is named at once."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from crawler.config.source import Mark, Node, Pairs, Scalar
from crawler.errors import ConfigError

Location = tuple[str | int, ...]
"""Where a value stands: ("crawl", "poll", "min"), ("feeds", 3, "url")."""


@dataclass(slots=True)
class Findings:
    """Mistakes refuse the configuration, warnings do not."""

    mistakes: list[tuple[str, int, str]] = field(default_factory=list)  # file, line, text: sorted as read
    warnings: list[str] = field(default_factory=list)

    def refuse(self, mark: Mark, path: str, reason: str) -> None:
        """Note a mistake."""
        self.mistakes.append((str(mark.file), mark.line, mark.mistake(path, reason)))

    def warn(self, mark: Mark, path: str, reason: str) -> None:
        """Note a doubt."""
        self.warnings.append(mark.mistake(path, reason))

    def adopt(self, error: ConfigError) -> None:
        """Take over what a nested reading refused."""
        self.mistakes.extend(("", 0, text) for text in error.mistakes)

    def end(self) -> None:
        """Raise ConfigError with every mistake, by file and line, each text once."""
        if self.mistakes:
            raise ConfigError(list(dict.fromkeys(text for _, _, text in sorted(self.mistakes))))


def path_of(location: Iterable[str | int]) -> str:
    """("feeds", 3, "url") -> feeds[3].url."""
    text = ""
    for step in location:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def mark_at(root: Node, location: Iterable[str | int]) -> Mark:
    """The line of the value, or of its key where the value is a list or mapping; of the nearest parent where it is
    not written. Steps that the text does not have are skipped: pydantic names the arms of a union among them."""
    node, mark = root, root.mark
    for step in location:
        if isinstance(node, Pairs) and step in node.pairs:
            key, node = node.keys[str(step)], node.pairs[str(step)]
            mark = node.mark if isinstance(node, Scalar) else key.mark
        elif isinstance(step, int) and not isinstance(node, (Scalar, Pairs)) and step < len(node.items):
            node = node.items[step]
            mark = node.mark
    return mark


def node_at(root: Node, location: Iterable[str | int]) -> tuple[Node, Location]:
    """The deepest node on the way, and the steps that the text does have."""
    node, steps = root, []
    for step in location:
        if isinstance(node, Pairs) and step in node.pairs:
            node = node.pairs[str(step)]
        elif isinstance(step, int) and not isinstance(node, (Scalar, Pairs)) and step < len(node.items):
            node = node.items[step]
        else:
            continue
        steps.append(step)
    return node, tuple(steps)


def suggestion(word: str, known: Iterable[str]) -> str:
    """"did you mean X?" where something known is near, else what is known."""
    names = sorted(known)
    folded = {name.lower(): name for name in names}
    near = get_close_matches(word.lower(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return f"known are {', '.join(names)}" if 0 < len(names) <= 20 else "correct it or take it out"
