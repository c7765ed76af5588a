"""Commands that run something until it is ended: whole worlds on one machine, and each of kimp's processes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from kimp.cli.app import RUN, JsonFlag, app, run
from kimp.contracts.queues import TaskQueue
from kimp.domain.errors import BadInput

ALL_QUEUES = ",".join(queue.name.lower() for queue in TaskQueue)


@app.command(rich_help_panel=RUN)
def demo(
    cycles: Annotated[int, typer.Option(help="Completed cycles to wait for.", min=1)] = 3,
    replay: Annotated[
        list[Path] | None,
        typer.Option(
            help="Recorded prices (CSV or CSV.gz) in place of made-up ones.",
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
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Run whole cycles with paper money before your eyes, then check the books."""
    from kimp.bootstrap.recorded_market import recorded_market
    from kimp.cli.demo import Demo, DemoOptions
    from kimp.config import load

    wanted, settings = DemoOptions(cycles, within, initiators, workers, chaos=chaos, as_json=as_json), load()
    recorded = recorded_market(settings, replay, speed) if replay else None
    run(Demo(settings, wanted, recorded).run())


class PriceSource(StrEnum):
    """Whose prices the paper exchange has."""

    SYNTHETIC = "synthetic"
    LIVE = "live"


@app.command(rich_help_panel=RUN)
def up(
    market: Annotated[
        PriceSource,
        typer.Option(help="Made-up prices, or those of the real venues' public hosts. Money is paper money."),
    ] = PriceSource.SYNTHETIC,
) -> None:
    """Run everything until Ctrl-C: the paper exchange, feeder, initiator and worker, and the servers they need."""
    from kimp.cli.run_stack import everything
    from kimp.cli.services import until_signalled
    from kimp.config import load

    run(until_signalled(everything(load(), live=market is PriceSource.LIVE)))


@app.command(rich_help_panel=RUN)
def feeder() -> None:
    """Read both venues' streams and publish quotes and rules to Redis."""
    from kimp.bootstrap.services import run_feeder
    from kimp.cli.services import run_service

    run_service("feeder", run_feeder)


@app.command(rich_help_panel=RUN)
def initiator() -> None:
    """Watch the quotes and start a cycle when one pays."""
    from kimp.bootstrap.services import run_initiator
    from kimp.cli.services import run_service

    run_service("initiator", run_initiator)


@app.command(rich_help_panel=RUN)
def worker(
    queues: Annotated[str, typer.Option(help="Task queues to serve, comma separated.")] = ALL_QUEUES,
) -> None:
    """Run cycles and their activities."""
    chosen = _parse_queues(queues)
    from kimp.bootstrap.services import run_workers
    from kimp.cli.services import run_service

    run_service("worker", lambda settings: run_workers(settings, chosen))


def _parse_queues(text: str) -> list[TaskQueue]:
    known = {queue.name.lower(): queue for queue in TaskQueue}
    names = [name.strip() for name in text.split(",")]
    if unknown := [name or "an empty name" for name in names if name not in known]:
        raise typer.BadParameter(f"{', '.join(dict.fromkeys(unknown))}: no such queue; known are {', '.join(known)}")
    return [known[name] for name in names]


paper = typer.Typer(help="Run the paper exchange alone, or start it anew.")
app.add_typer(paper, name="paper", invoke_without_command=True, rich_help_panel=RUN)


@paper.callback()
def run_alone(context: typer.Context) -> None:
    """Run the paper exchange alone: Upbit's and Binance's wire protocols on two local ports."""
    if context.invoked_subcommand is not None:
        return
    from kimp.bootstrap.paper import run_paper
    from kimp.cli.services import run_service

    run_service("paper", run_paper)


@paper.command()
def reset(
    yes: Annotated[bool, typer.Option("--yes", help="That is meant.")] = False,  # noqa: FBT002 - a command-line flag
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Forget the paper exchange's balances, and with them kimp's books and cycles: all paper money begins anew."""
    from kimp.bootstrap import paper as bootstrap
    from kimp.cli.terminal import report_outcome
    from kimp.config import load

    settings = load()
    if not yes:
        raise BadInput(
            f"add --yes: it removes all paper money, books and cycles in {settings.local.data_dir}, and nothing else"
        )
    removed = [str(path) for path in bootstrap.reset(settings)]
    reported = f"removed {', '.join(removed)}" if removed else f"nothing was kept in {settings.local.data_dir}"
    report_outcome(reported, {"removed": removed}, as_json=as_json)


@app.command(rich_help_panel=RUN)
def replay(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR | QUERY", help="Folder of histories; with --from-server a list filter, left out: all cycles."
        ),
    ] = None,
    from_server: Annotated[bool, typer.Option("--from-server", help="Fetch the histories from Temporal.")] = False,  # noqa: FBT002
    save: Annotated[
        Path | None, typer.Option(help="With --from-server: also store the histories here, decrypted.")
    ] = None,
    as_json: JsonFlag = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Replay recorded cycles on this version's code; any other command, input or result fails. Before a deploy."""
    if not from_server and what is None:
        raise typer.BadParameter("name a folder of histories, or add --from-server")
    if not from_server and save is not None:
        raise typer.BadParameter("--save stores what --from-server fetches; add that")
    from kimp.cli.replay import replayed

    run(replayed(what, save, from_server=from_server, as_json=as_json))
