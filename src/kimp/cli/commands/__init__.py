"""The command line of this process: every command, and how each ends that could not do what it was asked.

Importing a module of this package registers its commands with `app`. They say what there is to ask for; what a command
needs is imported when it runs.
"""

import traceback

import typer

from kimp.cli import EXIT_INTERRUPTED
from kimp.cli.app import EXIT_BAD_INPUT, EXIT_FAILED, app, json_wanted
from kimp.cli.commands import acting, backtest, data, live_trading, looking, running, setting_up
from kimp.domain.errors import BadInput, KimpError

__all__ = ["acting", "backtest", "code_of_command", "data", "live_trading", "looking", "running", "setting_up"]


THEIR_WORDS = {
    "Value error, ": "",
    "Input should be a valid integer, unable to parse string as an integer": "it is no whole number",
    "Input should be a valid number, unable to parse string as a number": "it is no number",
    "Input should": "it should",
}


def code_of_command() -> int:
    """Run the command line of this process, and say with which code it ends."""
    try:
        # Not as a program of its own, which would tell the command line's errors past us.
        code = app(prog_name="kimp", standalone_mode=False)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    except typer.Abort:  # Ctrl-C at a question
        return EXIT_INTERRUPTED
    except typer.TyperException as error:
        return _misused(error)
    except KimpError as error:
        return _refused(str(error), EXIT_BAD_INPUT if isinstance(error, BadInput) else EXIT_FAILED)
    except Exception:  # noqa: BLE001 - a bug: told as Python tells it
        return _refused(f"a bug\n{traceback.format_exc()}", EXIT_FAILED)
    return code if isinstance(code, int) else 0


def _misused(error: typer.TyperException) -> int:
    """Without words and options there is nothing to tell: the help was shown."""
    if not (reported := _plain(error.format_message())):
        return error.exit_code
    context: typer.Context | None = getattr(error, "ctx", None)
    where = "kimp" if context is None else context.command_path
    return _refused(f"{reported.removesuffix('.')}; `{where} --help` tells what there is", error.exit_code)


def _plain(message: str) -> str:
    """Without the words of the library that reads arguments."""
    for theirs, ours in THEIR_WORDS.items():
        message = message.replace(theirs, ours)
    return message


def _refused(reported: str, code: int) -> int:
    """On standard error for people, and for a script that asked for JSON on standard output too."""
    from kimp.cli.terminal import print_outcome, report_error

    report_error(reported)
    if json_wanted():
        print_outcome(reported, None, code)
    return code
