"""`kimp config`: what is in force and where it came from, whether it is sound, and what there is to set."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kimp.cli import terminal
from kimp.cli.app import Json, app
from kimp.config import Settings, load_with_origins
from kimp.config.switches import read_switches
from kimp.domain.errors import BadInput
from kimp.observability.clean import say

config = typer.Typer(help="Look at the configuration.", no_args_is_help=True)
app.add_typer(config, name="config")
console = terminal.console()

Environment = Annotated[str | None, typer.Option(help="In the place of KIMP_ENVIRONMENT.", metavar="NAME")]


@config.command("show")
def show(
    environment: Environment = None,
    as_json: Json = False,  # noqa: FBT002
) -> None:
    """Every setting and the source that it came from; secrets are masked. See also `kimp settings list`."""
    loaded = load_with_origins(Settings, environment)
    rows = {
        ".".join(path): {"value": value, "source": loaded.origin(*path)}
        for path, value in _flat(loaded.settings.model_dump(mode="json"))
    }
    if as_json:
        terminal.print_json(rows)
        return
    table = Table("setting", "value", "source", box=None)
    for name, row in rows.items():
        table.add_row(f"[bold]{name}[/]", escape("" if row["value"] is None else str(row["value"])), row["source"])
    # As wide as it needs to be: a line that is cut or broken is no use to grep.
    terminal.CleanConsole(width=console.width if console.is_terminal else 250).print(table)


def _flat(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        path = (*above, name)
        if isinstance(value, dict) and value:
            yield from _flat(value, path)
        else:
            yield path, value


@config.command("check")
def check(environment: Environment = None) -> None:
    """Validate without starting anything: every problem at once, then what is allowed but risky."""
    from kimp.bootstrap.configuration import check_configuration  # noqa: PLC0415 - heavy

    for line in check_configuration(environment):
        console.print(f"[yellow]risk:[/] {escape(line)}", highlight=False)
    chosen = read_switches(environment).environment
    console.print(f"the configuration{f' of {chosen}' if chosen else ''} is valid")


@config.command("docs")
def docs(
    into: Annotated[Path | None, typer.Option(help="Write it there, below the marker, instead of printing it.")] = None,
) -> None:
    """All settings as Markdown, as in docs/configuration.md."""
    from kimp.config.reference import MARKER, document  # noqa: PLC0415 - only here

    if into is None:
        say(document().removesuffix("\n"))
        return
    try:
        text = into.read_text()
        if MARKER not in text:
            raise BadInput(f"{into}: the line {MARKER!r} is missing; the settings go below it")
        into.write_text(f"{text.partition(MARKER)[0]}{MARKER}\n\n{document()}")
    except OSError as error:
        raise BadInput(f"--into {into}: {error.strerror}; name a file that has the line {MARKER!r}") from None
