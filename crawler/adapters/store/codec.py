"""Dataclasses <-> JSON values, for the columns that hold claims, attributions, hints, evidence and their like.

Datetimes become ISO texts in UTC, durations whole microseconds, sets sorted lists; fields at their default are left
out. Reading is tolerant both ways: an unknown field is passed over, a missing one takes its default, so a row written
by an older or newer program of the same schema still reads.
"""

import dataclasses
import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from crawler.adapters.store.failures import DamagedError

T = TypeVar("T")
_MICROSECOND = timedelta(microseconds=1)


class _NoCodecError(TypeError):
    """A mistake in the program, not in what is stored."""


def encode(value: Any) -> Any:
    """A dataclass, or a tuple of them, as JSON values."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    if isinstance(value, frozenset):
        return sorted(encode(item) for item in value)
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {name: encode(held) for name, default in _defaults(type(value))
                if (held := getattr(value, name)) is not default and held != default}
    return value.value if isinstance(value, Enum) else value


_PLAIN = frozenset({str, int, float, bool, type(None)})


@cache
def _defaults(kind: type) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in dataclasses.fields(kind))


def decode(kind: type[T], data: Any) -> T:
    """What `encode` made of a `kind`. Raises DamagedError on anything else."""
    return cast("T", _read(_reader(cast("Any", kind)), data))


def decode_all(kind: type[T], data: Any) -> tuple[T, ...]:
    """What `encode` made of a tuple of `kind`; None is the empty tuple."""
    read = _reader(cast("Any", kind))
    return cast("tuple[T, ...]", _read(lambda items: tuple(map(read, items)), data or ()))


def _read(read: Callable[[Any], Any], data: Any) -> Any:
    try:
        return read(data)
    except _NoCodecError:
        raise
    except (ValueError, TypeError, LookupError, ArithmeticError) as error:
        raise DamagedError(f"{type(error).__name__} in a stored value") from error


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    if dataclasses.is_dataclass(kind):
        return _dataclass_reader(cast("type", kind))
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        return _optional_reader(kind)
    if origin in (tuple, frozenset):
        return _sequence_reader(kind)
    return _scalar_reader(kind)


def _dataclass_reader(kind: type) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    # Looked up when used, not now: a dataclass may hold others of its own kind.
    names = frozenset(field.name for field in dataclasses.fields(kind))
    return lambda data: kind(**{name: _reader(hints[name])(held) for name, held in data.items() if name in names})


def _optional_reader(kind: Any) -> Callable[[Any], Any]:
    (inner,) = (arg for arg in get_args(kind) if arg is not type(None))
    read = _reader(inner)
    return lambda data: None if data is None else read(data)


def _sequence_reader(kind: Any) -> Callable[[Any], Any]:
    whole, args = cast("Callable[[Any], Any]", get_origin(kind)), get_args(kind)
    if len(args) == 2 and args[1] is not Ellipsis:  # a pair
        first, second = map(_reader, args)
        return lambda data: (first(data[0]), second(data[1]))
    read = _reader(args[0])
    return lambda data: whole(read(item) for item in data)


def _scalar_reader(kind: Any) -> Callable[[Any], Any]:
    if kind is datetime:
        return datetime.fromisoformat
    if kind is timedelta:
        return lambda data: timedelta(microseconds=data)
    if kind is float:
        return float
    if kind in (str, int, bool, Any) or get_origin(kind) is Literal:
        return lambda data: data
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind
    raise _NoCodecError(f"no codec for {kind!r}")
