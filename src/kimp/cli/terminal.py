"""All that a command shows goes through here, or through the log, and reaches no terminal with signs that steer it."""

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.segment import Segment

from kimp.observability.clean import clean, clean_json

WIDE = 120
"""Columns, where there is no terminal to ask: every table fits."""


class CleanConsole(Console):
    """Whatever is shown, its signs reach the terminal only if they can be seen; rich adds colours afterwards."""

    def print(self, *objects: Any, **options: Any) -> None:
        """A line is a line, however long, so that a program that reads it finds it whole; tables fit the width."""
        if all(isinstance(part, str) for part in objects):
            options.setdefault("soft_wrap", True)
        super().print(*objects, **options)

    def _render_buffer(self, buffer: Iterable[Segment]) -> str:
        return super()._render_buffer([part if part.control else _seen(part) for part in buffer])


def _seen(part: Segment) -> Segment:
    # A link of a text's markup would be written as it is, and stands nowhere to be read.
    style = part.style.update_link(None) if part.style is not None and part.style.link else part.style
    return Segment(clean(part.text), style)


def console() -> CleanConsole:
    """For standard output."""
    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    return CleanConsole(width=None if known else WIDE)


def side_console() -> CleanConsole:
    """For what is not the answer: errors, and how far something is."""
    return CleanConsole(stderr=True)


def report_error(text: str) -> None:
    """On standard error, as each command ends that could not do what it was asked."""
    side_console().print(f"[red]kimp:[/] {escape(text)}", highlight=False)


def print_json(value: object) -> None:
    """Decimals as text, so that a reader gets every digit."""
    sys.stdout.write(f"{clean_json(json.dumps(value, default=str, indent=2))}\n")


def print_json_lines(values: Iterable[object]) -> None:
    """The same of many, a line each, for a reader that does not wait for the end."""
    for value in values:
        sys.stdout.write(f"{clean_json(json.dumps(value, default=str))}\n")
    sys.stdout.flush()


def print_outcome(message: str, result: Mapping[str, object] | None, code: int = 0) -> None:
    """What became of a command that acts, or of one that could not do what it was asked: the same shape for all."""
    print_json({"ok": code == 0, "code": code, "message": message, "result": result})


def report_outcome(message: str, result: Mapping[str, object], *, as_json: bool) -> None:
    """A line for people, or one JSON document, of a command that did what it was asked."""
    if as_json:
        print_outcome(message, result)
    else:
        console().print(message, highlight=False, markup=False)


def ask(question: str, default: str = "", *, secret: bool = False) -> str:
    """What the person types; `default` for Enter alone. A secret is not shown. Raises typer.Abort at Ctrl-C."""
    shown = None if secret and not default else default  # without a default, a secret is asked for until it is there
    answer: str = typer.prompt(question, default=shown, hide_input=secret, show_default=bool(default), err=True)
    return answer


def confirm(question: str) -> bool:
    """Enter alone means no. Raises typer.Abort at Ctrl-C."""
    return typer.confirm(question, default=False, err=True)
