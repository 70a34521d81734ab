"""Column types that mean the same in SQLite and PostgreSQL."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from struct import unpack_from
from typing import Any, TypeVar

import regex
import sqlalchemy as sa
import zstandard

from crawler.adapters.store.failures import DamagedError

T = TypeVar("T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SIGN, _RANGE = 1 << 63, 1 << 64
# The doors strip these already; PostgreSQL cannot hold the one, SQLite's driver cannot encode the other.
_UNSTORABLE = regex.compile(r"[\x00\ud800-\udfff]")


def _read(read: Callable[[Any], T], value: Any) -> T | None:
    """A value as it was written, None for none. Raises DamagedError."""
    try:
        return None if value is None else read(value)
    except (ValueError, TypeError, ArithmeticError, zstandard.ZstdError) as error:
        raise DamagedError(f"{type(error).__name__} in a stored value") from error


def digest(*parts: str) -> bytes:
    """16 bytes that stand for texts of any length: an index row of PostgreSQL ends at 2,704 bytes, a URL does not."""
    return blake2b("\x00".join(map(storable, parts)).encode(), digest_size=16).digest()


def storable(text: str) -> str:
    """The text without NUL and lone surrogates."""
    # A look for either costs a hundredth of a pass of the pattern, and next to no text holds one.
    return text if "\x00" not in text and _encodable(text) else str(_UNSTORABLE.sub("", text))


def _encodable(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def micros(moment: datetime) -> int:
    """As a column holds an aware datetime: see `Moment`."""
    return (moment - _EPOCH) // _MICROSECOND


def signed(key: int) -> int:
    """As a column holds an unsigned 64-bit number: see `Key`."""
    return key if key < _SIGN else key - _RANGE


class Moment(sa.TypeDecorator[datetime]):
    """An aware datetime as whole microseconds since 1970 in UTC: exact, and it compares alike everywhere."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: sa.Dialect) -> int | None:
        """To the database."""
        return None if value is None else micros(value)

    def process_result_value(self, value: int | None, _dialect: sa.Dialect) -> datetime | None:
        """From the database."""
        return _read(lambda held: _EPOCH + timedelta(microseconds=held), value)


class Key(sa.TypeDecorator[int]):
    """An unsigned 64-bit key in a signed column: 2**63 and more wrap to the negative numbers."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: sa.Dialect) -> int | None:
        """To the database."""
        return None if value is None else signed(value)

    def process_result_value(self, value: int | None, _dialect: sa.Dialect) -> int | None:
        """From the database."""
        return None if value is None else value % _RANGE


NAME = 200   # characters of a source's name: two of them stand in an index row of PostgreSQL, which has 2,704 bytes


def outlet(source: str) -> int:
    """A key of a source; names that begin alike for `NAME` characters are one."""
    return int.from_bytes(blake2b(storable(source)[:NAME].encode(), digest_size=8).digest())


class Prose(sa.TypeDecorator[str]):
    """Any text; NUL and lone surrogates are dropped on the way in."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: sa.Dialect) -> str | None:
        """To the database."""
        return None if value is None else storable(value)


def pack(text: str | None) -> bytes | None:
    """What a `Packed` column holds of a text."""
    return None if text is None else zstandard.compress(storable(text).encode())


class Packed(sa.TypeDecorator[str]):
    """A text that is seldom read, compressed: what a page said later, a feed's full content."""

    impl = sa.LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | bytes | None, _dialect: sa.Dialect) -> bytes | None:
        """To the database; bytes are what `pack` made, off the event loop."""
        return pack(value) if isinstance(value, str) else value

    def process_result_value(self, value: bytes | None, _dialect: sa.Dialect) -> str | None:
        """From the database."""
        return _read(lambda held: zstandard.decompress(held).decode(), value)


class Json(sa.TypeDecorator[Any]):
    """JSON values as an ASCII text, which both databases hold without looking into it."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: sa.Dialect) -> str | None:
        """To the database."""
        return None if value is None else json.dumps(value, separators=(",", ":"))

    def process_result_value(self, value: str | None, _dialect: sa.Dialect) -> Any:
        """From the database."""
        return read_json(value)


def read_json(text: str | None) -> Any:
    """What a `Json` column holds that was asked for as a text, since it is seldom looked into. Raises DamagedError."""
    return _read(json.loads, text)


def pack_keys(keys: list[int]) -> bytes:
    """Unsigned 64-bit keys, eight bytes each, little endian."""
    return b"".join(key.to_bytes(8, "little") for key in keys)


def signed_keys(data: bytes) -> tuple[int, ...]:
    """The same, each as a signed column holds it."""
    return unpack_from(f"<{len(data) // 8}q", data)


def unpack_keys(data: bytes | None) -> list[int]:
    """What `pack_keys` made; None is no keys."""
    held = data or b""
    return [int.from_bytes(held[at:at + 8], "little") for at in range(0, len(held), 8)]
