"""The machine's clocks."""

import time


class SystemClock:
    """The operating system's; NTP keeps the wall clock right."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        return time.monotonic_ns() // 1_000_000
