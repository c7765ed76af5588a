"""`kimp cycles logs`: what happened in one cycle, in the order in which it happened."""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from kimp.cli import terminal, views
from kimp.cli.app import Json, cycles, run
from kimp.config import Settings, load
from kimp.operations.story import story_of

console = terminal.console()


@cycles.command("logs")
def logs(cycle_id: Annotated[str, typer.Argument(help="e.g. XRP-17")], as_json: Json = False) -> None:  # noqa: FBT002
    """One cycle's story, line by line: from Temporal's history, journal, ledger and the processes' logs."""
    run(_logs(load(), cycle_id.upper(), as_json=as_json))


async def _logs(settings: Settings, cycle_id: str, *, as_json: bool) -> None:
    from kimp.bootstrap.use_cases import story_sources  # noqa: PLC0415 - heavy

    logs = settings.observability.log_dir or settings.local.data_dir
    story = await story_of(cycle_id, story_sources(settings), logs)
    if as_json:
        terminal.print_json(asdict(story))
        return
    console.print(f"[bold]{cycle_id}[/], trace {story.trace_id or 'unknown'}", highlight=False)
    for line in story.lines:
        moment = views.moment(line.at_ms)
        console.print(f"{moment} {line.source:<9} {escape(line.text)}", highlight=False)
    for why in story.missing:
        console.print(f"[yellow]not asked:[/] {escape(why)}", highlight=False)
