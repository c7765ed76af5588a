"""Whole cycles a second by 1, 2 and 4 worker processes, beside as many processes for bare workflows; and how long a
decision takes to become an order. On the servers that the environment names: `make cluster ARGS=measure`.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from temporalio.client import Client
from temporalio.worker import Worker

from bench.cycles import ManyActivities, nothing
from bench.figures import Row
from bench.orders import World, open_world
from bench.orders import measure as measure_orders
from kimp.adapters.embedded.process import ServerProcess
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.stack import Stack
from kimp.config import load
from kimp.domain.admission import HaltLevel
from kimp.domain.ids import workflow_id
from kimp.domain.money import USDT
from kimp.paper.config import RateLimits

WORKERS = (1, 2, 4)
CYCLES = 40
"""At once."""
BARE_QUEUE = "bench-bare-many"
FIRST = 10_000
START_S = 60
UNLIMITED = dict.fromkeys(RateLimits.model_fields, 1000000000)
NO_PREMIUM = {
    "KIMP_TRADING__NOTIONAL_KRW": "100000",
    # Nothing pays here: a way home is taken whatever it costs.
    "KIMP_TRADING__REBALANCE_FLOOR": "-0.5",
    "KIMP_TRADING__REBALANCE_LOSS_LIMIT": "-0.5",
    "KIMP_TRADING__COMPENSATION_LOSS_LIMIT": "-0.5",
    "KIMP_TRADING__MAX_QUOTE_AGE_MS": "60000",
    "KIMP_CAPS__OPEN_CYCLES": "500",
    "KIMP_CAPS__CYCLES_PER_MINUTE": "600",
    "KIMP_CAPS__LOSSES_IN_A_ROW": "100",
    "KIMP_CAPS__DAY_LOSS_KRW": "1000000000",
    "KIMP_PAPER__TRANSFER_TIME_SCALE": "0",
    "KIMP_PAPER__LIMITS": json.dumps(UNLIMITED),
    "KIMP_PAPER__MARKET": json.dumps({"kind": "synthetic", "episode_every_s": 0}),
}


async def measure(folder: Path) -> AsyncIterator[Row]:
    """Each figure as soon as it is there. Servers and ports of the paper exchange come from the environment."""
    os.environ.update(NO_PREMIUM)
    async with AsyncExitStack() as stack:
        kimp = await stack.enter_async_context(Stack(load(), lambda _: None))
        await kimp.start_paper()
        await kimp.start("feeder", "feeder")
        world = await stack.enter_async_context(open_world(kimp.settings))
        await _until_quotes(world)
        for row in await measure_orders(world):
            yield row
        running = 0
        for many in WORKERS:
            for number in range(running + 1, many + 1):
                await kimp.start(f"worker-{number}", "worker")
            running = many
            # Here every cycle loses; so many in a row would halt trading.
            await world.books.controls.set_halt_level(HaltLevel.RUN, "bench", by="a test")
            await _cycles(world, FIRST * many, 2 * many)  # warm up: each process imports and connects
            ours = CYCLES / await _cycles(world, FIRST * many + 100, CYCLES)
            theirs = CYCLES / await _bare(world.bare, folder, many)
            what = f"cycles/s, {CYCLES} at once, {many} worker processes"
            yield Row(what, f"{ours:.2f}", f"{theirs:.2f}", f"{theirs / ours:.2f}", "-")


async def _until_quotes(world: World) -> None:
    async with asyncio.timeout(START_S):
        while not (await world.bus.latest(world.settings.trading.assets) and await world.bus.latest_rules()):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def _cycles(world: World, first: int, many: int) -> float:
    """Seconds until all have ended. In turns of all coins: withdrawals of one coin wait for each other."""
    coins = [coin for coin in world.settings.trading.assets if coin != USDT]
    cycles = [await world.cycle(first + number, coins[number % len(coins)]) for number in range(many)]
    starter = TemporalCycleStarter(world.client)
    begun = time.perf_counter()
    await asyncio.gather(*(starter.start(cycle) for cycle in cycles))
    ended = [world.client.get_workflow_handle(workflow_id(cycle.cycle_id)).result() for cycle in cycles]
    await asyncio.gather(*ended)
    return time.perf_counter() - begun


async def _bare(client: Client, folder: Path, many: int) -> float:
    where = (client.service_client.config.target_host, client.namespace)
    command = [sys.executable, "-m", "bench.scaling", *where]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_paths())}
    workers = [ServerProcess(f"bare-{number}", command, folder, environment) for number in range(many)]
    try:
        for worker in workers:
            await worker.start(_at_once, START_S)
        await _run_bare(client, "warm", 2 * many)
        return await _run_bare(client, "many", CYCLES)
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))


async def _run_bare(client: Client, name: str, many: int) -> float:
    begun = time.perf_counter()
    prefix = f"bare-{name}-{time.time_ns()}"
    started = [
        client.execute_workflow(ManyActivities.run, id=f"{prefix}-{number}", task_queue=BARE_QUEUE)
        for number in range(many)
    ]
    await asyncio.gather(*started)
    return time.perf_counter() - begun


def _paths() -> Sequence[str]:
    root = Path(__file__).parents[1]
    return str(root), str(root / "tests")


async def _at_once() -> bool:
    return True


async def _serve(address: str, namespace: str) -> None:
    client = await Client.connect(address, namespace=namespace)
    async with Worker(client, task_queue=BARE_QUEUE, workflows=[ManyActivities], activities=[nothing]):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
