"""Counting requests against a limit."""

from kimp.ports.clock import Clock


class RequestCounter:
    """At most `limit` units in each fixed window of `seconds`."""

    def __init__(self, limit: int, seconds: int, clock: Clock) -> None:
        self.limit = limit
        self._span_ms = seconds * 1000
        self._clock = clock
        self._window = 0
        self.used = 0

    def spend(self, units: int = 1) -> bool:
        """False: over the limit. What was asked for in vain counts too, as on the real venues."""
        self._turn()
        self.used += units
        return self.used <= self.limit

    @property
    def left(self) -> int:
        self._turn()
        return max(self.limit - self.used, 0)

    @property
    def reset_s(self) -> int:
        """Whole seconds, at least one, until the next window begins."""
        return max(-(-(self._span_ms - self._clock.now_ms() % self._span_ms) // 1000), 1)

    def _turn(self) -> None:
        window = self._clock.now_ms() // self._span_ms
        if window != self._window:
            self._window, self.used = window, 0
