"""How a break gets into modules that are loaded: all that was made of their functions does the other thing."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from mutations.swapping import NotInPlace, functions_by_file, put_in_place

CODE = """
from functools import wraps

LIMIT = 2

def twice(f):
    @wraps(f)
    def both(a):
        return f(a) + f(a)
    return both

@twice
def counted(a):
    return a + 1

class Thing:
    @property
    def size(self):
        return sum(one + 1 for one in range(LIMIT))
"""


@pytest.fixture
def loaded(tmp_path: Path) -> ModuleType:
    file = tmp_path / "loaded_once.py"
    file.write_text(CODE)
    spec = importlib.util.spec_from_file_location("loaded_once", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _put(loaded: ModuleType, changed: str) -> None:
    file = str(loaded.__file__)
    put_in_place(functions_by_file()[file], file, CODE, changed)


@pytest.mark.parametrize(
    ("line", "instead", "counted", "size"),
    [
        ("return a + 1", "return a - 1", 0, 3),
        ("return f(a) + f(a)", "return f(a) - f(a)", 0, 3),
        ("one + 1 for", "one - 1 for", 4, -1),
    ],
)
def test_what_was_made_of_a_function_does_the_other_thing(
    loaded: ModuleType, line: str, instead: str, counted: int, size: int
) -> None:
    assert (loaded.counted(1), loaded.Thing().size) == (4, 3)

    _put(loaded, CODE.replace(line, instead))

    assert (loaded.counted(1), loaded.Thing().size) == (counted, size)


@pytest.mark.parametrize(
    ("line", "instead"),
    [("LIMIT = 2", "LIMIT = 3"), ("@property", "@staticmethod"), ("f(a) + f(a)", "a")],
)
def test_what_is_made_at_import_or_closes_over_other_names_is_refused(
    loaded: ModuleType, line: str, instead: str
) -> None:
    with pytest.raises(NotInPlace):
        _put(loaded, CODE.replace(line, instead))
