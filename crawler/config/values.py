"""Nodes -> plain data -> typed settings, with pydantic's complaints in a person's words and at their line.

Which text is a number, a switch or a name is decided by the setting that it is for, never by how it looks.
"""

import types
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from crawler.config.environ import Environment
from crawler.config.findings import Findings, Location, mark_at, node_at, path_of, suggestion
from crawler.config.source import Items, Node, Pairs, Scalar
from crawler.log import redact
from crawler.settings import Section

S = TypeVar("S", bound=Section)

_SECRET = frozenset({"password", "secret", "headers", "proxy"})


def plain(node: Node, environment: Environment, findings: Findings, at: Location = ()) -> Any:
    """dicts, lists, texts and None. A key with nothing behind it counts as not written; `null` is a value."""
    if isinstance(node, Scalar):
        return None if node.null else environment.fill(node, findings, at)
    if isinstance(node, Items):
        return [plain(item, environment, findings, (*at, n)) for n, item in enumerate(node.items)]
    data: dict[str, Any] = {}
    for key, value in node.pairs.items():
        unwritten = isinstance(value, Scalar) and value.null and not value.text
        if at == ("sources",) and unwritten:
            data[key] = {}  # `Reuters:` alone names a source of which nothing else is known
        elif not unwritten:
            data[key] = plain(value, environment, findings, (*at, key))
    return data


def build(model: type[S], data: Any, root: Node, findings: Findings, prefix: Location = ()) -> S | None:
    """The typed section. What pydantic refuses is noted and left out, so that the rules can judge all the rest; None
    where nothing sound remains. `prefix` is where `root` stands."""
    for _ in range(10):  # leaving one thing out may make another incomplete: that is nobody's mistake
        try:
            return model.model_validate(data)
        except ValidationError as error:
            sound = _without(data, _Complaints(model, root, findings, prefix).note_all(error), ())
            if sound == data:
                return None
            data, findings = sound, Findings()
    return None


def _without(data: Any, refused: set[Location], at: Location) -> Any:
    if isinstance(data, dict):
        return {key: _without(value, refused, (*at, key)) for key, value in data.items() if (*at, key) not in refused}
    if isinstance(data, list):
        return [_without(value, refused, (*at, n)) for n, value in enumerate(data) if (*at, n) not in refused]
    return data


@dataclass(slots=True)
class _Complaints:
    """Turns what pydantic says into mistakes, one for each place."""

    model: type[Section]
    root: Node
    findings: Findings
    prefix: Location
    seen: set[Location] = field(default_factory=set)

    def note_all(self, error: ValidationError) -> set[Location]:
        """Note what pydantic says; returns what must go so that the rest is sound."""
        refused = set()
        for complaint in error.errors(include_url=False):
            written = self.note(complaint)
            whole = complaint["type"] == "missing" or (bool(written) and isinstance(written[-1], int))
            refused.add(written[:-1] if whole else written)
        return refused

    def note(self, complaint: Any) -> Location:
        node, written = node_at(self.root, complaint["loc"])
        if complaint["type"] == "missing":
            written = (*written, complaint["loc"][-1])
        if written in self.seen:  # the second arm of a union complains about the same value
            return written
        self.seen.add(written)
        reason = _reason(self.model, complaint, written)
        if isinstance(node, Scalar) and complaint["type"] not in _KEY_ERRORS and not _SECRET & set(map(str, (*written, *complaint["loc"]))):
            reason += f", not {_quote(node.text)}"
        mark = _key_mark(self.root, written) if complaint["type"] == "extra_forbidden" else mark_at(self.root, written)
        self.findings.refuse(mark, path_of((*self.prefix, *written)), reason)
        return written


_KEY_ERRORS = frozenset({"extra_forbidden", "missing"})


def _key_mark(root: Node, location: Location) -> Any:
    parent, _ = node_at(root, location[:-1])
    return parent.keys[str(location[-1])].mark if isinstance(parent, Pairs) else parent.mark


def _quote(text: str) -> str:
    shown = redact(text if len(text) <= 60 else f"{text[:60]}…")
    return f'"{shown}"'


_REASONS = {
    "missing": "missing; add it",
    "model_type": "expected a mapping (key: value)",
    "model_attributes_type": "expected a mapping (key: value)",
    "dict_type": "expected a mapping (key: value)",
    "tuple_type": "expected a list, such as [a, b]",
    "list_type": "expected a list, such as [a, b]",
    "string_type": "expected a text",
    "path_type": "expected a path",
    "int_parsing": "expected a whole number",
    "int_type": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_parsing": "expected a number",
    "float_type": "expected a number",
    "bool_parsing": "expected true or false",
    "bool_type": "expected true or false",
    "ip_v4_network": "expected a network without host bits, such as 10.0.0.0/8 or fd00::/8",
    "ip_v6_network": "expected a network without host bits, such as 10.0.0.0/8 or fd00::/8",
    "greater_than_equal": "expected at least {ge}",
    "greater_than": "expected more than {gt}",
    "less_than_equal": "expected at most {le}",
    "less_than": "expected less than {lt}",
    "literal_error": "expected {expected}",
    "value_error": "{error}",
}


def _reason(model: type[Section], complaint: Any, written: Location) -> str:
    kind = complaint["type"]
    if kind == "extra_forbidden":
        known = _known(annotation_at(model, written[:-1]))
        return f"unknown key; {suggestion(str(written[-1]), known)}"
    if kind.startswith("date"):
        return "expected a date, such as 2024-01-31"
    known_as = _REASONS.get(kind)
    return str(complaint["msg"]) if known_as is None else known_as.format(**complaint.get("ctx", {}))


def _known(annotation: Any) -> set[str]:
    for arm in _arms(annotation):
        if isinstance(arm, type) and issubclass(arm, Section):
            return {field.alias or name for name, field in arm.model_fields.items()}
    return set()


def annotation_at(model: Any, location: Iterable[str | int]) -> Any:
    """The type of the setting at a location; Any where there is none."""
    annotation = model
    for step in location:
        annotation = next((found for arm in _arms(annotation) if (found := _step(arm, step)) is not None), Any)
    return annotation


def _arms(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) is Annotated:
        return _arms(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return tuple(deep for arm in get_args(annotation) for deep in _arms(arm))
    return (annotation,)


def _step(annotation: Any, step: str | int) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        fields = {field.alias or name: field for name, field in annotation.model_fields.items()}
        return fields[str(step)].annotation if step in fields else None
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    if get_origin(annotation) is tuple and isinstance(step, int):
        return get_args(annotation)[0]
    return None


def refuse_traps(model: type[Section], root: Node, findings: Findings, prefix: Location = ()) -> None:
    """Numbers that readers of YAML understand differently (010, 1_000, 12:30:00), and dates that are none."""
    for location, scalar in _scalars(root, ()):
        if not (scalar.text.isdigit() or scalar.trap):
            continue
        arms = _arms(annotation_at(model, location))
        path = path_of((*prefix, *location))
        bare = scalar.plain or scalar.origin.variable is not None
        if scalar.trap and bare and (int in arms or float in arms) and str not in arms:
            findings.refuse(scalar.mark, path, f"an ambiguous number, {scalar.text}; write plain decimal digits")
        elif date in arms:
            findings.refuse(scalar.mark, path, f"expected a date, such as 2024-01-31, not {_quote(scalar.text)}")


def _scalars(node: Node, at: Location) -> Iterable[tuple[Location, Scalar]]:
    if isinstance(node, Scalar):
        yield at, node
    elif isinstance(node, Items):
        for n, item in enumerate(node.items):
            yield from _scalars(item, (*at, n))
    else:
        for key, value in node.pairs.items():
            yield from _scalars(value, (*at, key))
