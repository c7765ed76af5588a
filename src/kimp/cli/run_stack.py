"""What `kimp up` and `kimp demo` show while they run."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from kimp.bootstrap.live_market import live_market
from kimp.bootstrap.paper import refuse_beside_real_venues
from kimp.bootstrap.parts import open_bus, open_database
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.workers import GRACE_S
from kimp.cli import terminal
from kimp.cli.keyboard import in_foreground
from kimp.cli.live import LiveView
from kimp.cli.status import stand_still
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import KimpError
from kimp.domain.wording import reason_in_words
from kimp.observability.clean import write_line
from kimp.operations.status import held_under_way
from kimp.ports.database import Database
from kimp.ports.read_model import CycleRow
from kimp.ports.ticks import TickBus

console = terminal.console()
MANY = 1_000
LOOK_EVERY_S = 0.5


async def everything(settings: Settings, *, live: bool = False) -> None:
    """All parts, until cancelled. `live`: on the venues' own prices."""
    refuse_beside_real_venues(settings)
    market = await live_market(settings) if live else None
    stack = Stack(settings, write_line) if market is None else Stack(market.settings, write_line, market.environment)
    for line in () if market is None else market.notice:
        write_line(line)
    try:
        await _until_ended(stack)
    finally:
        if stack.children:
            await _report_what_stays(stack.settings)


async def _until_ended(stack: Stack) -> None:
    async with stack:
        await stack.start_kimp()
        where = f" Web UI {stack.ui_url};" if stack.ui_url else ""
        write_line(f"kimp is up.{where} Ctrl-C ends everything.")
        async with open_database(stack.settings) as database, open_bus(stack.settings) as bus:
            screen = RunDisplay(stack.settings, database, bus)
            stack.write_line = screen.report
            try:
                async with running(screen.show()):
                    await stack.watch()
            finally:
                write_line(
                    f"ending everything; workers first finish what they have sent, which may take up to {GRACE_S} s"
                )


async def _report_what_stays(settings: Settings) -> None:
    with suppress(KimpError):  # whatever ended everything is told, not what follows from it
        async with open_database(settings) as database:
            write_line(await what_stays(database))


async def what_stays(database: Database) -> str:
    """Of unfinished cycles once nothing of kimp runs any more, for whoever ended it."""
    rows = await database.read_model.cycles(limit=MANY, unfinished=True)
    return stand_still(rows, await held_under_way(database, rows)) if rows else "no cycle is under way"


def at_rest(rows: Sequence[CycleRow]) -> bool:
    """None is under way. One that waits for a cheaper way home may do so for an hour; its cash lies on a venue."""
    return all(row.status.terminal or row.status is CycleStatus.AWAITING_REBALANCE for row in rows)


@asynccontextmanager
async def running(*beside: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """These go on beside the block, and end with it; one that fails ends it, instead of a wait until the time is up."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in beside]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except ExceptionGroup as failures:  # one line for the user, not a group's traceback
        raise failures.exceptions[0] from None


class RunDisplay:
    """The live view while it is shown on a terminal; one line per change else."""

    def __init__(
        self, settings: Settings, database: Database, bus: TickBus, reported: Callable[[str], None] = write_line
    ) -> None:
        """`told`: takes the lines where no live view is shown."""
        self._write_line = reported
        self._settings = settings
        self._database = database
        self._bus = bus
        self._view: LiveView | None = None
        self._seen: dict[str, CycleStatus] = {}
        self._reported: list[str] = []

    def report(self, line: str) -> None:
        """Something that is no change of a cycle: an alert of the live view, or a line of its own."""
        if self._view is None:
            self._write_line(line)
        else:
            self._view.report(line)
            self._reported.append(line)

    async def show(self) -> None:
        """The live view, where a person sits at a terminal, until cancelled. What was told stays there afterwards."""
        if not in_foreground():
            return
        self._view = LiveView(console, self._settings, self._database, self._bus)
        try:
            await self._view.run()
        finally:
            self._view = None
            for line in self._reported:
                self._write_line(line)

    async def until(self, enough: Callable[[Sequence[CycleRow]], bool], within_s: float) -> None:
        """Wait until `enough` of the cycles says so, or the time is up."""
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            rows = await self._database.read_model.cycles(limit=MANY)
            if self._view is None:
                self._print_changes(rows)
            if enough(rows):
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _print_changes(self, rows: Sequence[CycleRow]) -> None:
        for row in reversed(rows):
            if self._seen.get(row.cycle_id) is not row.status:
                self._seen[row.cycle_id] = row.status
                note = reason_in_words(row.waiting_reason or row.reason) or ""
                self._write_line(f"{row.cycle_id} {row.status} {note}")
