"""After the faults: everything is mended, and then everything must come to rest."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime

from chaos.auditor.collecting import CYCLES, read_journal, read_open_rows, read_tables
from chaos.auditor.evidence import Row, Unread
from chaos.auditor.names import cycle_of
from chaos.auditor.openness import Open
from chaos.auditor.parked import PARKED
from chaos.auditor.verdict import still_open
from chaos.harness.ground import JOURNAL, Ground
from chaos.harness.mayhem import Mayhem, WriteLine
from temporalio.client import Client
from temporalio.service import RPCError

from kimp.contracts.sweep import SWEEP
from kimp.domain.errors import KimpError

RUNNING = f"{CYCLES} AND ExecutionStatus='Running'"
SHOWN = 5
LOOK_EVERY_S = 1.0
REPORT_EVERY_S = 20.0
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


async def settle(
    ground: Ground, temporal: Client, mayhem: Mayhem, limit_s: float, write_line: WriteLine
) -> float | None:
    """Seconds until nothing was open, or until the time was up and all that was left waited visibly; None otherwise.

    People decide over parked cycles only, and ask those that wait to look again. Nothing is open only when a sweep that
    began after that has found nothing either, and neither the venue's log nor any table knows of anything.
    """
    mayhem.operators.decided.clear()
    begun = time.monotonic()
    helping = [asyncio.create_task(_every(HURRY_EVERY_S, mayhem.operators.hurry)),
               asyncio.create_task(_every(SWEEP_EVERY_S, mayhem.operators.sweep))]  # fmt: skip
    try:
        return await _settled(ground, temporal, mayhem, limit_s, write_line, begun)
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
    ground: Ground, temporal: Client, mayhem: Mayhem, limit_s: float, write_line: WriteLine, begun: float
) -> float | None:
    since: datetime | None = None
    decided = reported = quiet = 0.0
    left: list[Row] | None = None
    while (passed := time.monotonic() - begun) < limit_s:
        left = await _open(ground, temporal)
        if left is None or left:
            quiet, since = passed, None
        elif since is None:
            since = datetime.now(UTC)
        elif passed - quiet > QUIET_S and await _swept(temporal, since):
            still = await _under_way(ground)
            if not still:
                return round(quiet, 1)
            write_line(
                f"{passed:4.0f} s after the last fault, under way: {'; '.join(one.what for one in still[:SHOWN])}"
            )
            quiet, since = passed, None
        for cell in mayhem.charges.look():
            write_line(f"       died at {cell}")
        if left and passed - reported > REPORT_EVERY_S:
            reported = passed
            write_line(f"{passed:4.0f} s after the last fault, open: {', '.join(map(_reported, left))}")
        if left and passed - decided > DECIDE_EVERY_S and any(row["status"] == PARKED for row in left):
            decided = passed
            await mayhem.operators.decide()
        await asyncio.sleep(LOOK_EVERY_S)
    return limit_s if left is not None and all(_waits(row) for row in left) else None


async def _open(ground: Ground, temporal: Client) -> list[Row] | None:
    """Rows of cycles that have not ended; None while somebody does not answer, or something is open without a row.

    None of kimp's own code is asked: it may be wrong about that.
    """
    tables = await read_open_rows(ground.settings.sql_url)
    if isinstance(tables, Unread):
        return None
    left = list(tables["cycles"])
    try:
        running = {cycle_of(found.id) async for found in temporal.list_workflows(RUNNING)}
    except RPCError:
        return None
    begun = running | {row["cycle_id"] for row in tables["reservations"]}
    return None if begun - {row["cycle_id"] for row in left} else left


async def _under_way(ground: Ground) -> list[Open]:
    """The whole log and all tables: for when no row is left."""
    journal = await asyncio.to_thread(read_journal, ground.folder / JOURNAL)
    tables = await read_tables(ground.settings.sql_url)
    return await asyncio.to_thread(still_open, journal, tables, time.time_ns() // 1_000_000)


async def _swept(temporal: Client, since: datetime) -> bool:
    """A whole sweep since then, to its end."""
    swept = f"WorkflowType='{SWEEP}' AND ExecutionStatus='Completed' AND StartTime > '{since.isoformat()}'"
    try:
        return bool([found async for found in temporal.list_workflows(swept, limit=1)])
    except RPCError:
        return False


def _waits(row: Row) -> bool:
    return row["status"] == PARKED or row["waiting_reason"] is not None


def _reported(row: Row) -> str:
    return f"{row['cycle_id']} {row['status']} ({row['waiting_reason'] or row['reason'] or 'busy'})"
