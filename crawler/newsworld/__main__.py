"""`python -m crawler.newsworld`: serve the world for a person to look at, its clock running at a chosen speed."""

import argparse
import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

from crawler.newsworld.server import serve
from crawler.newsworld.world import World


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m crawler.newsworld", description=__doc__)
    parser.add_argument("--port", type=int, default=8480, help="port on 127.0.0.1; 0 takes a free one")
    parser.add_argument("--speed", type=float, default=60, help="seconds of the world in a second (default 60)")
    parser.add_argument("--start", type=datetime.fromisoformat, default=datetime(2026, 3, 2, 6, tzinfo=UTC),
                        help="first moment of the world, with its zone (default 2026-03-02T06:00+00:00)")
    parser.add_argument("--config", type=Path, help="also write a configuration for the firsthand command here")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    world = World(arguments.start)
    async with serve(world, arguments.port) as address:
        print(f"newsworld: http_proxy={address} shows http://harbour-post.example/ and "  # noqa: T201 - for a person
              f"{len(world.script.sites) - 1} more hosts", flush=True)
        if arguments.config:
            world.write_config(arguments.config, address, arguments.config.parent / "var")
        while True:
            await asyncio.sleep(1)
            world.advance(timedelta(seconds=arguments.speed))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_run(_arguments()))
