"""A command waits for the libraries that it uses, and for no others."""

import json
import subprocess
import sys
from pathlib import Path

from fakes.tables import make_tables

HEAVY = {"alembic", "ccxt", "opentelemetry.exporter", "pandas", "redis", "sqlalchemy", "temporalio", "textual"}
COMMANDS = {
    "--help": set[str](),
    "cycles list": {"sqlalchemy"},
    "settings list": {"sqlalchemy"},
    "settings history": {"sqlalchemy"},
    "halt --note trying": {"sqlalchemy"},
    "resume --note trying": {"sqlalchemy"},
    "status": {"sqlalchemy", "redis"},
    "why XRP": {"sqlalchemy", "redis"},
}
"""What each may have loaded, in one process after those before it."""
PROGRAM = """
import contextlib, io, json, sys
from kimp.cli.commands import code_of_command
found = {}
for command in json.loads(sys.argv[1]):
    sys.argv = ["kimp", *command.split()]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = code_of_command()
    found[command] = [code, sorted(sys.modules)]
print(json.dumps(found))
"""


async def test_commands_that_look_load_no_library_that_they_do_not_use(tmp_path: Path) -> None:
    (tmp_path / ".kimp").mkdir()
    await make_tables(f"sqlite+aiosqlite:///{tmp_path / '.kimp' / 'kimp.db'}")
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs
        [sys.executable, "-c", PROGRAM, json.dumps(list(COMMANDS))],
        cwd=tmp_path,
        capture_output=True,
        check=True,
        text=True,
    )
    found: dict[str, tuple[int, list[str]]] = json.loads(done.stdout)
    nobody_quotes = 1
    assert {command: code for command, (code, _) in found.items()} == dict.fromkeys(COMMANDS, 0) | {
        "why XRP": nobody_quotes
    }, done.stderr
    loaded = {command: HEAVY & set(modules) for command, (_, modules) in found.items()}
    assert loaded == COMMANDS
