"""Time, so that tests can hold it."""

from typing import Protocol


class Clock(Protocol):
    def now_ms(self) -> int:
        """Epoch milliseconds."""
        ...


class SteadyClock(Clock, Protocol):
    def steady_ms(self) -> int:
        """Milliseconds of a clock that nobody sets, for what one process waits: only differences mean something."""
        ...
