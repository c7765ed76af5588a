"""What steers a terminal reaches none: not by a table, nor by an error, nor by a log for people."""

import io
import json
import logging
import sys

import pytest
from rich.table import Table
from rich.text import Text

from kimp.cli import commands as command
from kimp.cli import terminal
from kimp.cli.app import EXIT_BAD_INPUT, EXIT_FAILED
from kimp.domain.errors import BadInput
from kimp.observability.clean import clean, write_line
from kimp.observability.logs import JsonLines, PrettyLines

EVIL = "\x1b[2J\x1b]0;owned\x07\x9b31m\u202eXRP\u200b"


def harmless(text: str) -> bool:
    return "XRP" in text and all(sign.isprintable() or sign in "\n\t" for sign in text)


def test_signs_are_shown_and_text_stays_as_it_is() -> None:
    assert clean("won \u20a9 1,000 \uc5c5\ube44\ud2b8\n\tnext") == "won \u20a9 1,000 \uc5c5\ube44\ud2b8\n\tnext"
    assert clean("\x1b[31m") == "\\x1b[31m"


def test_a_line_stays_one_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """A path, or a venue's words: whoever reads the output by a program finds them whole."""
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    line = "kimp.db of a folder with a name " + "x" * 3 * terminal.WIDE
    terminal.console().print(line)
    assert out.getvalue() == f"{line}\n"


def test_a_view(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    console = terminal.console()
    table = Table("coin")
    table.add_row(Text(EVIL))
    console.print(table)
    console.print(EVIL, markup=False)
    assert harmless(out.getvalue())


def test_a_link_of_markup_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The terminal would be given its address, which is shown nowhere."""
    monkeypatch.setattr(sys, "stdout", out := io.StringIO())
    terminal.CleanConsole(force_terminal=True).print("[link=https://x/\a\x1b]XRP[/]")
    assert "\a" not in out.getvalue()
    assert "XRP" in out.getvalue()


def test_a_document_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.print_json({"note": EVIL, "\x7f": "\ud800"})
    shown = capsys.readouterr().out
    assert harmless(shown)
    assert json.loads(shown) == {"note": EVIL, "\x7f": "\ud800"}


def test_a_plain_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(EVIL)
    assert harmless(capsys.readouterr().out)


@pytest.mark.parametrize("words", [(EVIL,), (f"--{EVIL}",), ("worker", "--queues", EVIL), ("--set", EVIL, "doctor")])
def test_a_command_line_that_is_refused(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["kimp", *words])
    assert command.code_of_command() == EXIT_BAD_INPUT
    output = capsys.readouterr()
    assert output.out == ""
    assert harmless(output.err)
    assert "--help` tells what there is" in output.err or "write each setting once, as NAME=VALUE" in output.err


def test_a_bug(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(**_how: object) -> None:
        raise RuntimeError(EVIL)

    monkeypatch.setattr(command, "app", fail)
    assert command.code_of_command() == EXIT_FAILED
    output = capsys.readouterr().err
    assert harmless(output)
    assert "Traceback" in output


def test_an_error(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def refuse(**_how: object) -> None:
        raise BadInput(EVIL)

    monkeypatch.setattr(command, "app", refuse)
    assert command.code_of_command() == EXIT_BAD_INPUT
    assert harmless(capsys.readouterr().err)


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("venue", logging.WARNING, "", 0, "it said %s", (text,), None)


def test_a_log_for_people() -> None:
    assert harmless(PrettyLines().format(record(EVIL)))


def test_a_log_for_people_has_no_line_that_a_stranger_wrote() -> None:
    shown = PrettyLines().format(record("XRP\n10:00:00.000 INFO    worker kimp.audit: all is well"))
    assert shown.count("\n") == 0


def test_a_log_for_machines_holds_the_same_text_and_no_sign_of_it_raw() -> None:
    shown = JsonLines().format(record(EVIL + "\x7f\ud800\u20a9"))
    assert harmless(shown)
    assert "\u20a9" in shown
    assert json.loads(shown)["message"] == f"it said {EVIL}\x7f\ud800\u20a9"
