"""Time, and the things that are due later."""

import asyncio
import heapq
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from kimp.ports.clock import Clock


class WallClock:
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class Agenda:
    """Calls to make at a time. `run` makes them on the event loop; tests call `run_due` with a time of their own."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = count()
        self._changed = asyncio.Event()

    def after(self, delay_ms: int, call: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (self._clock.now_ms() + delay_ms, next(self._order), call))
        self._changed.set()

    def run_due(self) -> int | None:
        """Make every call that is due; returns the milliseconds until the next one, None if there is none."""
        while self._heap:
            due = self._heap[0][0] - self._clock.now_ms()
            if due > 0:
                return due
            heapq.heappop(self._heap)[2]()
        return None

    async def run(self) -> None:
        while True:
            self._changed.clear()
            due_ms = self.run_due()
            # Not wait_for, which on Python 3.11 may swallow a cancellation that comes with its time-out.
            with suppress(TimeoutError):
                async with asyncio.timeout(None if due_ms is None else due_ms / 1000):
                    await self._changed.wait()
