"""`kimp demo`: what it shows, and how it judges."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from kimp.bootstrap.paper import refuse_beside_real_venues
from kimp.bootstrap.parts import open_bus, open_database, open_venues
from kimp.bootstrap.recorded_market import RecordedMarket
from kimp.bootstrap.stack import Stack
from kimp.bootstrap.temporal import connect_temporal, running_cycles
from kimp.bootstrap.worker_kill import WorkerKill
from kimp.cli import terminal
from kimp.cli.run_stack import MANY, RunDisplay, at_rest, running
from kimp.cli.verdict import DemoVerdict
from kimp.config import Settings
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import BadConfig
from kimp.observability.clean import write_line
from kimp.operations.audit import compare
from kimp.operations.cycles import kept_elsewhere
from kimp.ports.database import Database
from kimp.ports.read_model import CycleRow

SETTLE_S = 180
"""How long open cycles may take to end once no new ones start."""
LAST_LOOK_S = 2.0
"""After the last recorded price: what it made pay starts by then."""


def quiet(_line: str) -> None:
    """Where the one JSON document at the end is all that is to be read."""


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What a person asks of a demo."""

    cycles: int
    within_s: int
    initiators: int
    workers: int
    chaos: bool
    """A worker is killed in the middle of a cycle."""
    as_json: bool

    @property
    def least_workers(self) -> int:
        return max(self.workers, 2) if self.chaos else self.workers


class Demo:
    """One showing: start, watch, stop, audit."""

    def __init__(self, settings: Settings, wanted: DemoOptions, recorded: RecordedMarket | None = None) -> None:
        """`recorded`: prices that are played; None: they are made up."""
        settings = settings if recorded is None else recorded.settings
        local = settings.local.model_copy(update={"data_dir": settings.local.data_dir / "demo"})
        self._settings = settings.model_copy(update={"local": local})
        self._wanted = wanted
        self._write_line = quiet if wanted.as_json else write_line
        self._killing: WorkerKill | None = None
        self._recorded = recorded

    async def run(self) -> int:
        """Exit code: 0 when enough cycles completed and the ledger equals the venues' balances."""
        recorded, within_s = self._recorded, float(self._wanted.within_s)
        if recorded is not None:
            within_s = min(within_s, recorded.lasts_s + LAST_LOOK_S)
        refuse_beside_real_venues(self._settings)
        # The demo's own folder: it starts from empty books.
        shutil.rmtree(self._settings.local.data_dir, ignore_errors=True)
        more = None if recorded is None else recorded.environment
        async with Stack(self._settings, self._write_line, more, waits=recorded is not None) as stack:
            await _require_empty(stack.settings)
            await stack.start_kimp(initiators=self._wanted.initiators, workers=self._wanted.least_workers)
            client = await connect_temporal(stack.settings)
            async with open_database(stack.settings) as database, open_bus(stack.settings) as bus:
                screen = RunDisplay(stack.settings, database, bus, self._write_line)
                stack.write_line = screen.report
                beside = [stack.watch(), *([] if self._wanted.as_json else [screen.show()])]
                if self._wanted.chaos:
                    self._killing = WorkerKill(stack, client, database.read_model, screen.report)
                    beside.append(self._killing.run())
                screen.report(
                    f"the demo ends once {self._wanted.cycles} cycles have completed, or after {within_s:.0f} s"
                )
                async with running(*beside):
                    if recorded is not None:
                        await stack.begin()
                    await screen.until(self._enough, within_s)
                    await stack.stop_all("initiator")
                    # One that has just begun may trade before its first record is written.
                    begun = await running_cycles(client)
                    await screen.until(lambda rows: begun <= {row.cycle_id for row in rows} and at_rest(rows), SETTLE_S)
                return await self._conclude(stack.settings, database)

    def _enough(self, rows: Sequence[CycleRow]) -> bool:
        killed = self._killing is None or self._killing.done
        return killed and sum(row.status is CycleStatus.COMPLETED for row in rows) >= self._wanted.cycles

    async def _conclude(self, settings: Settings, database: Database) -> int:
        rows = await database.read_model.cycles(limit=MANY)
        async with open_venues(settings) as venues:
            pairs = await compare(database.ledger, venues)
        verdict = DemoVerdict(
            rows=rows,
            elsewhere=await kept_elsewhere(database, rows),
            pairs=pairs,
            wanted=self._wanted.cycles,
            enough=self._enough(rows),
            killed=None if self._killing is None else self._killing.done,
            recorded=self._recorded is not None,
            database=database.place,
            folder=None if settings.database_url is not None else settings.local.data_dir,
        )
        if self._wanted.as_json:
            terminal.print_outcome(verdict.result, verdict.facts, verdict.code)
        else:
            verdict.print(terminal.console())
        return verdict.code


async def _require_empty(settings: Settings) -> None:
    """Another run's opening balances would not be this paper exchange's, and a database of yours is not for shows."""
    async with open_database(settings) as database:
        if await database.ledger.balances():
            raise BadConfig("the demo needs an empty database; unset KIMP_DATABASE_URL, or name an empty one")
