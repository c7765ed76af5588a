"""A part of `kimp up` that ends by itself comes back, later each time, unless it can't start."""

import asyncio

import pytest

from kimp.adapters.embedded.process import ServerFailed
from kimp.bootstrap.reviving import MOST_SHORT_LIVES, keep_alive
from kimp.domain.errors import BadConfig, KimpError


class Part:
    """Ends after so many looks, each time it is started; its time passes by looking and pausing."""

    def __init__(self, *lives: int, failure: type[KimpError] = ServerFailed) -> None:
        self._left = list(lives)
        self._failure = failure
        self.now_s = 0.0
        self.pauses: list[float] = []
        self.lines: list[str] = []

    def check(self) -> None:
        if self._left[0] == 0:
            raise self._failure("the worker server ended by itself with code 1")
        self._left[0] -= 1

    async def start(self) -> None:
        self._left.pop(0)
        if not self._left:
            raise asyncio.CancelledError

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        if seconds >= 1:
            self.pauses.append(seconds)

    async def kept_alive(self) -> None:
        await keep_alive("worker-1", self, self.start, self.lines.append, self.sleep, lambda: self.now_s)


async def test_it_is_started_again_after_growing_pauses_and_that_is_said() -> None:
    part = Part(3, 0, 0, 0)
    with pytest.raises(asyncio.CancelledError):
        await part.kept_alive()
    assert part.pauses == [1, 2, 4, 8]
    assert part.lines[1] == (
        "the worker server ended by itself with code 1; worker-1 is started again in 2 s, cycles wait meanwhile"
    )


async def test_one_that_ran_for_long_is_waited_for_briefly_again() -> None:
    part = Part(0, 0, 1_000, 0)
    with pytest.raises(asyncio.CancelledError):
        await part.kept_alive()
    assert part.pauses == [1, 2, 1, 2]


async def test_one_that_cannot_start_ends_everything() -> None:
    part = Part(*[0] * 100)
    with pytest.raises(ServerFailed):
        await part.kept_alive()
    assert len(part.pauses) == MOST_SHORT_LIVES - 1


async def test_one_that_refuses_its_configuration_is_not_tried_again() -> None:
    part = Part(0, 0, failure=BadConfig)
    with pytest.raises(BadConfig):
        await part.kept_alive()
    assert part.pauses == []
