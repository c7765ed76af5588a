"""What differs between venues stands in one table, and in the packages that speak to each."""

import ast

from architecture.project import trees

TABLE = "src/kimp/domain/venues.py"
USE_TO_ONE = ("src/kimp/adapters/upbit/", "src/kimp/adapters/binance/", "src/kimp/paper/")
NAMES = {"UPBIT", "BINANCE", "TO_UPBIT", "TO_BINANCE"}


def test_no_other_module_names_a_venue() -> None:
    named = [
        f"{file}:{node.lineno}: {node.attr}"
        for file, tree in trees()
        if file != TABLE and not file.startswith(USE_TO_ONE)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in NAMES
    ]
    assert named == [], f"ask the venue instead, see {TABLE}"
