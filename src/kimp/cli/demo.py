"""`kimp demo`, `kimp up` and `kimp paper`: whole worlds on one machine."""

import json
from pathlib import Path
from typing import Annotated

import typer

from kimp.cli.app import app, run
from kimp.cli.services import serve, until_signalled
from kimp.config import load
from kimp.observability.clean import say


@app.command()
def demo(
    cycles: Annotated[int, typer.Option(help="Completed cycles to wait for.", min=1)] = 3,
    replay: Annotated[
        list[Path] | None,
        typer.Option(
            help="Recorded prices (CSV or CSV.gz) in place of the synthetic market.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    speed: Annotated[float, typer.Option(help="Recorded seconds per second, with --replay.", min=0.1)] = 60.0,
    within: Annotated[int, typer.Option(help="Give up after this many seconds.", min=1)] = 300,
    initiators: Annotated[int, typer.Option(help="How many initiators watch side by side.", min=1)] = 1,
    workers: Annotated[int, typer.Option(help="How many workers serve side by side.", min=1)] = 1,
    chaos: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--chaos", help="Kill a worker in the middle of a cycle (there are two then), and go on.")
    ] = False,
) -> None:
    """Run whole cycles against the paper exchange before your eyes, then check the books."""
    from kimp.cli.showing import Demo  # noqa: PLC0415 - heavy

    show = Demo(load(), cycles=cycles, within_s=within, initiators=initiators, workers=workers, chaos=chaos)
    run(show.run(_market(replay, speed)))


def _market(replay: list[Path] | None, speed: float) -> dict[str, str]:
    if not replay:
        return {}
    files = [str(path.absolute()) for path in replay]
    return {"KIMP_PAPER__MARKET": json.dumps({"kind": "replay", "files": files, "speed": speed})}


@app.command()
def up() -> None:
    """Run everything until Ctrl-C: the paper exchange, feeder, initiator and worker, and the servers they need."""
    from kimp.cli.showing import everything  # noqa: PLC0415 - heavy

    run(until_signalled(everything(load())))


paper = typer.Typer(help="Run the paper exchange alone, or start it anew.")
app.add_typer(paper, name="paper", invoke_without_command=True)


@paper.callback()
def run_alone(context: typer.Context) -> None:
    """Run the paper exchange alone: Upbit's and Binance's wire protocols on two local ports."""
    if context.invoked_subcommand is not None:
        return
    from kimp.bootstrap.paper import run_paper  # noqa: PLC0415 - heavy

    serve("paper", run_paper)


@paper.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="That is meant.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Forget the paper exchange's balances, and with them kimp's books and cycles: all paper money begins anew."""
    from kimp.bootstrap import paper as bootstrap  # noqa: PLC0415 - heavy

    settings = load()
    if not yes:
        raise typer.BadParameter(
            f"all paper money, books and cycles in {settings.local.data_dir} would be removed; say --yes",
            param_hint="--yes",
        )
    removed = bootstrap.reset(settings)
    say(f"removed {', '.join(str(path) for path in removed)}" if removed else "nothing was kept there")
