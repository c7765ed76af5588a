"""A worker dies before the user's eyes, and its cycle goes on: `kimp demo --chaos`."""

import asyncio
from collections.abc import Callable, Iterable

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.client import Client, WorkflowHandle

from kimp.bootstrap.stack import Stack
from kimp.contracts.status import CycleStatus
from kimp.domain.ids import workflow_id
from kimp.ports.read_model import ReadModel

LOOK_EVERY_S = 0.1
VICTIM = "worker"
THEN = CycleStatus.REBALANCING_IN_PROGRESS
"""Half of the trade is done, and the cash is abroad."""
MANY = 1_000


class WorkerKill:
    """One worker, once, while it works for a cycle that is on its way home."""

    def __init__(self, stack: Stack, client: Client, read_model: ReadModel, write_line: Callable[[str], None]) -> None:
        self.done = False
        self._stack = stack
        self._client = client
        self._read_model = read_model
        self._write_line = write_line

    async def run(self) -> None:
        """Returns when somebody else, or the same process started anew, works for the cycle."""
        cycle, victim = await self._chance()
        pid = self._stack.children[victim].kill()
        self._write_line(f"killed {victim} (pid {pid}) while {cycle} was {THEN}")
        await self._stack.revive(victim)
        self._write_line(f"{victim} is started again (pid {self._stack.children[victim].pid})")
        self._write_line(f"{cycle} goes on in {await self._heir(cycle)}")
        self.done = True

    async def _chance(self) -> tuple[str, str]:
        """A cycle, and the worker that is in the middle of one of its activities."""
        while True:
            for row in await self._read_model.cycles(limit=MANY, status=THEN):
                for name in self._names(await _at_work(self._handle(row.cycle_id))):
                    if name.startswith(VICTIM):
                        return row.cycle_id, name
            await asyncio.sleep(LOOK_EVERY_S)

    async def _heir(self, cycle: str) -> str:
        """Who works for the cycle now, or worked for it last if it has ended meanwhile."""
        handle = self._handle(cycle)
        while True:
            found = await handle.describe()
            identities = await _at_work(handle) if found.close_time is None else await _last(handle)
            for name in self._names(identities):
                return name
            await asyncio.sleep(LOOK_EVERY_S)

    def _handle(self, cycle: str) -> WorkflowHandle[object, object]:
        return self._client.get_workflow_handle(workflow_id(cycle))

    def _names(self, identities: Iterable[str]) -> list[str]:
        """Temporal's `pid@host` as the names of our children; the dead have none."""
        names = {str(child.pid): name for name, child in self._stack.children.items()}
        pids = [identity.partition("@")[0] for identity in identities]
        return [names[pid] for pid in pids if pid in names]


async def _at_work(handle: WorkflowHandle[object, object]) -> list[str]:
    """The identities that have taken an activity of the workflow and not yet answered."""
    described = (await handle.describe()).raw_description
    started = PendingActivityState.PENDING_ACTIVITY_STATE_STARTED
    return [pending.last_worker_identity for pending in described.pending_activities if pending.state == started]


async def _last(handle: WorkflowHandle[object, object]) -> list[str]:
    """Who brought the workflow to its end."""
    events = (await handle.fetch_history()).events
    return [
        event.workflow_task_completed_event_attributes.identity
        for event in reversed(events)
        if event.HasField("workflow_task_completed_event_attributes")
    ][:1]
