"""`make bench`: every measurement in one run, beside its baseline, as a table of ratios.

On a shared machine only the ratios mean something, so each pair is measured in turns.
"""

import asyncio
import tempfile
from pathlib import Path

from fakes.open_redis import OpenRedis
from rich.console import Console

from bench.coins import measure as measure_coins
from bench.cycles import measure as measure_cycles
from bench.encryption import measure as measure_encryption
from bench.figures import Row, as_table
from bench.orders import measure as measure_orders
from bench.orders import own_world
from bench.ticks import measure as measure_ticks
from kimp.adapters.embedded.process import free_port


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = measure_coins()
        async with OpenRedis(folder, port=free_port()) as redis:
            rows += await measure_ticks(redis.url)
            async with own_world(folder, redis.url) as world:
                rows += await measure_orders(world)
                rows += await measure_cycles(world)
                rows += await measure_encryption(world)
        return rows


def main() -> None:
    Console(width=140).print(as_table(asyncio.run(measure())))


if __name__ == "__main__":
    main()
