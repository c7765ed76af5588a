"""A traceback may be rendered at any moment: a finalizer that logs runs in the middle of whatever else is going on."""

import ast
import gc
import traceback
from collections.abc import Iterator

import pytest

PROGRAM = "rates = [read(each, {'XRP': (1, 2)}) for each in range(10)]\n" * 50


class Failing:
    """Garbage in a circle, whose end is told with a traceback, as an abandoned task's is."""

    ended = 0

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        Failing.ended += 1
        self._fail(depth=5)

    def _fail(self, depth: int) -> None:
        if depth:
            return self._fail(depth - 1)
        try:
            _ = len("one") + 1 / 0
        except ZeroDivisionError:
            traceback.format_exc()
        return None


@pytest.fixture
def collecting_often() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("collecting_often")
def test_a_traceback_in_a_finalizer_leaves_what_is_being_parsed_whole() -> None:
    """CPython 3.11 counts the depth of all parsing together, so pytest's own parsing failed now and then."""
    ended = Failing.ended
    for more in range(5):
        Failing()
        gc.set_threshold(50 + 20 * more, 1_000, 1_000)
        assert len(ast.parse(PROGRAM).body) == 50
    assert Failing.ended > ended
