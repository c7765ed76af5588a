"""After the faults: everything is mended, and then everything must come to rest."""

import asyncio
import time

from chaos.auditor.collecting import CYCLES
from chaos.auditor.names import cycle_of
from chaos.harness.ground import Ground
from chaos.harness.mayhem import Mayhem, Say
from temporalio.client import Client
from temporalio.service import RPCError

from kimp.contracts.status import CycleStatus
from kimp.domain.errors import KimpError
from kimp.ports.books import CycleRow

RUNNING = f"{CYCLES} AND ExecutionStatus='Running'"
MANY = 100_000
LOOK_EVERY_S = 1.0
TELL_EVERY_S = 20.0
DECIDE_EVERY_S = 15.0
QUIET_S = 5.0
"""What has just started may not be listed yet."""


async def heal(ground: Ground, mayhem: Mayhem) -> None:
    """No more faults, kills, cuts or charges; the kill switch lets all pass but new cycles."""
    mayhem.over()
    await ground.paper.heal()
    await mayhem.market.calm()
    for proxy in ground.proxies.values():
        await proxy.heal()
    await mayhem.operators.no_new_cycles()


async def settle(ground: Ground, temporal: Client, mayhem: Mayhem, limit_s: float, say: Say) -> float | None:
    """Seconds until nothing was open, or until the time was up and all that was left waited visibly; None otherwise.

    People decide over parked cycles only.
    """
    mayhem.operators.decided.clear()
    begun = time.monotonic()
    decided = told = quiet = 0.0
    left: list[CycleRow] | None = None
    while (passed := time.monotonic() - begun) < limit_s:
        left = await _open(ground, temporal)
        if left is None or left:
            quiet = passed
        elif passed - quiet > QUIET_S:
            return round(quiet, 1)
        if left and passed - told > TELL_EVERY_S:
            told = passed
            say(f"{passed:4.0f} s after the last fault, open: {', '.join(map(_told, left))}")
        if left and passed - decided > DECIDE_EVERY_S and any(row.status is CycleStatus.DEAD_LETTER for row in left):
            decided = passed
            await mayhem.operators.decide()
        await asyncio.sleep(LOOK_EVERY_S)
    return limit_s if left is not None and all(_waits(row) for row in left) else None


async def _open(ground: Ground, temporal: Client) -> list[CycleRow] | None:
    """What is not at an end; None while the database does not answer, or a workflow runs that has no row yet."""
    try:
        rows = await ground.books.read_model.cycles(limit=MANY)
        running = {cycle_of(found.id) async for found in temporal.list_workflows(RUNNING)}
    except (KimpError, RPCError):
        return None
    left = [row for row in rows if not row.status.terminal]
    return None if running - {row.cycle_id for row in rows} else left


def _waits(row: CycleRow) -> bool:
    return row.status is CycleStatus.DEAD_LETTER or row.waiting_reason is not None


def _told(row: CycleRow) -> str:
    return f"{row.cycle_id} {row.status} ({row.waiting_reason or row.reason or 'busy'})"
