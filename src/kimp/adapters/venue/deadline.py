"""The instant after which a request must not leave this process any more.

Whoever sends an order may have been taken for dead meanwhile, and another attempt may have said that there is no such
order. So the last look at the clock comes when the connection is there and the first byte is about to be written:
neither our own limiter, nor a pool without a free connection, nor a slow handshake lets anything out late.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from kimp.domain.errors import NotSent
from kimp.domain.venues import Venue
from kimp.ports.clock import SteadyClock


class _Deadline:
    """By the steady clock alone: a wall clock that is set in between lets nothing out late and holds nothing back."""

    def __init__(self, venue: Venue, clock: SteadyClock, by_ms: int) -> None:
        self._venue = venue
        self._clock = clock
        self._by_ms = by_ms

    @property
    def left_s(self) -> float:
        return (self._by_ms - self._clock.steady_ms()) / 1000

    def check(self) -> None:
        """Raises NotSent once it has passed."""
        if self.left_s < 0:
            raise self.missed()

    def missed(self) -> NotSent:
        return NotSent("held back here: its time to leave had passed", venue=self._venue, code="not sent")


_deadline: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def sent_by(venue: Venue, clock: SteadyClock, by_ms: int) -> Iterator[None]:
    """Requests of this task that would leave after `by_ms` (of `clock.steady_ms`) raise NotSent instead."""
    token = _deadline.set(_Deadline(venue, clock, by_ms))
    try:
        yield
    finally:
        _deadline.reset(token)


async def in_time(wait: Awaitable[None]) -> None:
    """Wait, but not longer than the request may still leave. Raises NotSent."""
    deadline = _deadline.get()
    if deadline is None:
        await wait
        return
    try:
        async with asyncio.timeout(deadline.left_s):
            await wait
    except TimeoutError:
        raise deadline.missed() from None
    deadline.check()


def check_deadline() -> None:
    """Right before the first byte is written. Raises NotSent once it has passed."""
    deadline = _deadline.get()
    if deadline is not None:
        deadline.check()
