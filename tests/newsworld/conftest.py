"""A world at its end, for tests that only look."""

from datetime import UTC, datetime, timedelta

import pytest

from crawler.newsworld import World

START = datetime(2026, 3, 2, 6, tzinfo=UTC)


@pytest.fixture
def world() -> World:
    return World(START)


@pytest.fixture
def evening(world: World) -> World:
    world.advance(timedelta(hours=24))
    return world
