"""Request limits as the venues publish them: so many units in any window of so many seconds.

Not ccxt's own limiter: its leaky bucket earns nothing while idle, so that a lone Upbit order waits 125 ms; its
rolling window is a minute long, so that it lets a burst through that a limit per second does not; and both follow
the wall clock, which may be set back.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `units` in any `seconds`, of one process."""

    units: int
    seconds: float


class Window:
    """Lets callers pass in the order in which they came, never faster than the limit."""

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._passed: deque[tuple[float, int]] = deque()
        self._used = 0
        self._turn = asyncio.Lock()

    async def take(self, cost: int = 1) -> None:
        """Return once `cost` units are free. A cost above the limit waits for an empty window."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            while self._passed and self._used + cost > self._limit.units:
                until = self._passed[0][0] + self._limit.seconds
                if (wait := until - loop.time()) > 0:
                    await asyncio.sleep(wait)
                    continue
                self._used -= self._passed.popleft()[1]
            self._passed.append((loop.time(), cost))
            self._used += cost


class Limiter:
    """One window per group of endpoints."""

    def __init__(self, limits: Mapping[str, Limit]) -> None:
        self._windows = {group: Window(limit) for group, limit in limits.items()}

    async def take(self, charges: Mapping[str, int]) -> None:
        for group, cost in charges.items():
            await self._windows[group].take(cost)
