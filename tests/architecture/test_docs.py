"""What the documents name is there: linked files, commands with their options, make targets."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from architecture.project import ROOT, tracked_files
from typer.core import TyperCommand, TyperGroup

from kimp.cli import commands
from kimp.cli.app import app

FENCED = re.compile(r"^(```+)[^\n]*\n(.*?)^\1", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^(?: {4}|\t)(.+)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
ELSEWHERE = re.compile(r"[a-z][a-z+.-]*:|#")
KIMP = re.compile(r"(?:^|[\s/])kimp ([a-z].*)", re.MULTILINE)
MAKE = re.compile(r"(?:^|\s)make((?: [a-z]+)+)\b(?!=)", re.MULTILINE)
TARGET = re.compile(r"^([a-z]+):", re.MULTILINE)

REGISTERED = commands
"""Importing it puts the commands on `app`."""


def documents() -> list[Path]:
    return [p for p in tracked_files() if p.suffix == ".md" and (len(p.parts) == 1 or p.parts[0] == "docs")]


def text_of(document: Path) -> str:
    return (ROOT / document).read_text()


def code_of(document: Path) -> Iterator[str]:
    """Code blocks, fenced and indented, and code in a line."""
    text = text_of(document)
    yield from (block for _, block in FENCED.findall(text))
    rest = FENCED.sub("", text)
    yield from INDENTED.findall(rest)
    yield from INLINE.findall(rest)


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(FENCED.sub("", text_of(document))) if not ELSEWHERE.match(target)]
    missing = [target for target in targets if not (ROOT / document.parent / target.partition("#")[0]).exists()]
    assert not missing


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_kimp_command_exists(document: Path) -> None:
    problems = [
        f"kimp {line}: {problem}"
        for code in code_of(document)
        for line in KIMP.findall(code)
        if (problem := problem_of(line)) is not None
    ]
    assert not problems


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_make_target_exists(document: Path) -> None:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text()))
    named = {name for code in code_of(document) for names in MAKE.findall(code) for name in names.split()}
    assert named <= targets


def test_the_readme_names_every_command() -> None:
    """A command that nobody can read of is not there for most."""
    named = " ".join(code_of(Path("README.md")))
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    assert not [name for name in group.commands if not re.search(rf"\b{name}\b", named)]


def test_a_wrong_command_is_found() -> None:
    assert problem_of("cycles list --status COMPLETED --limit 5") is None
    assert problem_of("cycles lost") == "no command lost"
    assert problem_of("feeder --twice") == "no option --twice"


def problem_of(line: str) -> str | None:
    """What is wrong with the words that follow `kimp`, by the command tree itself."""
    words = shlex.split(line, comments=True)
    command: object = typer.main.get_command(app)
    while isinstance(command, TyperGroup) and words and not words[0].startswith("-"):
        if words[0] == "...":  # any of the group's
            return None
        name = words.pop(0).rstrip(".,;:")
        if name not in command.commands:
            return f"no command {name}"
        command = command.commands[name]
    assert isinstance(command, TyperGroup | TyperCommand)
    known = {"--help", *(o for parameter in command.params for o in (*parameter.opts, *parameter.secondary_opts))}
    unknown = [word for word in words if word.startswith("--") and word.partition("=")[0] not in known]
    return f"no option {unknown[0]}" if unknown else None
