"""What `kimp demo` shows and how it judges, and `kimp up`, which is the same without an end."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from kimp.bootstrap.killing import Killing
from kimp.bootstrap.paper import refuse_beside_real_venues
from kimp.bootstrap.parts import CLOCK, open_bus, open_database, open_venues
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.temporal import connect_temporal
from kimp.cli import terminal, views
from kimp.cli.app import EXIT_FAILED
from kimp.cli.cycles_table import CyclesTable
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BadConfig
from kimp.domain.money import ZERO
from kimp.operations.audit import compare
from kimp.operations.market import market_now
from kimp.ports.books import CycleRow
from kimp.ports.database import Database
from kimp.ports.ticks import TickBus

console = terminal.console()
MANY = 1_000
SHOWN = 12
REFRESH_S = 0.5
SETTLE_S = 180
"""How long open cycles may take to end once no new ones start."""


async def everything(settings: Settings) -> None:
    """All parts, until cancelled."""
    refuse_beside_real_venues(settings)
    async with Stack(settings, console.print) as stack:
        await stack.start_kimp()
        where = f" Web UI {stack.ui_url};" if stack.ui_url else ""
        console.print(f"[bold]kimp is up.[/]{where} Ctrl-C ends everything.")
        await stack.watch()


class Demo:
    """One showing: start, watch, stop, audit."""

    def __init__(
        self, settings: Settings, *, cycles: int, within_s: int, initiators: int, workers: int, chaos: bool
    ) -> None:
        """`chaos`: a worker is killed in the middle of a cycle; there are at least two then."""
        local = settings.local.model_copy(update={"data_dir": settings.local.data_dir / "demo"})
        self._settings = settings.model_copy(update={"local": local})
        self._wanted = cycles
        self._within_s = within_s
        self._initiators = initiators
        self._workers = max(workers, 2) if chaos else workers
        self._chaos = chaos
        self._killing: Killing | None = None

    async def run(self, market: Mapping[str, str]) -> int:
        """Exit code: 0 when enough cycles completed and the ledger equals the venues' balances."""
        refuse_beside_real_venues(self._settings)
        shutil.rmtree(
            self._settings.local.data_dir, ignore_errors=True
        )  # the demo's own folder: it starts from empty books
        async with Stack(self._settings, console.print, market) as stack:
            await _require_empty(stack.settings)
            await stack.start_kimp(initiators=self._initiators, workers=self._workers)
            async with open_database(stack.settings) as database, open_bus(stack.settings) as bus:
                screen = Screen(stack.settings, database, bus)
                beside = [stack.watch()]
                if self._chaos:
                    client = await connect_temporal(stack.settings)
                    self._killing = Killing(stack, client, database.read_model, screen.tell)
                    beside.append(self._killing.run())
                async with running(*beside):
                    await screen.until(self._enough, self._within_s)
                    await stack.stop_all("initiator")
                    await screen.until(at_rest, SETTLE_S)
                return await self._conclude(stack.settings, database, stack.cycles_url)

    def _enough(self, rows: Sequence[CycleRow]) -> bool:
        killed = self._killing is None or self._killing.done
        return killed and sum(row.status is CycleStatus.COMPLETED for row in rows) >= self._wanted

    async def _conclude(self, settings: Settings, database: Database, ui_url: str | None) -> int:
        rows = await database.read_model.cycles(limit=MANY)
        async with open_venues(settings) as venues:
            pairs = await compare(database.ledger, venues)
        done = [row for row in rows if row.status is CycleStatus.COMPLETED]
        profit = sum((row.profit_krw for row in done if row.profit_krw is not None), ZERO)
        console.print(CyclesTable(rows), views.balance_table(pairs))
        console.print(
            f"{len(done)} of {len(rows)} cycles completed, {self._wanted} wanted; profit {views.won(profit)} KRW"
        )
        balanced = all(ours == theirs for ours, theirs in pairs.values())
        if self._killing is not None and not self._killing.done:
            console.print("[red]no worker was caught in the middle of a cycle[/]")
        console.print("the ledger equals the venues' balances" if balanced else "[red]the ledger is off[/]")
        if ui_url is not None:
            console.print(f"Each cycle could be read in the Web UI: {ui_url}")
        console.print("`kimp up` keeps it open.")
        return 0 if self._enough(rows) and at_rest(rows) and balanced else EXIT_FAILED


async def _require_empty(settings: Settings) -> None:
    """Another run's opening balances would not be this paper exchange's, and a database of yours is not for shows."""
    async with open_database(settings) as database:
        if await database.ledger.balances():
            raise BadConfig("the demo needs an empty database; unset KIMP_DATABASE_URL, or name an empty one")


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


class Screen:
    """The live view on a terminal; one line per change elsewhere."""

    def __init__(self, settings: Settings, database: Database, bus: TickBus) -> None:
        self._settings = settings
        self._database = database
        self._bus = bus
        self._seen: dict[str, CycleStatus] = {}
        self._told: list[str] = []

    def tell(self, line: str) -> None:
        """Something that is no change of a cycle: it stays below the live view, or is a line of its own."""
        if console.is_terminal:
            self._told.append(line)
        else:
            console.print(line, highlight=False)

    async def until(self, enough: Callable[[Sequence[CycleRow]], bool], within_s: int) -> None:
        """Show what goes on until `enough` of the cycles says so, or the time is up."""
        end = time.monotonic() + within_s
        with Live(console=console, auto_refresh=False, transient=True) as live:
            while time.monotonic() < end:
                rows = await self._database.read_model.cycles(limit=MANY)
                if console.is_terminal:
                    live.update(Group(await self._market(), CyclesTable(rows[:SHOWN]), *self._told), refresh=True)
                else:
                    self._print_changes(rows)
                if enough(rows):
                    return
                await asyncio.sleep(REFRESH_S)

    async def _market(self) -> Table:
        return views.premiums_table(await market_now(self._bus, self._database, self._settings, CLOCK))

    def _print_changes(self, rows: Sequence[CycleRow]) -> None:
        for row in reversed(rows):
            if self._seen.get(row.cycle_id) is not row.status:
                self._seen[row.cycle_id] = row.status
                note = row.waiting_reason or row.reason or ""
                console.print(f"{row.cycle_id} {row.status} {escape(note)}", highlight=False)
