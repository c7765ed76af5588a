"""The wrong lines under tests/mutations still fit today's sources and tests. `make mutants` runs them."""

import ast
from functools import cache

import pytest
from architecture.project import ROOT, tree_of
from mutations.mutant import Mutant, all_mutants

MUTANTS = all_mutants()
AT_LEAST = 100
SHIPPED = ("src/kimp/", "workflows/", "activities/", "initiator/", "feeder/")

each_mutant = pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)


def test_there_are_enough() -> None:
    assert len(MUTANTS) >= AT_LEAST


@cache
def functions_of(file: str) -> set[str]:
    tree = tree_of(ROOT / file)
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@each_mutant
def test_it_breaks_a_program_that_still_runs(mutant: Mutant) -> None:
    assert mutant.file.startswith(SHIPPED)
    source = (ROOT / mutant.file).read_text()
    broken = mutant.broken(source)
    assert broken != source
    ast.parse(broken)


@each_mutant
def test_the_test_that_catches_it_exists(mutant: Mutant) -> None:
    assert mutant.test_name in functions_of(mutant.test_file)


@pytest.mark.parametrize(
    ("where", "old"),
    [("f.py::A.f", "return 2"), ("f.py::B", "return 1"), ("f.py::f", "nothing of it")],
    ids=["another function", "no such name", "no such text"],
)
def test_a_wrong_line_that_does_not_stand_in_its_place_is_an_error(where: str, old: str) -> None:
    source = "class A:\n    def f(self):\n        return 1\n\ndef g():\n    return 2\n"
    with pytest.raises(ValueError, match=r"mutant: f\.py|there is no"):
        Mutant("mutant", "", where, old, "pass", "").broken(source)


def test_one_function_is_broken_wherever_it_stands() -> None:
    source = "def f():\n    return 1\n\ndef g():\n    return 1\n"
    assert Mutant("mutant", "", "f.py::g", "return 1", "return 2", "").broken(source) == (
        "def f():\n    return 1\n\ndef g():\n    return 2\n"
    )
