"""A Dockerfile and a .dockerignore, read as far as ours go: what is not known here is refused, never passed over."""

import json
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

KNOWN = frozenset({"FROM", "RUN", "COPY", "ENV", "WORKDIR", "USER", "VOLUME", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"})
FLAGS = {"COPY": {"from", "chmod"}, "HEALTHCHECK": {"interval", "timeout", "start-period", "retries"}}
IN_JSON = ("ENTRYPOINT", "CMD")     # otherwise a shell would run it, and get the signals
_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction: `COPY --from=build a b` is COPY, {"from": "build"}, "a b"."""

    line: int
    word: str
    flags: Mapping[str, str]
    text: str

    def words(self) -> list[str]:
        """The JSON form, or words as a shell splits them."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclass(slots=True)
class Stage:
    """What a FROM begins, up to the next."""

    base: str
    name: str
    steps: list[Step] = field(default_factory=list)


def read(text: str) -> list[Stage]:
    """The stages. Raises ValueError where an instruction, or a flag of one, is none of those that are known."""
    found: list[Stage] = []
    for step in _steps(text):
        if step.word not in KNOWN or set(step.flags) - FLAGS.get(step.word, set()):
            raise ValueError(f"line {step.line}: {step.word}, or a flag of it: not known to this reader")
        if step.word in IN_JSON and not step.text.startswith("["):
            raise ValueError(f"line {step.line}: {step.word}: expected JSON")
        if step.word == "FROM":
            base, _, name = step.text.partition(" AS ")
            found.append(Stage(base, name or str(len(found))))
        elif not found:
            raise ValueError(f"line {step.line}: {step.word} before any FROM")
        else:
            found[-1].steps.append(step)
    return found


def _steps(text: str) -> Iterator[Step]:
    """Lines joined where they end in a backslash; comments left out, between joined lines too."""
    held, begun = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or not (line.strip() or held):
            continue
        begun = begun or number
        held += line.strip().removesuffix("\\") if held else line.lstrip().removesuffix("\\")
        if not line.rstrip().endswith("\\"):
            yield _step(begun, held)
            held, begun = "", 0
    if held:
        raise ValueError(f"line {begun}: ends in a backslash")


def _step(line: int, text: str) -> Step:
    word, _, rest = text.strip().partition(" ")
    flags, rest = {}, rest.lstrip()
    while hit := _FLAG.match(rest):
        flags[hit[1]] = hit[2]
        rest = rest[hit.end():]
    return Step(line, word.upper(), flags, rest)


def expand(text: str, variables: Mapping[str, str]) -> str:
    """`$NAME` and `${NAME}` by ENV; an unknown one is empty, as at a build."""
    return _VARIABLE.sub(lambda hit: variables.get(hit[1] or hit[2], ""), text)


@dataclass(frozen=True, slots=True)
class Ignore:
    """A .dockerignore: the last pattern that is true of a path, or of a folder above it, decides."""

    patterns: tuple[tuple[re.Pattern[str], bool], ...]

    @classmethod
    def of(cls, text: str) -> "Ignore":
        """Of the file's text."""
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return cls(tuple((re.compile(_regex(line.removeprefix("!").strip("/"))), not line.startswith("!")) for line in lines))

    def out(self, path: Path) -> bool:
        """Whether a path, relative to the context, stays out of the image."""
        left_out = False
        ways = [str(path), *(str(above) for above in path.parents if above != Path())]
        for pattern, says_out in self.patterns:
            if any(pattern.fullmatch(way) for way in ways):
                left_out = says_out
        return left_out


def _regex(pattern: str) -> str:
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(parts.get(one) or (one if one.startswith("[") else re.escape(one))
                   for one in re.findall(r"\*\*/|\*\*|\*|\?|\[[^\]]+\]|.", pattern))
