"""Commands that look and change nothing."""

from typing import Annotated

import typer

from kimp.cli.app import ACT, LOOK, JsonFlag, app, cycle_commands, run
from kimp.contracts.status import CycleStatus

CycleId = Annotated[str, typer.Argument(help="e.g. XRP-17")]


@app.command(rich_help_panel=LOOK)
def status(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Profit of today, seven days and all time, cycles under way, balances, and whether kimp trades."""
    from kimp.cli.status import show_status

    run(show_status(as_json=as_json))


@cycle_commands.command("list", rich_help_panel=LOOK)
def list_cycles(
    status: Annotated[CycleStatus | None, typer.Option(help="Only these.", case_sensitive=False)] = None,
    coin: Annotated[str | None, typer.Option(help="Only its cycles, e.g. XRP.")] = None,
    days: Annotated[float | None, typer.Option(help="Only those that began within so many days.", min=0)] = None,
    limit: Annotated[int, typer.Option(help="How many, latest first.", min=1)] = 20,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """The latest cycles, and what they earned together."""
    from kimp.cli.cycles import list_cycles as show

    run(show(status, coin, days, limit, as_json=as_json))


@cycle_commands.command("show", rich_help_panel=LOOK)
def show_cycle(
    cycle_id: CycleId,
    entries: Annotated[bool, typer.Option("--entries", help="The ledger's entries too.")] = False,  # noqa: FBT002
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """One cycle as a trade: each order and transfer, what stayed where, and what it earned."""
    from kimp.cli.cycles import show_cycle as show

    run(show(cycle_id.upper(), entries=entries, as_json=as_json))


@cycle_commands.command("logs", rich_help_panel=LOOK)
def logs(cycle_id: CycleId, as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """One cycle's story, line by line: from Temporal's history, journal, ledger and the processes' logs."""
    from kimp.cli.logs import show_story

    run(show_story(cycle_id.upper(), as_json=as_json))


@cycle_commands.command("dead", rich_help_panel=LOOK)
def dead(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Parked cycles: what is stuck where, and why."""
    from kimp.cli.cycles import show_parked

    run(show_parked(as_json=as_json))


@app.command(rich_help_panel=LOOK)
def why(
    coin: Annotated[str, typer.Argument(help="e.g. XRP")],
    usd_krw: Annotated[str | None, typer.Option(help="Official won per US dollar, for the second premium.")] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Both premiums of a coin, and every reason why no cycle starts now."""
    from kimp.cli.why import show_why

    run(show_why(coin.upper(), usd_krw, as_json=as_json))


@app.command(rich_help_panel=LOOK)
def watch(
    coins: Annotated[
        str | None, typer.Option(help="Only these, as XRP,SOL. [default: all that both venues list]")
    ] = None,
    usd_krw: Annotated[str | None, typer.Option(help="Official won per US dollar, for the second premium.")] = None,
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.5)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="One look, as soon as all prices are there.")] = False,  # noqa: FBT002
    as_json: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--json", help="One JSON line for each coin and look, for scripts.")
    ] = False,
) -> None:
    """Live premiums from the venues' public hosts: no key, no database, nothing to set up. Nothing is traded."""
    from kimp.cli.services import until_signalled
    from kimp.cli.watch import watch as show

    run(until_signalled(show(coins, usd_krw, every, once=once, as_json=as_json)))


@app.command(rich_help_panel=LOOK)
def doctor(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Check every part and key, one line each."""
    from kimp.cli.doctor import show_findings

    run(show_findings(as_json=as_json))


deploy = typer.Typer(help="Versions of the workers, where open cycles stay with theirs.", no_args_is_help=True)
app.add_typer(deploy, name="deploy", rich_help_panel=ACT)


@deploy.command("status", rich_help_panel=LOOK)
def deployed(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Every version and its open cycles. `drained`: none is left, so its workers may be stopped."""
    from kimp.cli.deploy import show_versions

    run(show_versions(as_json=as_json))
