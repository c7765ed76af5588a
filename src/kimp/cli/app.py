"""The command tree, and what every command does on bad input and on Ctrl-C.

This module and `kimp.cli.commands` stay light: help and the shell's completion must not wait for what commands need.
"""

import json
import os
import re
import sys
from collections.abc import Coroutine
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from kimp import DISTRIBUTION
from kimp.cli import EXIT_INTERRUPTED
from kimp.cli.pairs import pairs_of
from kimp.observability.clean import write_line

EXIT_FAILED = 1
"""A check did not hold, or a part failed while running."""
EXIT_BAD_INPUT = 2
"""Configuration, argument or file: the line says how to mend it."""

RUN, LOOK, ACT, SET_UP = "Run", "Look", "Act", "Set up"
"""Headings of the help."""
PANELS = (RUN, LOOK, ACT, SET_UP)

SECRET = re.compile(r"(^|\.)(access_key|secret_key|token|redis_url|database_url)$|^history\.keys\b|secret")
"""Names of settings that hold one."""


class InPanels(TyperGroup):
    """Commands by heading, as the help shows them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - typer's own signature
        """Within a heading in the order in which they are written down."""
        return sorted(self.commands, key=lambda name: PANELS.index(getattr(self.commands[name], "rich_help_panel", "")))


app = typer.Typer(
    name="kimp",
    cls=InPanels,
    help="Earns the kimchi premium between Upbit and Binance, one durable cycle at a time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
cycle_commands = typer.Typer(help="Look at cycles, and act on them.", no_args_is_help=True)
app.add_typer(cycle_commands, name="cycles", rich_help_panel=LOOK)

JsonFlag = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]


def json_wanted() -> bool:
    """By the words of the command line: a command that was misused has read no options yet."""
    return "--json" in sys.argv[1:]


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer's own signature
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 - slow

        write_line(f"kimp {version(DISTRIBUTION)}")
        raise typer.Exit


@app.callback()
def before_every_command(
    _version: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Say which kimp this is, and end.")
    ] = False,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting for this command alone, before all other sources; may be repeated. Written as for"
            " `kimp settings set`. Refuses secrets: others see a command's words.",
        ),
    ] = None,
) -> None:
    """Keep what was given where the sources, and the processes that a command starts, find it."""
    pairs = pairs_of(given or ())
    if secret := next((name for name in pairs if SECRET.search(name.lower())), None):
        raise typer.BadParameter(
            f"{secret} is a secret, and others see a command's words; put it into a file or the environment",
            param_hint="--set",
        )
    if chosen := {name: value for name, value in pairs.items() if value}:
        os.environ["KIMP_ARGUMENTS"] = json.dumps(chosen)


def run(work: Coroutine[Any, Any, int | None]) -> None:
    """Run a command to its end; Ctrl-C ends it cleanly and is no failure of its own."""
    import asyncio  # noqa: PLC0415 - slow

    try:
        code = asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(code or 0)
