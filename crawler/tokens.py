"""Who may in: named tokens, of which a file keeps only the hashes.

One `NAME sha256:HEX` a line; lines that begin with # are comments. A token is 256 random bits, so that a plain hash of it
tells nobody anything. The file is read again when it has changed.
"""

import hashlib
import hmac
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

from crawler.errors import UsageError

PREFIX = "fh_"   # by which scanners for leaked secrets, and people, know what it is
_LINE = re.compile(r"(?P<name>[\w.@+-]{1,64}) +sha256:(?P<hash>[0-9a-f]{64})")
_NAME = re.compile(r"[\w.@+-]{1,64}")


def digest(token: str) -> str:
    """What the file keeps of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def parse(text: str, where: str) -> dict[str, str]:
    """Name -> hash. Raises UsageError with the first bad line; what stands in it is never repeated: it may be a token."""
    found: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        hit = _LINE.fullmatch(line.strip())
        if hit is None:
            raise UsageError(f"{where}:{number}: expected NAME sha256:HEX; `firsthand token add NAME` writes such a line")
        if hit["name"] in found:
            raise UsageError(f"{where}:{number}: {hit['name']} stands there twice; `firsthand token remove` takes one out")
        found[hit["name"]] = hit["hash"]
    return found


def read(path: Path) -> dict[str, str]:
    """The file. Raises UsageError where it cannot be read, or has a bad line."""
    try:
        return parse(path.read_text("utf-8"), str(path))
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; `firsthand token add NAME` makes it") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a text; `firsthand token add NAME` makes one") from None


def add(path: Path, name: str) -> str:
    """A new token for somebody, whose hash is added to the file; returns it, the only time that it is seen."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r}: a name is up to 64 letters, digits and . _ @ + -")
    known = read(path) if path.exists() else {}
    if name in known:
        raise UsageError(f"{name} has a token already; `firsthand token remove {name}` ends it")
    token = PREFIX + secrets.token_urlsafe(32)
    text = path.read_text("utf-8") if path.exists() else "# Who may review: NAME sha256:HASH OF THE TOKEN\n"
    _write(path, f"{text.rstrip(chr(10))}\n{name} sha256:{digest(token)}\n")
    return token


def remove(path: Path, name: str) -> None:
    """Somebody's token is one no more. Raises UsageError where there is none of this name."""
    if name not in read(path):
        raise UsageError(f"{name}: no token of this name in {path}")
    lines = [line for line in path.read_text("utf-8").splitlines() if line.split(maxsplit=1)[:1] != [name]]
    _write(path, "\n".join(lines) + "\n")


def _write(path: Path, text: str) -> None:
    """All of it or nothing, for its owner's eyes only."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        draft.replace(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; correct its folder's mode, or review.tokens_file") from None


@dataclass(slots=True)
class Tokens:
    """The tokens of a file, as it now is; with a mistake in it, as it last was without one."""

    path: Path
    _hashes: dict[str, str] = field(default_factory=dict)
    _stamp: tuple[int, int, int] | None = None

    def name_of(self, token: str) -> str | None:
        """Whose token that is. Takes as long whoever it is, and for nobody."""
        self._refresh()
        given = digest(token)
        found = None
        for name, known in self._hashes.items():
            if hmac.compare_digest(known, given):
                found = name
        return found

    def _refresh(self) -> None:
        try:
            stat = self.path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if stamp != self._stamp:
                self._hashes, self._stamp = read(self.path), stamp
        except FileNotFoundError:
            self._hashes, self._stamp = {}, None    # nobody's, rather than everybody's who once had one
        except (OSError, UsageError):
            return
