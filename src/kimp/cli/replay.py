"""`kimp replay`: do recorded cycles still do on this version what they did?"""

from dataclasses import asdict
from pathlib import Path

from kimp.bootstrap.replaying import replayed_folder, replayed_server
from kimp.cli import terminal
from kimp.cli.app import EXIT_FAILED
from kimp.config import load
from kimp.contracts.cycle import ALL_CYCLES
from kimp.domain.errors import BadInput
from kimp.ports.replaying import Replayed

console = terminal.console()


async def replayed(what: str | None, save: Path | None, *, from_server: bool, as_json: bool) -> int:
    """Exit code: 1 where a history differs."""
    settings, query = load(), what or ALL_CYCLES
    replaying = replayed_server(settings, query, save) if from_server else replayed_folder(settings, Path(what or ""))
    done: list[tuple[str, Replayed]] = []
    async for source, one in replaying:
        done.append((source, one))
        if not as_json:
            _print(source, one)
    if not done:
        raise BadInput(f"no workflow on the server matches {query}")
    differ = sum(not one.clean for _, one in done)
    if as_json:
        rows = [{"source": source, "clean": one.clean, **asdict(one)} for source, one in done]
        terminal.print_json({"clean": not differ, "histories": rows})
    else:
        activities = sum(one.activities for _, one in done)
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
