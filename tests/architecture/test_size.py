"""Nothing grows without a limit: a file, a function and a class must fit into one head."""

import ast
import warnings

from architecture.project import ROOT, modules, trees

MODULE_SOFT, MODULE_HARD = 250, 500
FUNCTION = 60
PUBLIC_METHODS = 15


def test_modules() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in modules()}
    for name, length in lengths.items():
        if length > MODULE_SOFT:
            warnings.warn(f"{name} has {length} lines, more than {MODULE_SOFT}: is it still one thing?", stacklevel=1)
    assert not {name: length for name, length in lengths.items() if length > MODULE_HARD}


def test_functions() -> None:
    too_long = [
        f"{name}:{node.lineno} {node.name} has {length} lines"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION
    ]
    assert not too_long


def test_classes() -> None:
    too_many = [
        f"{name}:{node.lineno} {node.name} has {count} public methods"
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        if (count := sum(_public_method(part) for part in node.body)) > PUBLIC_METHODS
    ]
    assert not too_many


def _public_method(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
