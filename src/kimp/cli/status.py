"""`kimp status`: what was earned, what is under way, where the money lies."""

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
from kimp.operations.status import Earned, Status
from kimp.operations.status import status as look

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
    parts: list[RenderableType] = [halt_line(now)]
    parts += [
        CyclesTable(rows[:MOST], title=f"{name}: {len(rows)}")
        for name, rows in (("parked", now.parked), ("open", now.open), ("waiting", now.waiting))
        if rows
    ]
    parts += [_profit_table(now), _holdings_table(now)]
    return Group(*parts)


def halt_line(now: Status) -> Text:
    halt = now.halt
    if halt is None or halt.level is HaltLevel.RUN:
        return Text("trading: new cycles may start", style="green")
    return Text(
        f"halted: {halt.level.name.lower()} since {views.instant(halt.set_ms)} UTC by {halt.set_by}: {halt.reason};"
        " `kimp resume` lets kimp trade again",
        style="red",
    )


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
    table.add_row(name, views.won(earned.profit_krw), str(earned.cycles), str(earned.losing))


def _holdings_table(now: Status) -> Table:
    table = Table(title="holdings by the ledger", title_justify="left", header_style="bold")
    for name in ("account", "asset", "amount", "worth in KRW"):
        table.add_column(name, justify="left" if name in {"account", "asset"} else "right")
    for held in now.holdings:
        table.add_row(escape(held.account), held.asset, exactly(held.amount), views.won(held.worth_krw))
    table.add_row("[bold]all[/]", "", "", f"[bold]{views.won(now.worth_krw)}[/]")
    return table
