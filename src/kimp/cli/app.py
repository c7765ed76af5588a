"""The command tree, and what every command does on bad input and on Ctrl-C."""

import asyncio
import json
import os
import re
from collections.abc import Coroutine
from importlib.metadata import version
from typing import Annotated, Any

import typer

from kimp.cli import EXIT_INTERRUPTED
from kimp.observability.clean import say

EXIT_FAILED = 1
"""A check did not hold, or a part failed while running."""
EXIT_BAD_INPUT = 2
"""Configuration, argument or file: the line says how to mend it."""

SECRET = re.compile(r"(^|\.)(access_key|secret_key|token|redis_url|database_url)$|^history\.keys\b|secret")
"""Names of settings that hold one."""

app = typer.Typer(
    name="kimp",
    help="Earns the kimchi premium between Upbit and Binance, one durable cycle at a time.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
cycles = typer.Typer(help="Look at cycles, and act on them.", no_args_is_help=True)
app.add_typer(cycles, name="cycles")

Json = Annotated[bool, typer.Option("--json", help="One JSON document, for scripts.")]


def _tell_version(wanted: bool) -> None:  # noqa: FBT001 - typer's own signature
    if wanted:
        say(f"kimp {version('kimp')}")
        raise typer.Exit


@app.callback()
def before_every_command(
    _version: Annotated[  # noqa: FBT002 - a command-line flag
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Say which kimp this is, and end.")
    ] = False,
    given: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A setting, before all other sources; may be repeated. Refuses secrets: others see a command's words.",
        ),
    ] = None,
) -> None:
    """Keep what was given where the sources, and the processes that a command starts, find it."""
    pairs = [one.partition("=") for one in given or ()]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise typer.BadParameter(f"{wrong[0]!r} is no NAME=VALUE, e.g. trading.threshold=0.006", param_hint="--set")
    if secret := next((name for name, _, _ in pairs if SECRET.search(name.lower())), None):
        raise typer.BadParameter(
            f"{secret} is a secret, and others see a command's words; put it into a file or the environment",
            param_hint="--set",
        )
    if pairs:
        os.environ["KIMP_ARGUMENTS"] = json.dumps({name: value for name, _, value in pairs})


def run(work: Coroutine[Any, Any, int | None]) -> None:
    """Run a command to its end; Ctrl-C ends it cleanly and is no failure of its own."""
    try:
        code = asyncio.run(work)
    except KeyboardInterrupt:
        raise typer.Exit(EXIT_INTERRUPTED) from None
    raise typer.Exit(code or 0)
