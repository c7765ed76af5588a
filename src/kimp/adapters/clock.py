"""The wall clock."""

import time


class SystemClock:
    """Epoch milliseconds from the operating system; the machine keeps it right by NTP."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000
