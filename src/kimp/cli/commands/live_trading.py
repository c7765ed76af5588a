"""Commands that let real money be traded, and take it back."""

from typing import Annotated

import typer

from kimp.cli.app import ACT, LOOK, JsonFlag, app, run

live = typer.Typer(help="Leave to trade real money, for a while and up to an amount.", no_args_is_help=True)
app.add_typer(live, name="live", rich_help_panel=ACT)

ReasonOption = Annotated[str, typer.Option("--note", help="Why; it is kept with your name.")]


@live.command("arm", rich_help_panel=ACT)
def arm(
    until: Annotated[str, typer.Option("--for", help="How long: 90m, 8h or 2d, seven days at most.")],
    note: ReasonOption,
    cap: Annotated[
        int, typer.Option(help="Won of real money that open cycles may stake at once.", min=1, max=100_000_000)
    ] = 1_000_000,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Let cycles start with real money, until its time is over or kimp is halted. Asks you to type the amount."""
    from kimp.cli.live_trading import arm as ask

    run(ask(cap, until, note, as_json=as_json))


@live.command("disarm", rich_help_panel=ACT)
def disarm(note: ReasonOption = "by hand", as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Let no cycle start any more; those that are open come home."""
    from kimp.cli.live_trading import disarm as take_back

    run(take_back(note, as_json=as_json))


@live.command("status", rich_help_panel=LOOK)
def show(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Whether real money may be traded, up to how much, until when, and who said so."""
    from kimp.cli.live_trading import show as report

    run(report(as_json=as_json))
