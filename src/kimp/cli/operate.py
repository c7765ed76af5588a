"""Commands that act: on a cycle that needs a person, and on the kill switch."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from decimal import Decimal
from typing import Annotated, Literal

import typer
from rich.markup import escape

from kimp.cli import terminal, views
from kimp.cli.app import Json, app, cycles, run
from kimp.cli.person import who
from kimp.config import Settings, load
from kimp.contracts.operators import OperatorRequest, WriteOff
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.domain.ledger import holder
from kimp.domain.money import Asset, decimal
from kimp.operations import kill_switch
from kimp.operations.cycles import ask
from kimp.operations.stuck import stuck_cycles
from kimp.ports.books import KillSwitch

console = terminal.console()
Holding = Literal["upbit", "binance", "in_transit"]
"""The accounts where a cycle holds things; the others are where they went."""
Change = Callable[[KillSwitch, HaltLevel, str, str], Awaitable[HaltLevel]]
CycleId = Annotated[str, typer.Argument(help="e.g. XRP-17")]
Note = Annotated[str, typer.Option(help="Why; it stays in the cycle's story.")]
Reason = Annotated[str, typer.Option("--note", help="Why; it is kept with your name, and `kimp doctor` tells it.")]


@cycles.command("dead")
def dead(as_json: Json = False) -> None:  # noqa: FBT002 - a command-line flag
    """Parked cycles: what is stuck where, and why."""
    run(_dead(load(), as_json=as_json))


async def _dead(settings: Settings, *, as_json: bool) -> None:
    from kimp.bootstrap.parts import open_bus, open_database  # noqa: PLC0415 - heavy

    async with open_database(settings) as database, open_bus(settings) as bus:
        stuck = await stuck_cycles(database, bus, settings.trading.assets)
    if as_json:
        terminal.print_json([asdict(cycle) for cycle in stuck])
        return
    if not stuck:
        console.print("no cycle is parked")
    for cycle in stuck:
        console.print(
            f"[red]{cycle.cycle_id}[/] since {views.instant(cycle.since_ms)}: {escape(cycle.reason or '-')}",
        )
        worth = "worth unknown, no prices" if cycle.worth_krw is None else f"worth {views.won(cycle.worth_krw)} KRW"
        holds = f"holds {', '.join(cycle.holds)}, {worth}" if cycle.holds else "holds nothing but cash at home"
        console.print(f"    {holds}", highlight=False)


@cycles.command("retry")
def retry(cycle_id: CycleId, note: Note = "") -> None:
    """Try the parked step again, or have a waiting cycle look again now."""
    run(_ask(load(), cycle_id, "retry", OperatorRequest(by=who(), note=note), "{cycle} tries again: it is {status}"))


@cycles.command("compensate")
def compensate(cycle_id: CycleId, note: Note = "") -> None:
    """Undo a parked cycle. First look at the venue: an unknown outcome is then taken for "it never happened"."""
    told = "{cycle} will be undone: it is no longer parked, and {status}"
    run(_ask(load(), cycle_id, "compensate", OperatorRequest(by=who(), note=note), told))


@cycles.command("abort")
def abort(cycle_id: CycleId, note: Note = "") -> None:
    """Undo a running cycle from its next safe point on."""
    told = "{cycle} will be undone: it is {status} and stops at its next safe point"
    run(_ask(load(), cycle_id, "abort", OperatorRequest(by=who(), note=note), told))


@cycles.command("write-off")
def write_off(
    cycle_id: CycleId,
    amount: Annotated[str, typer.Argument(help="How much, e.g. 12.5")],
    asset: Annotated[str, typer.Argument(help="Of what, e.g. XRP")],
    account: Annotated[Holding, typer.Option(help="Where the books say it is.")],
    note: Annotated[str, typer.Option(help="Why; it stays in the cycle's story.")],
) -> None:
    """Take out of the books what is lost or was settled by hand; the rest of the parked cycle is undone."""
    loss = _positive(amount)
    request = WriteOff(by=who(), note=note, account=holder(account), asset=Asset(asset.upper()), amount=loss)
    told = f"{loss:f} {request.asset} on {account}: written off; the rest of {{cycle}} will be undone: it is {{status}}"
    run(_ask(load(), cycle_id, "write_off", request, told))


def _positive(text: str) -> Decimal:
    amount = decimal(text)
    if amount <= 0:
        raise BadInput(f"amount {text}: write off more than nothing")
    return amount


async def _ask(settings: Settings, cycle_id: str, update: str, request: OperatorRequest, told: str) -> None:
    """`told`: what is said of the `{cycle}` that accepted it, and of its `{status}`."""
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy
    from kimp.bootstrap.use_cases import connect_cycles  # noqa: PLC0415 - heavy

    cycle = cycle_id.upper()
    cycles = await connect_cycles(settings)
    status = await ask(cycles, lambda: open_database(settings), cycle, update, request)
    console.print(told.format(cycle=cycle, status=status), highlight=False)


@app.command()
def halt(
    level: Annotated[
        int, typer.Argument(help="1: no new cycles. 2: also no orders but to undo. 3: nothing leaves.", min=1, max=3)
    ] = HaltLevel.NO_NEW_CYCLES.value,
    note: Reason = "by hand",
) -> None:
    """Pull the kill switch; every process obeys from its next send on. Never loosens a halt: that is `kimp resume`."""
    run(_set_halt(load(), HaltLevel(level), note, kill_switch.halt))


@app.command()
def resume(
    level: Annotated[
        int, typer.Argument(help="0: trade. 1: no new cycles. 2: also no orders but to undo.", min=0, max=2)
    ] = HaltLevel.RUN.value,
    note: Reason = "by hand",
) -> None:
    """Release the kill switch, or loosen it down to a level."""
    run(_set_halt(load(), HaltLevel(level), note, kill_switch.resume))


async def _set_halt(settings: Settings, level: HaltLevel, note: str, change: Change) -> None:
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy

    async with open_database(settings) as database:
        before = await change(database.controls, level, note, who())
        console.print(f"kill switch: {before.name.lower()} -> {level.name.lower()}, in {database.place}")
