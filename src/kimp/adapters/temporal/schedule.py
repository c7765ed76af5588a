"""The sweep's schedule, made once per namespace."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
    ScheduleUpdate,
    ScheduleUpdateInput,
)

from kimp.contracts.queues import TaskQueue
from kimp.contracts.sweep import SWEEP

SCHEDULE_ID = "kimp-sweep"
EVERY = timedelta(minutes=1)
AT_MOST = timedelta(minutes=10)
"""A sweep that no worker takes up must not keep later ones from running."""


async def prepare_schedule(client: Client) -> list[str]:
    """Make the schedule, or bring it to what this version wants; one that a person paused stays paused.

    Tells what it made.
    """
    wanted = _schedule()
    try:
        await client.create_schedule(SCHEDULE_ID, wanted)
    except ScheduleAlreadyRunningError:

        def renewed(found: ScheduleUpdateInput) -> ScheduleUpdate:
            wanted.state = found.description.schedule.state
            return ScheduleUpdate(wanted)

        await client.get_schedule_handle(SCHEDULE_ID).update(renewed)
        return []
    return [f"schedule {SCHEDULE_ID} is made, each {EVERY.total_seconds():g} s"]


def _schedule() -> Schedule:
    return Schedule(
        action=ScheduleActionStartWorkflow(
            SWEEP, id=SCHEDULE_ID, task_queue=TaskQueue.CYCLES, execution_timeout=AT_MOST
        ),
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=EVERY),
    )
