"""`kimp replay`: do recorded cycles still do on this version what they did? Ask before every deploy."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kimp.cli import terminal
from kimp.cli.app import EXIT_FAILED, Json, app, run
from kimp.config import load
from kimp.contracts.cycle import ALL_CYCLES
from kimp.domain.errors import BadInput
from kimp.ports.replaying import Replayed

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
    from kimp.bootstrap.replaying import replayed_folder, replayed_server  # noqa: PLC0415 - heavy

    settings, query = load(), what or ALL_CYCLES
    replaying = replayed_server(settings, query, save) if from_server else replayed_folder(settings, Path(what or ""))
    done: list[tuple[str, Replayed]] = []
    async for source, replayed in replaying:
        done.append((source, replayed))
        if not as_json:
            _print(source, replayed)
    if not done:
        raise BadInput(f"no workflow on the server matches {query}")
    differ = sum(not replayed.clean for _, replayed in done)
    if as_json:
        rows = [{"source": source, "clean": replayed.clean, **asdict(replayed)} for source, replayed in done]
        terminal.print_json({"clean": not differ, "histories": rows})
    else:
        activities = sum(replayed.activities for _, replayed in done)
        console.print(f"{len(done)} histories replayed, {activities} activities compared, {differ} histories differ")
    return EXIT_FAILED if differ else 0


def _print(source: str, replayed: Replayed) -> None:
    mark = "[green]ok[/]  " if replayed.clean else "[red]FAIL[/]"
    state = "closed" if replayed.closed else "open"
    console.print(
        f"{mark} {replayed.workflow_id} ({source}): {state}, {replayed.events} events,"
        f" {replayed.activities} activities compared",
        highlight=False,
    )
    for difference in replayed.differences:
        console.print(f"     {difference}", highlight=False, markup=False)
