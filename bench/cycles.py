"""Whole cycles a second with many at once, beside bare workflows with as many activities."""

import asyncio
import time
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from fakes.lab import Lab

    from bench.figures import Row
    from bench.orders import World
    from kimp.adapters.temporal.starter import TemporalCycleStarter

AT_ONCE = 30
BARE_ACTIVITIES = 24
"""As many as a cycle that comes home by USDT has."""
FIRST = 1_000
BARE_QUEUE = "bench-many"


@activity.defn
async def nothing() -> None:
    """The baseline's activity."""


@workflow.defn
class ManyActivities:
    @workflow.run
    async def run(self) -> None:
        for _ in range(BARE_ACTIVITIES):
            await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=30))


async def measure(world: World) -> list[Row]:
    ours = await _cycles(world)
    theirs = await _bare(world)
    return [
        Row(
            f"cycles/s, {AT_ONCE} at once, against bare workflows of {BARE_ACTIVITIES} activities",
            f"{ours:.2f}",
            f"{theirs:.2f}",
            f"{theirs / ours:.2f}",
            "-",
        )
    ]


async def _cycles(world: World) -> float:
    """The venues answer at once, in memory: what is measured is Temporal, the workflow, and the real database."""
    lab = Lab(world.client, records=world.books.read_model, journal=world.books.journal)  # type: ignore[arg-type]  # the real ones
    template = await lab.plan(expires_in_ms=600_000)
    cycles = [template.model_copy(update={"cycle_id": f"XRP-{FIRST + n}"}) for n in range(AT_ONCE)]
    async with lab.workers():
        starter = TemporalCycleStarter(world.client)
        begun = time.perf_counter()
        await asyncio.gather(*(starter.start(cycle) for cycle in cycles))
        handles = [world.client.get_workflow_handle(f"cycle-{cycle.cycle_id}") for cycle in cycles]
        await asyncio.gather(*(handle.result() for handle in handles))
        return AT_ONCE / (time.perf_counter() - begun)


async def _bare(world: World) -> float:
    async with Worker(world.bare, task_queue=BARE_QUEUE, workflows=[ManyActivities], activities=[nothing]):
        begun = time.perf_counter()
        await asyncio.gather(
            *(
                world.bare.execute_workflow(ManyActivities.run, id=f"many-{n}", task_queue=BARE_QUEUE)
                for n in range(AT_ONCE)
            )
        )
        return AT_ONCE / (time.perf_counter() - begun)
