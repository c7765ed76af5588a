"""The domain is exact and, like the workflows that call it, replays: no floats, no clock, no chance, no environment."""

import ast
from collections.abc import Iterator

import pytest
from architecture.project import trees

IMPURE_MODULES = {"os", "random", "secrets", "socket", "subprocess", "threading", "time", "uuid"}
IMPURE_CALLS = {
    "asyncio.as_completed",  # order by hash; Temporal has its own
    "asyncio.wait",
    "date.today",
    "datetime.now",
    "datetime.today",
    "datetime.utcnow",
    "getcontext",  # differs from thread to thread
    "open",
}

SAVES_THE_AMBIENT_CONTEXT = ("src/kimp/domain/money.py", "getcontext()")
"""`exact` puts it back after computing in kimp's own."""


def test_the_domain_holds_no_float() -> None:
    found = [
        f"{name}:{node.lineno}"
        for name, tree in trees("src/kimp/domain")
        for node in ast.walk(tree)
        if isinstance(node, ast.expr) and _is_float(node)
    ]
    assert not found


@pytest.mark.parametrize("folder", ["src/kimp/domain", "src/kimp/contracts", "workflows"])
def test_replayed_code_reads_no_clock_environment_or_chance(folder: str) -> None:
    found = [
        f"{name}:{line} {what}"
        for name, tree in trees(folder)
        for line, what in (*_imports(tree), *_calls(tree))
        if (name, what) != SAVES_THE_AMBIENT_CONTEXT
    ]
    assert not found


def _is_float(node: ast.expr) -> bool:
    """A literal or a conversion; `isinstance(x, float)`, to refuse one, is welcome."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func) == "float"
    return isinstance(node, ast.Constant) and isinstance(node.value, float)


def _imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        for name in names:
            if name.split(".")[0] in IMPURE_MODULES:
                yield node.lineno, f"import {name}"


def _calls(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            dotted = ast.unparse(node.func)
            if any(dotted == name or dotted.endswith(f".{name}") for name in IMPURE_CALLS):
                yield node.lineno, f"{dotted}()"
