"""`kimp cycles logs`: what happened in one cycle, in the order in which it happened."""

from dataclasses import asdict

from rich.markup import escape

from kimp.bootstrap.use_cases import story_sources
from kimp.cli import terminal, views
from kimp.config import load
from kimp.operations.story import story_of

console = terminal.console()


async def show_story(cycle_id: str, *, as_json: bool) -> None:
    """From whatever is at hand."""
    settings = load()
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
