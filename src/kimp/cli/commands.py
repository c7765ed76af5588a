"""The command line of this process: every command, and how each ends that could not do what it was asked.

Importing a command's module registers it with `app`.
"""

import traceback

import typer

from kimp.cli import (
    codec,
    config,
    data,
    demo,
    deploy,
    inspect,
    logs,
    operate,
    replay,
    services,
    settings,
    status,
    temporal,
)
from kimp.cli.app import EXIT_BAD_INPUT, EXIT_FAILED, app
from kimp.cli.terminal import tell_error
from kimp.domain.errors import BadInput, KimpError

__all__ = [
    "code_of_command",
    "codec",
    "config",
    "data",
    "demo",
    "deploy",
    "inspect",
    "logs",
    "operate",
    "replay",
    "services",
    "settings",
    "status",
    "temporal",
]


def code_of_command() -> int:
    """Run the command line of this process, and say with which code it ends."""
    try:
        # Not as a program of its own, which would tell the command line's errors past us.
        code = app(prog_name="kimp", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except typer.TyperException as error:
        _tell_misuse(error)
        return error.exit_code
    except BadInput as error:
        tell_error(str(error))
        return EXIT_BAD_INPUT
    except KimpError as error:
        tell_error(str(error))
        return EXIT_FAILED
    except Exception:  # noqa: BLE001 - a bug: told as Python tells it
        tell_error(f"a bug\n{traceback.format_exc()}")
        return EXIT_FAILED
    return code if isinstance(code, int) else 0


def _tell_misuse(error: typer.TyperException) -> None:
    """Of the command line. Without words and options there is nothing to tell: the help was shown."""
    if told := error.format_message():
        context: typer.Context | None = getattr(error, "ctx", None)
        where = "kimp" if context is None else context.command_path
        tell_error(f"{told.removesuffix('.')}; `{where} --help` tells what there is")
