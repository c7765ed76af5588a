"""`make bench`: every measurement in one run, beside its baseline, as a table of ratios.

The machine is shared and noisy: only the ratios mean something, and each pair is measured in turns.
"""

import asyncio
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import cycles, orders, ticks
from bench.figures import Row
from kimp.adapters.embedded.process import free_port
from kimp.adapters.embedded.redis import EmbeddedRedis


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows: list[Row] = []
        async with EmbeddedRedis(folder, port=free_port()) as redis:
            rows += await ticks.measure(redis.url)
            async with orders.world(folder, redis.url) as world:
                rows += await orders.measure(world)
                rows += await cycles.measure(world)
        return rows


def main() -> None:
    table = Table(title="kimp bench", title_justify="left")
    for name in ("what", "kimp", "baseline", "ratio", "aim"):
        table.add_column(name, justify="left" if name == "what" else "right")
    for row in asyncio.run(measure()):
        table.add_row(row.what, row.kimp, row.baseline, row.ratio, row.aim)
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
