"""Loaded by each process of a run before any other code, by PYTHONPATH: two faults that nothing outside can make.

Its wall clock is off by the seconds that the file `clock-<pid>` tells, as long as it is there; steady clocks go on as
they were. While the file `read-only` is there, SQLite refuses each write with its own error, as the server of another
database does that a failover has made a reader. kimp knows nothing of either.
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

FOLDER = os.environ.get("CHAOS_SEAM")
LOOK_EVERY_S = 0.05


class _Clock:
    def __init__(self, offset: Path) -> None:
        self._offset = offset
        self._off_ns = 0
        self._look_at = 0.0
        self._real_ns = time.time_ns

    def time_ns(self) -> int:
        now = time.monotonic()
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            try:
                self._off_ns = int(self._offset.read_text()) * 1_000_000_000
            except (OSError, ValueError):
                self._off_ns = 0
        return self._real_ns() + self._off_ns

    def time(self) -> float:
        return self.time_ns() / 1e9


def _follow(read_only: Path) -> None:
    real: Any = sqlite3.connect

    class Connection(sqlite3.Connection):
        refuses = False

        def cursor(self, factory: Any = None) -> Any:
            if (now := read_only.exists()) is not self.refuses:
                super().cursor().execute(f"PRAGMA query_only = {int(now)}").close()
                self.refuses = now
            return super().cursor() if factory is None else super().cursor(factory)

    def connect(*args: Any, **kwargs: Any) -> Any:
        return real(*args, **{"factory": Connection, **kwargs})

    sqlite3.connect = connect


if FOLDER is not None:
    clock = _Clock(Path(FOLDER) / f"clock-{os.getpid()}")
    time.time_ns, time.time = clock.time_ns, clock.time
    _follow(Path(FOLDER) / "read-only")
