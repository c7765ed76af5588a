"""How a demo ends: what it came to, and what a person needs to know once all has stopped."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from kimp.cli import views
from kimp.cli.app import EXIT_FAILED
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.run_stack import at_rest
from kimp.contracts.status import CycleStatus
from kimp.domain.ledger import Held
from kimp.domain.money import ZERO
from kimp.domain.wording import won
from kimp.operations.audit import Pairs
from kimp.ports.read_model import CycleRow


@dataclass(frozen=True, slots=True)
class DemoVerdict:
    """Did all hold that a demo shows?"""

    rows: Sequence[CycleRow]
    elsewhere: Mapping[str, Held]
    """By cycle, what it left beside the cash that returned."""
    pairs: Pairs
    wanted: int
    enough: bool
    killed: bool | None
    """Whether a worker was killed in the middle of a cycle; None: that was not asked for."""
    recorded: bool
    """Prices of files, not made up."""
    database: str
    folder: Path | None
    """With the database in it; None: that is somewhere else."""

    @property
    def balanced(self) -> bool:
        return all(ours == theirs for ours, theirs in self.pairs.values())

    @property
    def code(self) -> int:
        """Of the command."""
        return 0 if self.enough and at_rest(self.rows) and self.balanced else EXIT_FAILED

    @property
    def result(self) -> str:
        waiting = ", ".join(row.cycle_id for row in self.rows if not row.status.terminal)
        also = f", still waiting: {waiting}" if waiting else ""
        return f"{len(self._done)} completed ({self.wanted} requested){also}; profit {won(self._profit)}"

    @property
    def facts(self) -> Mapping[str, object]:
        """For a script."""
        return {
            "completed": len(self._done),
            "requested": self.wanted,
            "profit_krw": self._profit,
            "balanced": self.balanced,
            "worker_killed": self.killed,
            "prices": "recorded" if self.recorded else "made up",
            "database": self.database,
            "cycles": [asdict(row) for row in self.rows],
        }

    @property
    def _done(self) -> list[CycleRow]:
        return [row for row in self.rows if row.status is CycleStatus.COMPLETED]

    @property
    def _profit(self) -> Decimal:
        return sum((row.profit_krw for row in self._done if row.profit_krw is not None), ZERO)

    def print(self, console: Console) -> None:
        """For people."""
        console.print(CyclesTable(self.rows, elsewhere=self.elsewhere), views.balance_table(self.pairs))
        for line in (self.result, *self._doubts(), *self._afterwards()):
            console.print(line, highlight=False)

    def _doubts(self) -> Iterator[str]:
        if self.killed is False:
            yield "[red]no worker was caught in the middle of a cycle: none was killed[/]"
        if self.balanced:
            yield "the ledger equals the venues' balances"
        else:
            yield "[red]the ledger differs from the venues' balances: see the table[/]"

    def _afterwards(self) -> Iterator[str]:
        prices = "Recorded prices were replayed" if self.recorded else "Prices were made up"
        yield f"{prices}, and money is paper money: nothing of this was earned."
        where = escape(self.database)
        option = ""
        if self.folder is not None:
            here = Path.cwd()
            where = escape(str(self.folder.relative_to(here) if self.folder.is_relative_to(here) else self.folder))
            option = f"--set local.data_dir={where} "
        yield f"What happened is kept in {where}{' until the next demo' if self.folder else ''}. To look at it:"
        for command in ("cycles list", *(f"cycles show {row.cycle_id}" for row in self.rows[:1])):
            yield f"    kimp {option}{command}"
        yield "`kimp up` starts an endless run, with books of its own."
