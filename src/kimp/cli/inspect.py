"""Commands that look and change nothing: cycles, why, doctor."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from kimp.cli import terminal, views
from kimp.cli.app import EXIT_FAILED, Json, app, cycles, run
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.trade_view import trade_view
from kimp.config import Settings, load
from kimp.contracts.status import CycleStatus
from kimp.domain.money import ZERO, Asset, decimal
from kimp.domain.wording import won
from kimp.operations.cycles import cycle
from kimp.operations.trade import trade_of
from kimp.operations.why import why as explain

console = terminal.console()
DAY_MS = 86_400_000
MARKS = {"ok": "[green]ok[/]  ", "warning": "[yellow]warn[/]", "failed": "[red]FAIL[/]"}


@cycles.command("list")
def list_cycles(
    status: Annotated[CycleStatus | None, typer.Option(help="Only these.", case_sensitive=False)] = None,
    coin: Annotated[str | None, typer.Option(help="Only its cycles, e.g. XRP.")] = None,
    days: Annotated[float | None, typer.Option(help="Only those that began within so many days.", min=0)] = None,
    limit: Annotated[int, typer.Option(help="How many, latest first.", min=1)] = 20,
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """The latest cycles, and what they earned together."""
    run(_list(load(), status, None if coin is None else Asset(coin.upper()), days, limit, as_json=as_json))


async def _list(
    settings: Settings, status: CycleStatus | None, coin: Asset | None, days: float | None, limit: int, *, as_json: bool
) -> None:
    from kimp.bootstrap.parts import CLOCK, open_database  # noqa: PLC0415 - heavy

    since_ms = 0 if days is None else CLOCK.now_ms() - int(days * DAY_MS)
    async with open_database(settings) as database:
        rows = await database.read_model.cycles(limit=limit, status=status, coin=coin, since_ms=since_ms)
    if as_json:
        terminal.print_json([asdict(row) for row in rows])
    else:
        console.print(CyclesTable(rows))
        ended = [row.profit_krw for row in rows if row.profit_krw is not None]
        if ended:
            console.print(f"{len(ended)} of these {len(rows)} have a result: {won(sum(ended, ZERO))}")


@cycles.command("show")
def show_cycle(
    cycle_id: Annotated[str, typer.Argument(help="e.g. XRP-17")],
    entries: Annotated[bool, typer.Option("--entries", help="The ledger's entries too.")] = False,  # noqa: FBT002
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """One cycle as a trade: each order and transfer, what stayed where, and what it earned."""
    run(_show(load(), cycle_id.upper(), entries=entries, as_json=as_json))


async def _show(settings: Settings, cycle_id: str, *, entries: bool, as_json: bool) -> None:
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy

    async with open_database(settings) as database:
        found = await cycle(database, cycle_id)
    if as_json:
        terminal.print_json({**asdict(found.row), "entries": [asdict(entry) for entry in found.entries]})
        return
    console.print(views.cycle_card(found.row))
    console.print(trade_view(trade_of(found.entries), found.row.profit_krw))
    if entries:
        console.print(views.entries_list(found.entries))


@app.command()
def why(
    coin: Annotated[str, typer.Argument(help="e.g. XRP")],
    usd_krw: Annotated[str | None, typer.Option(help="Official won per US dollar, for the second premium.")] = None,
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Both premiums of a coin, and the gate that keeps a cycle from starting."""
    run(_why(load(), coin.upper(), usd_krw, as_json=as_json))


async def _why(settings: Settings, coin: str, usd_krw: str | None, *, as_json: bool) -> None:
    from kimp.bootstrap.parts import CLOCK, open_bus, open_database  # noqa: PLC0415 - heavy

    rate = None if usd_krw is None else decimal(usd_krw)
    async with open_bus(settings) as bus, open_database(settings) as database:
        explanation = await explain(bus, database, settings, CLOCK, coin, usd_krw=rate)
    if as_json:
        terminal.print_json(asdict(explanation))
    else:
        console.print(views.explanation_table(explanation))


@app.command()
def doctor(as_json: Json = False) -> None:  # noqa: FBT002 - a command-line flag
    """Check every part and key, one line each."""
    run(_doctor(load(), as_json=as_json))


async def _doctor(settings: Settings, *, as_json: bool) -> int:
    from kimp.bootstrap.doctor import examine  # noqa: PLC0415 - heavy

    findings = [finding async for finding in examine(settings)]
    if as_json:
        terminal.print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = MARKS[finding.state]
            console.print(f"{mark} {finding.part:<13} {escape(finding.detail)}", highlight=False)
    return EXIT_FAILED if any(finding.state == "failed" for finding in findings) else 0
