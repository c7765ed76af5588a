"""What every command has in common: help that is quick and whole, outcomes for scripts, settings in words."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from architecture.project import ROOT
from fakes.command import KIMP
from typer.core import TyperCommand, TyperGroup

from kimp.cli import commands
from kimp.cli.app import PANELS, app
from kimp.cli.pairs import pairs_of
from kimp.config import load
from kimp.domain.errors import BadInput

HEAVY = ("pydantic", "temporalio", "sqlalchemy", "ccxt", "kimp.config", "kimp.bootstrap", "kimp.adapters", "asyncio")
ACTING = {
    "halt",
    "resume",
    "cycles retry",
    "cycles compensate",
    "cycles abort",
    "cycles write-off",
    "deploy promote",
    "settings set",
    "config check",
    "migrate",
    "catch-up",
    "demo",
    "paper reset",
    "temporal bootstrap",
    "init",
}
ROW = re.compile(r"^\| `kimp ([a-z -]+)` \| (yes|-) \|", re.MULTILINE)
REGISTERED = commands
"""Importing it puts the commands on `app`."""


def tree(group: TyperGroup, above: str = "") -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    for name, command in group.commands.items():
        assert isinstance(command, TyperCommand | TyperGroup)
        yield f"{above}{name}", command
        if isinstance(command, TyperGroup):
            yield from tree(command, f"{above}{name} ")


@pytest.fixture
def known() -> dict[str, TyperCommand | TyperGroup]:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(tree(group))


def test_help_reads_nothing_that_it_does_not_show() -> None:
    """It must be there at once, and so must the shell's completion: both read these modules."""
    reported = subprocess.run(
        [sys.executable, "-c", f"import kimp.cli.commands, sys; print([m for m in {HEAVY!r} if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert reported == "[]\n"


def test_every_command_that_acts_has_json(known: dict[str, TyperCommand | TyperGroup]) -> None:
    without = [name for name in ACTING if "--json" not in {o for p in known[name].params for o in p.opts}]
    assert not without


def test_every_command_stands_under_a_heading(known: dict[str, TyperCommand | TyperGroup]) -> None:
    top = {name: getattr(command, "rich_help_panel", None) for name, command in known.items() if " " not in name}
    assert set(top.values()) == set(PANELS)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["halt", "9", "--json"], 2, "level"),
        (["no-such-command", "--json"], 2, "no-such-command"),
        (["--set", "trading.threshold", "halt", "--json"], 2, "write each setting once, as NAME=VALUE"),
        (["--set", "trading.x=1", "config", "check", "--json"], 2, "trading.x: there is no such setting"),
        (["cycles", "list", "--json"], 2, "there is no database"),
        (["paper", "reset", "--json"], 2, "add --yes"),
    ],
)
def test_a_script_that_asked_for_json_reads_there_why_nothing_was_done(
    tmp_path: Path, words: list[str], code: int, message: str
) -> None:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("KIMP_", "TEMPORAL_"))}
    ended = subprocess.run([KIMP, *words], cwd=tmp_path, env=clean, capture_output=True, text=True, check=False)
    output = json.loads(ended.stdout)
    assert (ended.returncode, output["code"], output["ok"], output["result"]) == (code, code, False, None)
    assert message in output["message"]
    assert message in ended.stderr, "people read it too"


def test_python_m_kimp_is_kimp(tmp_path: Path) -> None:
    message = [
        subprocess.run([*command, "--version"], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for command in ([KIMP], [sys.executable, "-m", "kimp"])
    ]
    assert message[0] == message[1] != ""


@pytest.mark.parametrize("arguments", [["a"], ["=1"], ["a=1", "a=2"], [" =1"]])
def test_words_that_are_no_pair_are_refused(arguments: list[str]) -> None:
    with pytest.raises(BadInput, match="write each setting once, as NAME=VALUE"):
        pairs_of(arguments)


def test_pairs_are_taken_apart_at_the_first_sign() -> None:
    assert pairs_of(["a.b = x=y", "c="]) == {"a.b": "x=y", "c": ""}


@pytest.mark.parametrize("written", ["XRP,SOL", " XRP , SOL ", '["XRP","SOL"]'])
@pytest.mark.parametrize("source", ["KIMP_ARGUMENTS", "KIMP_TRADING__COINS"])
def test_a_list_is_written_as_for_settings_set(monkeypatch: pytest.MonkeyPatch, written: str, source: str) -> None:
    text = json.dumps({"trading.coins": written}) if source == "KIMP_ARGUMENTS" else written
    monkeypatch.setenv(source, text)
    assert list(load().trading.coins) == ["XRP", "SOL"]


def test_the_table_of_commands_is_that_of_the_program(known: dict[str, TyperCommand | TyperGroup]) -> None:
    """Each command, and whether it has `--json`."""
    runs = {
        name: "yes" if "--json" in {option for parameter in command.params for option in parameter.opts} else "-"
        for name, command in known.items()
        if not isinstance(command, TyperGroup) or command.invoke_without_command
    }
    assert dict(ROW.findall((ROOT / "docs/commands.md").read_text())) == runs
