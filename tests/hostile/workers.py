"""What a worker process may be made to do instead of reading a page. In a module of its own: a worker imports it."""

import os
from pathlib import Path
from typing import Any, NoReturn


def spin(*_given: Any, **_more: Any) -> NoReturn:
    """Never come to an end; says in the file that SPINNING names that it has begun."""
    Path(os.environ["SPINNING"]).touch()
    while True:
        pass


def hoard(*_given: Any, **_more: Any) -> NoReturn:
    """Ask for memory until there is none."""
    held = []
    while True:
        held.append(bytearray(64 * 1024 * 1024))
