"""The reader of the Dockerfile and of .dockerignore, which `make image-steps` and the tests of the image go by."""

from pathlib import Path

import pytest
from dockerfile import Ignore, expand, read


@pytest.mark.parametrize(("text", "steps"), [
    ("FROM a\nRUN b \\\n  # why\n  && c\n", [("RUN", {}, "b && c")]),
    ("FROM a AS b\nCOPY --from=x --chmod=0755 c d\n", [("COPY", {"from": "x", "chmod": "0755"}, "c d")]),
    ("# FROM nothing\nFROM a\n\nenv A=b\n", [("ENV", {}, "A=b")]),
])
def test_the_reader_takes_instructions_apart(text, steps):
    (stage,) = read(text)
    assert [(step.word, step.flags, step.text) for step in stage.steps] == steps


@pytest.mark.parametrize("text", [
    "FROM a\nADD b c\n", "RUN b\n", "FROM a\nRUN b \\\n", "FROM a\nRUN --mount=type=cache,target=b c\n", "FROM a\nCMD b c\n"])
def test_the_reader_refuses_what_it_does_not_know(text):
    with pytest.raises(ValueError, match="line"):
        read(text)


def test_variables_are_those_of_env():
    assert expand("/opt/bin:$PATH:${NONE}", {"PATH": "/bin"}) == "/opt/bin:/bin:"


@pytest.mark.parametrize(("patterns", "path", "out"), [
    ("*\n!crawler", "crawler/core/urls.py", False),
    ("*\n!crawler", "secrets/db_password", True),
    ("*\n!crawler\n**/__pycache__", "crawler/core/__pycache__/urls.pyc", True),
    ("**/*.py[cod]", "a/b/c.pyc", True),
    ("**/*.py[cod]", "c.pyc", True),
    ("*/temp", "a/b/temp", False),
    ("# *\n", "a", False),
    ("config\n!config/with-secrets", "config/firsthand.yaml", True),
    ("config\n!config/with-secrets", "config/with-secrets", False),
])
def test_the_last_pattern_that_is_true_decides(patterns, path, out):
    assert Ignore.of(patterns).out(Path(path)) is out
