"""What `kimp demo` shows and how it judges, and `kimp up`, which is the same without an end."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape

from kimp.bootstrap.killing import Killing
from kimp.bootstrap.paper import refuse_beside_real_venues
from kimp.bootstrap.parts import open_bus, open_database, open_venues
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.temporal import connect_temporal
from kimp.bootstrap.workers import GRACE_S
from kimp.cli import terminal, views
from kimp.cli.app import EXIT_FAILED
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.keyboard import in_foreground
from kimp.cli.live import LiveView
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BadConfig
from kimp.domain.money import ZERO
from kimp.domain.wording import won
from kimp.observability.clean import say
from kimp.operations.audit import compare
from kimp.ports.books import CycleRow
from kimp.ports.database import Database
from kimp.ports.ticks import TickBus

console = terminal.console()
MANY = 1_000
LOOK_EVERY_S = 0.5
SETTLE_S = 180
"""How long open cycles may take to end once no new ones start."""


async def everything(settings: Settings) -> None:
    """All parts, until cancelled."""
    refuse_beside_real_venues(settings)
    async with Stack(settings, say) as stack:
        await stack.start_kimp()
        where = f" Web UI {stack.ui_url};" if stack.ui_url else ""
        say(f"kimp is up.{where} Ctrl-C ends everything.")
        async with open_database(stack.settings) as database, open_bus(stack.settings) as bus:
            screen = Screen(stack.settings, database, bus)
            stack.say = screen.tell
            try:
                async with running(screen.show()):
                    await stack.watch()
            finally:
                say(f"ending everything; workers first finish what they have sent, which may take up to {GRACE_S} s")


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
        self._recorded = False

    async def run(self, market: Mapping[str, str]) -> int:
        """Exit code: 0 when enough cycles completed and the ledger equals the venues' balances.

        `market`: environment variables that name recorded prices; none: prices are made up.
        """
        self._recorded = bool(market)
        refuse_beside_real_venues(self._settings)
        shutil.rmtree(
            self._settings.local.data_dir, ignore_errors=True
        )  # the demo's own folder: it starts from empty books
        async with Stack(self._settings, say, market) as stack:
            await _require_empty(stack.settings)
            await stack.start_kimp(initiators=self._initiators, workers=self._workers)
            async with open_database(stack.settings) as database, open_bus(stack.settings) as bus:
                screen = Screen(stack.settings, database, bus)
                stack.say = screen.tell
                beside = [stack.watch(), screen.show()]
                if self._chaos:
                    client = await connect_temporal(stack.settings)
                    self._killing = Killing(stack, client, database.read_model, screen.tell)
                    beside.append(self._killing.run())
                screen.tell(f"the demo ends once {self._wanted} cycles have completed, or after {self._within_s} s")
                async with running(*beside):
                    await screen.until(self._enough, self._within_s)
                    await stack.stop_all("initiator")
                    await screen.until(at_rest, SETTLE_S)
                return await self._conclude(stack.settings, database)

    def _enough(self, rows: Sequence[CycleRow]) -> bool:
        killed = self._killing is None or self._killing.done
        return killed and sum(row.status is CycleStatus.COMPLETED for row in rows) >= self._wanted

    async def _conclude(self, settings: Settings, database: Database) -> int:
        rows = await database.read_model.cycles(limit=MANY)
        async with open_venues(settings) as venues:
            pairs = await compare(database.ledger, venues)
        balanced = all(ours == theirs for ours, theirs in pairs.values())
        console.print(CyclesTable(rows), views.balance_table(pairs))
        for line in (*self._result(rows), *_books(balanced=balanced), *self._afterwards(settings.local.data_dir, rows)):
            console.print(line, highlight=False)
        return 0 if self._enough(rows) and at_rest(rows) and balanced else EXIT_FAILED

    def _result(self, rows: Sequence[CycleRow]) -> Iterator[str]:
        done = [row for row in rows if row.status is CycleStatus.COMPLETED]
        profit = sum((row.profit_krw for row in done if row.profit_krw is not None), ZERO)
        waiting = ", ".join(row.cycle_id for row in rows if not row.status.terminal)
        yield (
            f"{len(done)} completed ({self._wanted} requested){f', still waiting: {waiting}' if waiting else ''};"
            f" profit {won(profit)}"
        )
        if self._killing is not None and not self._killing.done:
            yield "[red]no worker was caught in the middle of a cycle: none was killed[/]"

    def _afterwards(self, folder: Path, rows: Sequence[CycleRow]) -> Iterator[str]:
        """What a person needs to know once all has ended."""
        prices = "Recorded prices were replayed" if self._recorded else "Prices were made up"
        yield f"{prices}, and money is paper money: nothing of this was earned."
        where = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
        yield f"What happened is kept in {escape(str(where))} until the next demo. To look at it:"
        for command in ("cycles list", *(f"cycles show {row.cycle_id}" for row in rows[:1])):
            yield f"    kimp --set local.data_dir={escape(str(where))} {command}"
        yield "`kimp up` starts an endless run, with books of its own."


def _books(*, balanced: bool) -> Iterator[str]:
    yield (
        "the ledger equals the venues' balances"
        if balanced
        else ("[red]the ledger differs from the venues' balances: see the table[/]")
    )


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
    """The live view while it is shown on a terminal; one line per change else."""

    def __init__(self, settings: Settings, database: Database, bus: TickBus) -> None:
        self._settings = settings
        self._database = database
        self._bus = bus
        self._view: LiveView | None = None
        self._seen: dict[str, CycleStatus] = {}
        self._told: list[str] = []

    def tell(self, line: str) -> None:
        """Something that is no change of a cycle: an alert of the live view, or a line of its own."""
        if self._view is None:
            console.print(line, highlight=False, markup=False)
        else:
            self._view.tell(line)
            self._told.append(line)

    async def show(self) -> None:
        """The live view, where a person sits at a terminal, until cancelled. What was told stays there afterwards."""
        if not in_foreground():
            return
        self._view = LiveView(console, self._settings, self._database, self._bus)
        try:
            await self._view.run()
        finally:
            self._view = None
            for line in self._told:
                console.print(line, highlight=False, markup=False)

    async def until(self, enough: Callable[[Sequence[CycleRow]], bool], within_s: int) -> None:
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
                note = row.waiting_reason or row.reason or ""
                console.print(f"{row.cycle_id} {row.status} {escape(note)}", highlight=False)
