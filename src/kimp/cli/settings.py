"""`kimp settings`: what may be changed while kimp runs, what was, by whom and why."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from kimp.cli import terminal, views
from kimp.cli.app import Json, app, run
from kimp.cli.person import who
from kimp.config import Loaded, Settings, load, load_with_origins
from kimp.config.run_time import COINS, LONGEST_NAME
from kimp.domain.errors import BadInput
from kimp.operations.settings import Differences, change_settings, settings_history, settings_now

settings = typer.Typer(help="Trading settings that change while kimp runs.", no_args_is_help=True)
app.add_typer(settings, name="settings")
console = terminal.console()
HEADINGS = {"value": "in force", "source": "source", "configured": "configured", "bound": "may be"}
ROOMY = 100
"""Columns; in fewer the list does without what was configured, which `--json` and `kimp config show` tell too."""


@settings.command("list")
def list_settings(as_json: Json = False) -> None:  # noqa: FBT002 - a command-line flag
    """What may be changed, what is in force, where that came from, and how far it may go."""
    run(_list(load_with_origins(Settings), as_json=as_json))


@settings.command("set")
def set_settings(
    changes: Annotated[
        list[str], typer.Argument(metavar="NAME=VALUE...", help="`NAME=` alone gives it back to the configuration.")
    ],
    note: Annotated[str, typer.Option(help="Why; it stays in the history.")],
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Change trading settings for all that run: new cycles live by them within seconds, open ones by their own."""
    run(_set(load(), parsed(changes), note, as_json=as_json))


@settings.command("history")
def history(
    limit: Annotated[int, typer.Option(help="How many, latest first.", min=1)] = 20,
    as_json: Json = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Who changed what, when and why."""
    run(_history(load(), limit, as_json=as_json))


def parsed(arguments: Sequence[str]) -> dict[str, Any]:
    """Name -> value, None for one that is given back. Raises BadInput."""
    found: dict[str, Any] = {}
    for argument in arguments:
        name, equals, text = (part.strip() for part in argument.partition("="))
        if not equals or name in found:
            raise BadInput(
                f"{argument[:LONGEST_NAME]!r}: write each setting once, as NAME=VALUE, e.g. trading.threshold=0.006"
            )
        value: Any = _coins(text) if name == COINS else text
        found[name] = value if text else None
    return found


def _coins(text: str) -> list[str]:
    """`XRP,SOL`, or `["XRP","SOL"]` as the configuration's own sources have it."""
    try:
        listed = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError:
        raise BadInput(f'{COINS}: {text[:LONGEST_NAME]} is no list; write XRP,SOL or ["XRP","SOL"]') from None
    return [str(coin).strip().upper() for coin in listed]


async def _list(loaded: Loaded[Settings], *, as_json: bool) -> None:
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy

    async with open_database(loaded.settings) as database:
        now = await settings_now(loaded, database.settings)
    if as_json:
        terminal.print_json(asdict(now))
        return
    title = "as configured" if now.version is None else f"version {now.version}"
    table = Table(title=title, title_justify="left", box=None)
    left_out = {"configured"} if console.width < ROOMY else set[str]()
    table.add_column("setting", no_wrap=True)
    for heading in [heading for heading in HEADINGS if heading not in left_out]:
        table.add_column(HEADINGS[heading], no_wrap=heading == "source", overflow="fold")
    for name, row in now.settings.items():
        table.add_row(f"[bold]{name}[/]", *(escape(text) for of, text in asdict(row).items() if of not in left_out))
    console.print(table)


async def _set(configured: Settings, asked: Mapping[str, Any], note: str, *, as_json: bool) -> None:
    from kimp.bootstrap.parts import CLOCK, open_database  # noqa: PLC0415 - heavy

    if not note.strip():
        raise BadInput("--note: say why, for whoever reads the history")
    async with open_database(configured) as database:
        done = await change_settings(configured, database.settings, asked, note=note, by=who(), clock=CLOCK)
    if as_json:
        terminal.print_json({"version": done.version, "changes": done.changes})
    elif done.new:
        console.print(f"version {done.version}: {_sentence(done.changes)}; new cycles live by it within seconds")
    else:
        console.print("nothing to change: that is what the settings say")


async def _history(configured: Settings, limit: int, *, as_json: bool) -> None:
    from kimp.bootstrap.parts import open_database  # noqa: PLC0415 - heavy

    async with open_database(configured) as database:
        told = await settings_history(database.settings, limit)
    if as_json:
        terminal.print_json(
            [
                {"version": v.version, "set_ms": v.set_ms, "set_by": v.set_by, "note": v.reason, "changes": changes}
                for v, changes in told
            ]
        )
        return
    if not told:
        console.print("nothing was ever changed: the configuration holds")
    for version, changes in told:
        console.print(
            f"[bold]version {version.version}[/] {views.instant(version.set_ms)} {escape(version.set_by)}:"
            f" {escape(version.reason)}",
            highlight=False,
        )
        console.print(f"    {escape(_sentence(changes))}", highlight=False)


def _sentence(changes: Differences) -> str:
    return ", ".join(f"{name} {before} -> {after}" for name, (before, after) in changes.items())
