"""After the faults: everything is mended, and then everything must come to rest."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from chaos.auditor.collecting import CYCLES
from chaos.auditor.names import cycle_of
from chaos.harness.ground import Ground
from chaos.harness.mayhem import Mayhem, Say
from temporalio.client import Client
from temporalio.service import RPCError

from activities.reconcile import SURFACES_MS
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SWEEP
from kimp.domain.errors import KimpError
from kimp.ports.books import CycleRow

RUNNING = f"{CYCLES} AND ExecutionStatus='Running'"
MANY = 100_000
LOOK_EVERY_S = 1.0
TELL_EVERY_S = 20.0
DECIDE_EVERY_S = 15.0
HURRY_EVERY_S = 5.0
SWEEP_EVERY_S = 8.0
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

    People decide over parked cycles only, and ask those that wait to look again. Nothing is open only when a sweep that
    began after that has found nothing either.
    """
    mayhem.operators.decided.clear()
    begun = time.monotonic()
    helping = [asyncio.create_task(_every(HURRY_EVERY_S, mayhem.operators.hurry)),
               asyncio.create_task(_every(SWEEP_EVERY_S, mayhem.operators.sweep))]  # fmt: skip
    try:
        return await _settled(ground, temporal, mayhem, limit_s, say, begun)
    finally:
        for task in helping:
            task.cancel()
        mayhem.charges.clear()


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    while True:
        with suppress(KimpError):
            await act()
        await asyncio.sleep(seconds)


async def _settled(
    ground: Ground, temporal: Client, mayhem: Mayhem, limit_s: float, say: Say, begun: float
) -> float | None:
    since: datetime | None = None
    decided = told = quiet = 0.0
    left: list[CycleRow] | None = None
    while (passed := time.monotonic() - begun) < limit_s:
        left = await _open(ground, temporal)
        if left is None or left:
            quiet, since = passed, None
        elif since is None:
            since = datetime.now(UTC)
        elif passed - quiet > QUIET_S and await _swept(temporal, since):
            return round(quiet, 1)
        for cell in mayhem.charges.look():
            say(f"       died at {cell}")
        if left and passed - told > TELL_EVERY_S:
            told = passed
            say(f"{passed:4.0f} s after the last fault, open: {', '.join(map(_told, left))}")
        if left and passed - decided > DECIDE_EVERY_S and any(row.status is CycleStatus.DEAD_LETTER for row in left):
            decided = passed
            await mayhem.operators.decide()
        await asyncio.sleep(LOOK_EVERY_S)
    return limit_s if left is not None and all(_waits(row) for row in left) else None


async def _open(ground: Ground, temporal: Client) -> list[CycleRow] | None:
    """What is not at an end; None while the database does not answer, or something is open that has no row.

    An order that was given up and may surface yet is such a thing.
    """
    try:
        rows = await ground.books.read_model.cycles(limit=MANY)
        running = {cycle_of(found.id) async for found in temporal.list_workflows(RUNNING)}
        unfinished = set(await ground.books.strandings.unfinished())
        given_up = await ground.books.strandings.unbooked_orders(SURFACES_MS, 0)
    except (KimpError, RPCError):
        return None
    left = [row for row in rows if not row.status.terminal]
    return (
        None
        if (running | unfinished) - {row.cycle_id for row in rows} or ((unfinished or given_up) and not left)
        else left
    )


async def _swept(temporal: Client, since: datetime) -> bool:
    """A whole sweep since then, to its end."""
    swept = f"WorkflowType='{SWEEP}' AND ExecutionStatus='Completed' AND StartTime > '{since.isoformat()}'"
    try:
        return bool([found async for found in temporal.list_workflows(swept, limit=1)])
    except RPCError:
        return False


def _waits(row: CycleRow) -> bool:
    return row.status is CycleStatus.DEAD_LETTER or row.waiting_reason is not None


def _told(row: CycleRow) -> str:
    return f"{row.cycle_id} {row.status} ({row.waiting_reason or row.reason or 'busy'})"
