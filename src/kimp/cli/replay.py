"""`kimp replay`: do recorded cycles still do on this version what they did? Ask before every deploy."""

import logging
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kimp.cli import terminal
from kimp.cli.app import EXIT_FAILED, Json, app, run
from kimp.config import Settings, load
from kimp.contracts.cycle import ALL_CYCLES
from kimp.domain.errors import BadInput

if TYPE_CHECKING:
    from temporalio.client import WorkflowHistory

    from kimp.adapters.temporal.histories import Recorded
    from kimp.adapters.temporal.opening import ReadHistory
    from kimp.adapters.temporal.replaying import Replayed, Replaying

console = terminal.console()


@app.command()
def replay(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="DIR | QUERY", help=f"Folder of histories; with --from-server a list filter [{ALL_CYCLES}]."
        ),
    ] = None,
    from_server: Annotated[bool, typer.Option("--from-server", help="Fetch the histories from Temporal.")] = False,  # noqa: FBT002
    save: Annotated[
        Path | None, typer.Option(help="With --from-server: also store the histories here, decrypted.")
    ] = None,
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Replay recorded cycles on this version's code; any other command, input or result fails."""
    if not from_server and what is None:
        raise typer.BadParameter("name a folder of histories, or add --from-server")
    if not from_server and save is not None:
        raise typer.BadParameter("--save stores what --from-server fetches; add that")
    run(_replay(what, save, from_server=from_server, as_json=as_json))


async def _replay(what: str | None, save: Path | None, *, from_server: bool, as_json: bool) -> int:
    from kimp.bootstrap.temporal import cycle_replay, history_reader  # noqa: PLC0415 - heavy

    logging.getLogger("temporalio").setLevel(logging.CRITICAL)  # what it logs with a traceback is told in a line
    settings = load()
    replaying = cycle_replay()
    # What a server holds is read as the workers would read it; files are stored without encryption.
    read = history_reader(settings, plaintext_too=not from_server)
    histories = _from_server(settings, what or ALL_CYCLES) if from_server else _from_folder(Path(what or ""))
    done: list[tuple[str, Replayed]] = []
    async for recorded in histories:
        replayed = await _replay_one(recorded.history, read, replaying, save)
        done.append((recorded.source, replayed))
        if not as_json:
            _print(recorded.source, replayed)
    if not done:
        raise BadInput(f"no workflow on the server matches {what or ALL_CYCLES}")
    differ = sum(not replayed.clean for _, replayed in done)
    if as_json:
        rows = [{"source": source, "clean": replayed.clean, **asdict(replayed)} for source, replayed in done]
        terminal.print_json({"clean": not differ, "histories": rows})
    else:
        activities = sum(replayed.activities for _, replayed in done)
        console.print(f"{len(done)} histories replayed, {activities} activities compared, {differ} histories differ")
    return EXIT_FAILED if differ else 0


async def _replay_one(
    history: "WorkflowHistory", read: "ReadHistory", replaying: "Replaying", save: Path | None
) -> "Replayed":
    from kimp.adapters.temporal.histories import write_file  # noqa: PLC0415 - heavy
    from kimp.adapters.temporal.opening import UnreadableHistory  # noqa: PLC0415 - heavy

    try:
        readable = read(history)
    except UnreadableHistory as why:
        return replaying.unreadable(history, why.event_id, str(why))
    if save is not None:
        write_file(save, readable)
    return await replaying.replay(readable)


def _print(source: str, replayed: "Replayed") -> None:
    mark = "[green]ok[/]  " if replayed.clean else "[red]FAIL[/]"
    state = "closed" if replayed.closed else "open"
    console.print(
        f"{mark} {replayed.workflow_id} ({source}): {state}, {replayed.events} events,"
        f" {replayed.activities} activities compared",
        highlight=False,
    )
    for difference in replayed.differences:
        console.print(f"     {difference}", highlight=False, markup=False)


async def _from_folder(folder: Path) -> AsyncIterator["Recorded"]:
    from kimp.adapters.temporal.histories import read_folder  # noqa: PLC0415 - heavy

    for recorded in read_folder(folder):
        yield recorded


async def _from_server(settings: Settings, query: str) -> AsyncIterator["Recorded"]:
    from kimp.adapters.temporal.histories import fetch  # noqa: PLC0415 - heavy
    from kimp.bootstrap.temporal import connect_temporal  # noqa: PLC0415 - heavy

    async for recorded in fetch(await connect_temporal(settings), query):
        yield recorded
