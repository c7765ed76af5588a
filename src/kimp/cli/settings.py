"""`kimp settings`: what may be changed while kimp runs, what was, by whom and why."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.markup import escape
from rich.table import Table

from kimp.bootstrap.parts import CLOCK, open_database
from kimp.cli import terminal, views
from kimp.cli.person import who
from kimp.config import Settings, load, load_with_origins
from kimp.config.run_time import COINS, LONGEST_NAME
from kimp.domain.errors import BadInput
from kimp.operations import settings as operation
from kimp.operations.settings import Differences

console = terminal.console()
HEADINGS = {"value": "in force", "source": "source", "configured": "configured", "bound": "may be"}
ROOMY = 100
"""Columns; in fewer the list does without what was configured, which `--json` and `kimp config show` tell too."""


async def show_settings(*, as_json: bool) -> None:
    """What is in force."""
    loaded = load_with_origins(Settings)
    async with open_database(loaded.settings) as database:
        now = await operation.settings_now(loaded, database.settings)
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


async def change_settings(pairs: Mapping[str, str], note: str, hours: int | None, *, as_json: bool) -> None:
    """For all that run."""
    if not note.strip():
        raise BadInput("--note: say why, for whoever reads the history")
    configured, asked = load(), values_of(pairs)
    async with open_database(configured) as database:
        done = await operation.change_settings(
            configured, database.settings, asked, note=note, by=who(), clock=CLOCK, hours=hours
        )
    reported = (
        f"version {done.version}: {_sentence(done.changes)}; new cycles live by it within seconds"
        if done.new
        else "nothing to change: that is what the settings say"
    )
    terminal.report_outcome(
        reported, {"version": done.version, "changes": done.changes, "new": done.new}, as_json=as_json
    )


def values_of(pairs: Mapping[str, str]) -> dict[str, Any]:
    """Name -> value, None for one that is given back."""
    return {name: (_coins(text) if name == COINS else text) if text else None for name, text in pairs.items()}


def _coins(text: str) -> list[str]:
    """`XRP,SOL`, or `["XRP","SOL"]` as the configuration's own sources have it."""
    try:
        listed = json.loads(text) if text.startswith("[") else text.split(",")
    except ValueError:
        raise BadInput(f'{COINS}: {text[:LONGEST_NAME]} is no list; write XRP,SOL or ["XRP","SOL"]') from None
    return [str(coin).strip().upper() for coin in listed]


async def show_history(limit: int, *, as_json: bool) -> None:
    """Latest first."""
    async with open_database(load()) as database:
        reported = await operation.settings_history(database.settings, limit)
    if as_json:
        terminal.print_json(
            [
                {"version": v.version, "set_ms": v.set_ms, "set_by": v.set_by, "note": v.reason, "changes": changes}
                for v, changes in reported
            ]
        )
        return
    if not reported:
        console.print("nothing was ever changed: the configuration holds")
    for version, changes in reported:
        console.print(
            f"[bold]version {version.version}[/] {views.timestamp(version.set_ms)} {escape(version.set_by)}:"
            f" {escape(version.reason)}",
            highlight=False,
        )
        console.print(f"    {escape(_sentence(changes))}", highlight=False)


def _sentence(changes: Differences) -> str:
    return ", ".join(f"{name} {before} -> {after}" for name, (before, after) in changes.items())
