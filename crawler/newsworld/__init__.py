"""The invented news world that `firsthand demo` serves and the end-to-end tests crawl.

    world = World(datetime(2026, 3, 2, 6, tzinfo=UTC))
    async with serve(world) as address:       # the proxy of a crawler, and the origin of every host
        world.write_config(path, address, state_dir)
        for tick in world.times():
            world.set(tick)                   # … poll, and at the end compare the report with world.truth
"""

from crawler.newsworld.server import serve
from crawler.newsworld.world import Logged, Truth, World

__all__ = ["Logged", "Truth", "World", "serve"]
