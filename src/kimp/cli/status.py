"""`kimp status`: what was earned, what is under way, where the money lies."""

from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from kimp.bootstrap.parts import CLOCK, open_bus, open_database
from kimp.cli import terminal, views
from kimp.cli.cycles_table import CyclesTable
from kimp.config import load
from kimp.domain.admission import HaltLevel
from kimp.domain.wording import exactly
from kimp.operations.presence import STARTS_CYCLES
from kimp.operations.status import Earned, Status
from kimp.operations.status import status as look
from kimp.ports.controls import Halt
from kimp.ports.read_model import CycleRow

LEVELS = {
    HaltLevel.NO_NEW_CYCLES: "no new cycles start",
    HaltLevel.ONLY_COMPENSATION: "cycles are only undone",
    HaltLevel.NOTHING_LEAVES: "no order and no withdrawal is sent",
}
console = terminal.console()
MOST = 5
"""Cycles of each kind; `kimp cycles list` shows the rest."""


async def show_status(*, as_json: bool) -> None:
    """One look at the whole."""
    settings = load()
    async with open_bus(settings) as bus, open_database(settings) as database:
        now = await look(database, bus, settings.trading.assets, CLOCK)
    if as_json:
        terminal.print_json(asdict(now))
    else:
        console.print(status_view(now))


def status_view(now: Status) -> Group:
    """Cycles first, then profit and holdings: what a person looks for at a glance."""
    parts: list[RenderableType] = [*state_lines(now)]
    parts += [
        CyclesTable(rows[:MOST], title=f"{name}: {len(rows)}")
        for name, rows in (("parked", now.parked), ("open", now.open), ("waiting", now.waiting))
        if rows
    ]
    parts += [_profit_table(now), Text("holdings by kimp's own books; `kimp doctor` compares them with the venues")]
    parts += [_holdings_table(now)]
    if missing := without_price(now):
        parts.append(Text(f"{missing}, as while no feeder runs: worth unknown", style="yellow"))
    return Group(*parts)


def without_price(now: Status) -> str | None:
    """Why the sum of all holdings is not known; None where it is."""
    assets = dict.fromkeys(held.asset for held in now.holdings if held.worth_krw is None)
    return f"no fresh price for {', '.join(assets)}" if assets else None


def state_lines(now: Status, *, starting: bool = False) -> list[Text]:
    """Whether kimp runs, and whether it may trade. `starting`: what is missing may be about to be there."""
    lines = [Text(_halted(halt), style="red")] if (halt := _in_force(now)) is not None else []
    if now.running.missing:
        reported = f"starting; not heard of yet: {', '.join(now.running.missing)}" if starting else _missing(now)
        return [Text(reported, style="yellow" if starting else "red"), *lines]
    return lines or [Text("trading: new cycles may start", style="green")]


def _in_force(now: Status) -> Halt | None:
    return None if now.halt is None or now.halt.level is HaltLevel.RUN else now.halt


def _halted(halt: Halt) -> str:
    return (
        f"halted: {LEVELS[halt.level]}; `kimp resume` lets kimp trade again."
        f" Since {views.timestamp(halt.set_ms)} UTC by {halt.set_by}: {halt.reason}"
    )


def _missing(now: Status) -> str:
    """Nobody does what the cycles need: what that means for the money, and what to do."""
    seen = "" if now.running.last_seen_ms is None else f" (last seen {views.timestamp(now.running.last_seen_ms)} UTC)"
    what = _absent(now) if now.running.anything else "kimp does not run"
    unfinished = [*now.open, *now.waiting, *now.parked]
    if now.running.missing == (STARTS_CYCLES,):
        return f"{what}{seen}: no new cycles start, those under way go on"
    if not unfinished:
        return f"{what}{seen}; no cycle is under way; `kimp up` starts it"
    return f"{what}{seen}; {stand_still(unfinished, now.under_way)}"


def _absent(now: Status) -> str:
    queues = [work for work in now.running.missing if work != STARTS_CYCLES]
    absent = ["no initiator"] if STARTS_CYCLES in now.running.missing else []
    absent += [f"no worker of the queue{'s' if len(queues) > 1 else ''} {', '.join(queues)}"] if queues else []
    return f"{' and '.join(absent)} runs"


def stand_still(cycles: Sequence[CycleRow], held: Sequence[str]) -> str:
    """What unfinished cycles are while kimp does not run."""
    holds = ", ".join(held) or "cash at home alone"
    names = ", ".join(row.cycle_id for row in cycles[:MOST]) + (", ..." if len(cycles) > MOST else "")
    if len(cycles) == 1:
        return f"1 cycle ({names}) stands still and holds {holds}; `kimp up` goes on with it"
    return f"{len(cycles)} cycles ({names}) stand still and hold {holds}; `kimp up` goes on with them"


def _profit_table(now: Status) -> Table:
    table = Table(title="profit, days begin at midnight in Seoul", title_justify="left", header_style="bold")
    for name in ("", "KRW", "cycles", "losing"):
        table.add_column(name, justify="right" if name else "left")
    for name, earned in (("today", now.today), ("seven days", now.week), ("all time", now.total)):
        _add(table, name, earned)
    for coin, earned in now.by_coin.items():
        _add(table, f"  {coin}", earned)
    return table


def _add(table: Table, name: str, earned: Earned) -> None:
    table.add_row(name, views.whole_won(earned.profit_krw), str(earned.cycles), str(earned.losing))


def _holdings_table(now: Status) -> Table:
    table = Table(header_style="bold")
    for name in ("account", "asset", "amount", "worth in KRW"):
        table.add_column(name, justify="left" if name in {"account", "asset"} else "right")
    for held in now.holdings:
        table.add_row(escape(held.account), held.asset, exactly(held.amount), views.whole_won(held.worth_krw))
    table.add_row("[bold]all[/]", "", "", f"[bold]{views.whole_won(now.worth_krw)}[/]")
    return table
