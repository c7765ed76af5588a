"""All that people read is written where signs that steer a terminal are made visible, and nowhere else."""

import ast
from collections.abc import Iterator

from architecture.project import trees

WRITERS = {
    "src/kimp/observability/clean.py",  # plain lines
    "src/kimp/observability/logs.py",  # the log
    "src/kimp/cli/terminal.py",  # tables, errors, JSON
    "src/kimp/cli/__init__.py",  # flushes what the others wrote
}
RAW_CALLS = {
    "print",
    "print_exc",
    "typer.echo",
    "typer.secho",
    "typer.confirm",
    "typer.prompt",
    "rich.print",
    "input",
    "Console",
}
STREAMS = {"sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__"}
ASKS_ONLY = {"isatty"}


def test_nothing_writes_to_a_terminal_past_the_writers() -> None:
    found = [
        f"{name}:{line} {what}" for name, tree in trees() if name not in WRITERS for line, what in _raw_outputs(tree)
    ]
    assert not found, "write by kimp.cli.terminal, kimp.observability.clean.say or the log"


def test_what_is_forbidden_is_found() -> None:
    wrong = """
print(text)
typer.echo(text)
console = Console(stderr=True)
sys.stdout.write(text)
out = sys.stderr
traceback.print_exc()
sys.exit(f"no such coin: {text}")
"""
    right = """
console.print(text)
sys.stdout.isatty()
sys.exit(130)
sys.exit(clean(text))
"""
    assert len(list(_raw_outputs(ast.parse(wrong)))) == 7
    assert not list(_raw_outputs(ast.parse(right)))


def _raw_outputs(tree: ast.Module) -> Iterator[tuple[int, str]]:
    asked = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in ASKS_ONLY}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node) in STREAMS and id(node) not in asked:
            yield node.lineno, ast.unparse(node)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called in RAW_CALLS or called.endswith(".print_exc") or _exits_with_raw_text(called, node):
                yield node.lineno, called


def _exits_with_raw_text(called: str, node: ast.Call) -> bool:
    """Python writes it on standard error."""
    if called not in {"sys.exit", "SystemExit"} or not node.args:
        return False
    text = node.args[0]
    cleaned = isinstance(text, ast.Call) and ast.unparse(text.func) == "clean"
    return not (cleaned or (isinstance(text, ast.Constant) and isinstance(text.value, int)))
