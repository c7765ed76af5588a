"""`kimp config`: what is in force and where it came from, whether it is sound, and what there is to set."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from kimp.cli import terminal
from kimp.config import Settings, load_with_origins
from kimp.config.reference import MARKER, document
from kimp.domain.errors import BadInput
from kimp.observability.clean import write_line

console = terminal.console()


def show_configuration(environment: str | None, *, as_json: bool) -> None:
    """Every setting."""
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


def write_reference(into: Path | None) -> None:
    """Printed, or into a file that has the marker."""
    if into is None:
        write_line(document().removesuffix("\n"))
        return
    try:
        text = into.read_text()
        if MARKER not in text:
            raise BadInput(f"{into}: the line {MARKER!r} is missing; the settings go below it")
        into.write_text(f"{text.partition(MARKER)[0]}{MARKER}\n\n{document()}")
    except OSError as error:
        raise BadInput(f"--into {into}: {error.strerror}; name a file that has the line {MARKER!r}") from None


def print_example() -> None:
    """As it is shipped."""
    write_line((files("kimp.config") / "kimp.example.toml").read_text(encoding="utf-8").removesuffix("\n"))
