"""Commands that run one of kimp's processes until Ctrl-C or SIGTERM."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any

import typer

from kimp.cli.app import app, run
from kimp.config import Settings, load
from kimp.contracts.queues import TaskQueue
from kimp.observability.clean import say
from kimp.observability.logs import configure_logging

ALL_QUEUES = ",".join(queue.name.lower() for queue in TaskQueue)


async def until_signalled(work: Coroutine[Any, Any, None]) -> None:
    """Run a service; the first SIGINT or SIGTERM cancels it, and its own clean-up ends it.

    So does the end of its terminal, unless somebody asked that it be outlived (nohup).
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
            continue
        loop.add_signal_handler(number, task.cancel)
    with suppress(asyncio.CancelledError):
        await task


def serve(name: str, work: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run one of kimp's processes with its settings and its log."""
    settings = load()
    configure_logging(name, settings.observability.log_format, settings.observability.log_level)
    run(until_signalled(work(settings)))


@app.command()
def feeder() -> None:
    """Read both venues' streams and publish quotes and rules to Redis."""
    from kimp.bootstrap.services import run_feeder  # noqa: PLC0415 - ccxt takes seconds to import

    serve("feeder", run_feeder)


@app.command()
def initiator() -> None:
    """Watch the quotes and start a cycle when one pays."""
    from kimp.bootstrap.services import run_initiator  # noqa: PLC0415 - ccxt takes seconds to import

    serve("initiator", run_initiator)


@app.command()
def worker(
    queues: Annotated[str, typer.Option(help="Task queues to serve, comma separated.")] = ALL_QUEUES,
) -> None:
    """Run cycles and their activities."""
    from kimp.bootstrap.services import run_workers  # noqa: PLC0415 - ccxt takes seconds to import

    chosen = _parse_queues(queues)
    serve("worker", lambda settings: run_workers(settings, chosen))


def _parse_queues(text: str) -> list[TaskQueue]:
    known = {queue.name.lower(): queue for queue in TaskQueue}
    names = [name.strip() for name in text.split(",")]
    if unknown := [name or "an empty name" for name in names if name not in known]:
        raise typer.BadParameter(f"{', '.join(dict.fromkeys(unknown))}: no such queue; known are {', '.join(known)}")
    return [known[name] for name in names]


@app.command()
def migrate(
    copy_from: Annotated[
        str | None,
        typer.Option(help="URL of another kimp database; all its rows are copied into this one, still empty."),
    ] = None,
) -> None:
    """Bring the database's schema up to date."""
    run(_migrate(load(), copy_from))


async def _migrate(settings: Settings, copy_from: str | None) -> None:
    from kimp.bootstrap.migrating import migrated  # noqa: PLC0415 - only this command needs Alembic

    async for line in migrated(settings, copy_from):
        say(line)


@app.command("catch-up")
def catch_up() -> None:
    """Take over from Temporal what a restored database lacks. Stop every other process of kimp first."""
    run(_catch_up(load()))


async def _catch_up(settings: Settings) -> None:
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy
    from kimp.bootstrap.use_cases import connect_past_runs  # noqa: PLC0415 - heavy
    from kimp.operations import catch_up  # noqa: PLC0415 - heavy

    async with open_database(settings) as database:
        done = await catch_up.catch_up(database, await connect_past_runs(settings))
    say(f"read {done.cycles} cycles; {done.orders} orders were missing. Trading is halted until `kimp resume`")
