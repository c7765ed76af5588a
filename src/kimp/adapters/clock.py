"""The machine's clocks."""

import time

STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Nobody sets it, and where the system has it, it goes on while the machine sleeps: then nothing old looks fresh."""


class SystemClock:
    """The operating system's; NTP keeps the wall clock right."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        return time.clock_gettime_ns(STEADY) // 1_000_000
