"""What a run did and what it found, as a table and as JSON."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from chaos.auditor.report import verdict_table
from chaos.auditor.verdict import Holds, Verdict
from rich.console import Console, Group
from rich.table import Table

from kimp.paper.faults.kinds import STREAM


@dataclass
class Report:
    seed: int
    size: str
    database: str
    venue_faults: Mapping[str, int] = field(default_factory=dict)
    blows: Mapping[str, int] = field(default_factory=dict)
    forged: Mapping[str, int] = field(default_factory=dict)
    """Messages on the bus, by kind."""
    kills: Mapping[str, int] = field(default_factory=dict)
    """By SIGKILL from outside, per process."""
    crashes: Mapping[str, int] = field(default_factory=dict)
    """By SIGKILL at a crash point, per process."""
    ended: list[str] = field(default_factory=list)
    """Processes that ended by themselves, and the reason that they gave."""
    broke: list[str] = field(default_factory=list)
    """Those that ended without one."""
    cells: Mapping[str, int] = field(default_factory=dict)
    """Crash point -> how often a process died there."""
    missing: list[str] = field(default_factory=list)
    """What was asked for and never happened."""
    operators: Mapping[str, int] = field(default_factory=dict)
    cycles: Mapping[str, int] = field(default_factory=dict)
    """By end state."""
    orders: int = 0
    withdrawals: int = 0
    beyond_fence: int | None = None
    settled_s: float | None = None
    verdicts: list[Verdict] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def died(self) -> int:
        return sum(self.kills.values()) + sum(self.crashes.values())

    @property
    def violations(self) -> int:
        return sum(len(verdict.violations) for verdict in self.verdicts)

    @property
    def held(self) -> bool:
        """Every invariant was judged and holds, nothing that was asked for is missing, and no process broke."""
        whole = bool(self.verdicts) and not self.missing and not self.broke
        return whole and all(v.holds is Holds.YES for v in self.verdicts)

    def _faults(self, *, on_streams: bool) -> dict[str, int]:
        return {kind: times for kind, times in self.venue_faults.items() if (kind in STREAM) is on_streams}

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "died": self.died, "violations": self.violations, "held": self.held}

    def show(self, console: Console) -> None:
        console.print(Group(self._figures(), verdict_table(self.verdicts)))
        for line in self.missing:
            console.print(f"[red]missing:[/] {line}", highlight=False)
        for line in self.ended:
            console.print(f"ended: {line}", highlight=False, markup=False)
        for line in self.broke:
            console.print(f"broke: {line}", style="red", highlight=False, markup=False)
        console.print(
            f"{self.violations} violations in {sum(self.cycles.values())} cycles, {self.orders} orders,"
            f" {self.withdrawals} withdrawals; {self.died} kills, {sum(self.venue_faults.values())} venue faults;"
            f" {self.seconds:.0f} s",
            highlight=False,
        )

    def _figures(self) -> Table:
        title = f"chaos, seed {self.seed}, size {self.size}, {self.database}"
        table = Table(title=title, title_justify="left", header_style="bold")
        table.add_column("what")
        table.add_column("how often", justify="right")
        hit = sum(1 for times in self.cells.values() if times)
        for name, counts in (
            ("venue faults of requests, orders and transfers", self._faults(on_streams=False)),
            ("venue faults of stream frames", self._faults(on_streams=True)),
            ("blows at servers, lines and clocks", self.blows),
            ("forged messages", self.forged),
            ("kills from outside", self.kills),
            ("deaths at a crash point", self.crashes),
            ("people's acts", self.operators),
            ("cycles", self.cycles),
        ):
            table.add_row(f"[bold]{name}[/]", f"[bold]{sum(counts.values())}[/]")
            for what, times in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
                table.add_row(f"  {what}", str(times))
        table.add_row("[bold]crash points hit[/]", f"[bold]{hit} of {len(self.cells)}[/]")
        table.add_row("processes that ended by themselves", str(len(self.ended) + len(self.broke)))
        table.add_row("orders beyond the fence", "unknown" if self.beyond_fence is None else str(self.beyond_fence))
        table.add_row("seconds to settle", "never" if self.settled_s is None else f"{self.settled_s:.0f}")
        return table
