"""Commands that act: on cycles, the kill switch, trading settings, versions of workers, a restored database."""

from typing import Annotated, Literal

import typer

from kimp.cli.app import ACT, LOOK, JsonFlag, app, cycle_commands, run
from kimp.cli.commands.looking import CycleId, deploy
from kimp.cli.pairs import pairs_of
from kimp.domain.admission import HaltLevel

AccountName = Literal["upbit", "binance", "in_transit"]
"""The accounts where a cycle holds things; the others are where they went."""
Note = Annotated[str, typer.Option(help="Why; it stays in the cycle's story.")]
RequiredNote = Annotated[
    str, typer.Option("--note", help="Why; it is kept with your name, and `kimp status` tells it.")
]


@cycle_commands.command("retry", rich_help_panel=ACT)
def retry(cycle_id: CycleId, note: Note = "", as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Try the parked step again, or have a waiting cycle look again now."""
    from kimp.cli.decide import retry as ask

    run(ask(cycle_id.upper(), note, as_json=as_json))


@cycle_commands.command("compensate", rich_help_panel=ACT)
def compensate(cycle_id: CycleId, note: Note = "", as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Undo a parked cycle. Look at the venue first: an order of unknown outcome is then treated as never executed."""
    from kimp.cli.decide import compensate as ask

    run(ask(cycle_id.upper(), note, as_json=as_json))


@cycle_commands.command("abort", rich_help_panel=ACT)
def abort(cycle_id: CycleId, note: Note = "", as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """Undo a running cycle: from its next safe point on, what it holds becomes cash at home again."""
    from kimp.cli.decide import abort as ask

    run(ask(cycle_id.upper(), note, as_json=as_json))


@cycle_commands.command("write-off", rich_help_panel=ACT)
def write_off(
    cycle_id: CycleId,
    amount: Annotated[str, typer.Argument(help="How much, e.g. 12.5")],
    asset: Annotated[str, typer.Argument(help="Of what, e.g. XRP")],
    account: Annotated[AccountName, typer.Option(help="Where the books say it is.")],
    note: Annotated[str, typer.Option(help="Why; it stays in the cycle's story.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Take out of the books what is lost or was settled by hand; the rest of the parked cycle is undone."""
    from kimp.cli.decide import write_off as ask

    run(ask(cycle_id.upper(), amount, asset.upper(), account, note, as_json=as_json))


@app.command(rich_help_panel=ACT)
def halt(
    level: Annotated[
        int, typer.Argument(help="1: no new cycles. 2: also no orders but to undo. 3: nothing leaves.", min=1, max=3)
    ] = HaltLevel.NO_NEW_CYCLES.value,
    note: RequiredNote = "by hand",
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Pull the kill switch; every process obeys from its next send on. Never loosens a halt: that is `kimp resume`."""
    from kimp.cli.switch import halt as pull

    run(pull(HaltLevel(level), note, as_json=as_json))


@app.command(rich_help_panel=ACT)
def resume(
    level: Annotated[
        int, typer.Argument(help="0: trade. 1: no new cycles. 2: also no orders but to undo.", min=0, max=2)
    ] = HaltLevel.RUN.value,
    note: RequiredNote = "by hand",
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Release the kill switch, or loosen it down to a level."""
    from kimp.cli.switch import resume as release

    run(release(HaltLevel(level), note, as_json=as_json))


settings = typer.Typer(help="Trading settings that change while kimp runs.", no_args_is_help=True)
app.add_typer(settings, name="settings", rich_help_panel=ACT)


@settings.command("list", rich_help_panel=LOOK)
def list_settings(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """What may be changed, what is in force, where that came from, and how far it may go."""
    from kimp.cli.settings import show_settings

    run(show_settings(as_json=as_json))


@settings.command("set", rich_help_panel=ACT)
def set_settings(
    changes: Annotated[
        list[str],
        typer.Argument(
            metavar="NAME=VALUE...",
            help="`NAME=` alone gives it back to the configuration. Ratios: trading.threshold=0.006 is 0.6 %.",
        ),
    ],
    note: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    hours: Annotated[
        int | None,
        typer.Option(
            help="After so many the change ends by itself. Only so trading.premium_band may be wider than configured.",
            min=1,
            max=168,
        ),
    ] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Change trading settings for all that run: new cycles live by them within seconds, open ones by their own."""
    pairs = pairs_of(changes)
    from kimp.cli.settings import change_settings

    run(change_settings(pairs, note, hours, as_json=as_json))


@settings.command("history", rich_help_panel=LOOK)
def history(
    limit: Annotated[int, typer.Option(help="How many, latest first.", min=1)] = 20,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Who changed what, when and why."""
    from kimp.cli.settings import show_history

    run(show_history(limit, as_json=as_json))


@deploy.command("promote", rich_help_panel=ACT)
def promote(
    build: Annotated[str, typer.Argument(metavar="BUILD", help="A build id of `kimp deploy status`.")],
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """New cycles start on this version; open ones stay with theirs. Name an older version to roll back."""
    from kimp.cli.deploy import promote as work

    run(work(build, as_json=as_json))


@app.command("catch-up", rich_help_panel=ACT)
def catch_up(as_json: JsonFlag = False) -> None:  # noqa: FBT002 - a command-line flag
    """After restoring a database from a backup: rebuild missing records from Temporal's histories; halts trading.

    Stop all workers and initiators first.
    """
    from kimp.cli.database import catch_up as work

    run(work(as_json=as_json))
