"""The wrong patches under tests/mutations still fit today's sources and tests. `make mutants` runs them."""

import ast

import pytest
from architecture.project import ROOT
from mutations.mutant import Mutant, all_mutants

MUTANTS = all_mutants()
AT_LEAST = 24
SHIPPED = ("src/kimp/", "workflows/", "activities/", "initiator/")

each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= AT_LEAST


@each_mutant
def test_it_applies(mutant: Mutant) -> None:
    assert mutant.apply(ROOT, "--check") is None


@each_mutant
def test_it_changes_or_moves_one_line_of_what_is_shipped(mutant: Mutant) -> None:
    assert len(mutant.removed) == 1
    assert len(mutant.added) == 1
    files = [line[6:] for line in mutant.patch.read_text().splitlines() if line.startswith("+++ b/")]
    assert len(files) == 1
    assert files[0].startswith(SHIPPED)


@each_mutant
def test_the_test_that_catches_it_exists(mutant: Mutant) -> None:
    tree = ast.parse((ROOT / mutant.test_file).read_text())
    functions = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert mutant.test_name in functions
