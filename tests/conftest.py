"""Shared by every test: hypothesis without deadlines (a clock decides nothing here), and worker processes that are forked."""

import multiprocessing
import os
from functools import cache
from multiprocessing import forkserver
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("firsthand", deadline=None, max_examples=60, derandomize=True,
                          suppress_health_check=[HealthCheck.function_scoped_fixture])
settings.load_profile("firsthand")

SPAWNING = {"test_pool.py", "test_bounds.py", "test_process.py", "test_processes.py"}   # how workers begin is their matter


@cache
def _forking() -> multiprocessing.context.ForkServerContext:
    """Worker processes come from a server that has imported what they need: each would spend two seconds on that."""
    multiprocessing.set_forkserver_preload(["warmed"])
    path = os.pathsep.join((str(Path(__file__).parents[1]), str(Path(__file__).with_name("chaos"))))
    with patch.dict(os.environ, {"PYTHONPATH": path}):
        forkserver.ensure_running()
    return multiprocessing.get_context("forkserver")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before any fixture, also of the whole session, that may start workers."""
    from crawler.adapters import pool

    pool.multiprocessing = multiprocessing if item.path.name in SPAWNING else SimpleNamespace(
        get_context=lambda _method: _forking(), resource_tracker=multiprocessing.resource_tracker)
