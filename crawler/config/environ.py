"""What the environment adds: secrets for `${NAME}`, and settings by variables such as FIRSTHAND_CRAWL__POLL__MIN."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_origin

from crawler.config.findings import Findings, Location, path_of, suggestion
from crawler.config.source import Mark, Node, Pairs, Scalar, listing, literal, mapping, parse
from crawler.errors import ConfigError
from crawler.settings import Section, Settings

PREFIX = "FIRSTHAND_"
OWN = frozenset({"FIRSTHAND_CONFIG", "FIRSTHAND_READY_FD", "FIRSTHAND_LOG_FILE", "FIRSTHAND_DEBUG"})
"""Variables of the commands themselves, which are no settings."""

_TELLING = 4      # letters
_REFERENCE = re.compile(r"\$(\$(?=\{)|\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}|\{)")
# Kubernetes sets these in every container of a namespace that has a service called "firsthand".
_KUBERNETES = re.compile(r"FIRSTHAND_(?:SERVICE_(?:HOST|PORT(?:_.*)?)|PORT(?:_[0-9]+_(?:TCP|UDP)(?:_.*)?)?)")


@dataclass(slots=True)
class Environment:
    """The variables, which of them the texts refer to, and the values that may not be shown."""

    variables: Mapping[str, str]
    named: set[str] = field(default_factory=set)
    secrets: set[str] = field(default_factory=set)

    def note(self, text: str) -> None:
        """Remember what a file refers to: such a variable is a secret, not a setting."""
        if "${" in text:
            self.named.update(hit["name"] for hit in _REFERENCE.finditer(text) if hit["name"])

    def fill(self, scalar: Scalar, findings: Findings, at: Location) -> str:
        """The text with each `${NAME}` replaced; `$${` stands for a literal `${`. A missing name is a mistake."""
        if scalar.origin.variable is not None:
            return scalar.text
        return self.expand(scalar.text, lambda reason: findings.refuse(scalar.mark, path_of(at), reason))

    def expand(self, text: str, refuse: Callable[[str], None]) -> str:
        """The same for a text that stands in no file; `refuse` hears the mistakes."""
        def value(hit: re.Match[str]) -> str:
            name = hit["name"]
            if hit[1] == "$":
                return "$"
            if name is None:
                refuse("${ without a variable's name and }; write $${ for the characters")
                return ""
            if name not in self.variables:
                refuse(f"the environment has no {name}; set it, or take ${{{name}}} out")
                return ""
            self.secrets.add(self.variables[name])
            return self.variables[name]

        return _REFERENCE.sub(value, text) if "${" in text else text

    def masked(self, text: str) -> str:
        """The text without what a file had from the environment. A value of a letter or two says nothing, and is part
        of many words."""
        for secret in sorted(self.secrets, key=len, reverse=True):
            text = text.replace(secret, "***") if len(secret) >= _TELLING else text
        return text

    def settings(self) -> Iterator[tuple[str, str]]:
        """The variables that must be settings: (name, text), by name. An empty one counts as not set."""
        for name, text in sorted(self.variables.items()):
            ours = name.startswith(PREFIX) and name not in OWN and not _KUBERNETES.fullmatch(name)
            if ours and text and name not in self.named:
                yield name, text


def override(root: Pairs, environment: Environment, findings: Findings) -> None:
    """Put the settings of the environment in their place in the tree. Two underscores go one level down."""
    for name, text in environment.settings():
        mark = Mark(None, 0, name)
        steps = _steps(name)
        if steps is None:
            findings.refuse(mark, "", f"no such setting; {suggestion(name, _variables())}")
            continue
        try:
            node = _node(name, text, _annotation(steps))
        except ConfigError as error:
            findings.adopt(error)
            continue
        _put(root, steps, node, name)


def _steps(name: str) -> tuple[str, ...] | None:
    return {variable: steps for steps, variable in _all(Settings, ())}.get(name)


def _variables() -> list[str]:
    return [variable for _, variable in _all(Settings, ())]


def _all(model: type[Section], above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, info in model.model_fields.items():
        steps = (*above, name)
        if steps == ("feeds",):
            continue
        if isinstance(info.annotation, type) and issubclass(info.annotation, Section):
            yield from _all(info.annotation, steps)
        else:
            yield steps, PREFIX + "__".join(steps).upper()


def _annotation(steps: tuple[str, ...]) -> Any:
    model: Any = Settings
    for step in steps:
        model = model.model_fields[step].annotation
    return model


def _node(name: str, text: str, annotation: Any) -> Node:
    """A list or mapping in YAML's brackets; commas alone also make a list; anything else is the literal text."""
    listed = get_origin(annotation) is tuple
    if text.lstrip().startswith(("[", "{")):
        found = parse(text, None, name)
        return found if found is not None else literal(text, name)
    if listed:
        return listing([literal(word.strip(), name) for word in text.split(",") if word.strip()], name)
    return literal(text, name, plain=text in ("null", "~"))


def _put(root: Pairs, steps: tuple[str, ...], node: Node, name: str) -> None:
    place = root
    for step in steps[:-1]:
        below = place.pairs.get(step)
        if not isinstance(below, Pairs):
            below = mapping(name)
            place.pairs[step] = below
            place.keys.setdefault(step, literal(step, name))
        place = below
    place.pairs[steps[-1]] = node
    place.keys[steps[-1]] = literal(steps[-1], name)
