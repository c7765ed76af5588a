"""What steers a terminal reaches none: not by a table, nor by an error, nor by a log for people."""

import io
import logging
import sys

import pytest
from rich.table import Table
from rich.text import Text

from kimp.cli import app as command
from kimp.cli import (
    commands,  # noqa: F401 - it registers with the app that a test replaces
    views,
)
from kimp.domain.errors import BadInput
from kimp.observability.clean import clean
from kimp.observability.logs import PrettyLines

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eXRP\u200b"


def harmless(text: str) -> bool:
    return "XRP" in text and all(sign.isprintable() or sign in "\n\t" for sign in text)


def test_signs_are_shown_and_text_stays_as_it_is() -> None:
    assert clean("won \u20a9 1,000 \uc5c5\ube44\ud2b8\n\tnext") == "won \u20a9 1,000 \uc5c5\ube44\ud2b8\n\tnext"
    assert clean("\x1b[31m") == "\\x1b[31m"


def test_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    console = views.console()
    table = Table("coin")
    table.add_row(Text(EVIL))
    console.print(table)
    console.print(EVIL, markup=False)
    assert harmless(out.getvalue())


def test_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse() -> None:
        raise BadInput(EVIL)

    monkeypatch.setattr(command, "app", refuse)
    assert command.code_of_command() == command.EXIT_BAD_INPUT
    assert harmless(capsys.readouterr().err)


def test_a_log_for_people() -> None:
    record = logging.LogRecord("venue", logging.WARNING, "", 0, "it said %s", (EVIL,), None)
    assert harmless(PrettyLines().format(record))
