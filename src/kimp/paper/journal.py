"""The outside truth: an append-only JSONL record of all that this exchange accepted, did and refused."""

import os
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from kimp.contracts.names import encode_name
from kimp.paper.amounts import plain
from kimp.ports.clock import Clock

TAIL_LENGTH = 5_000
"""Entries kept in memory for the admin listener."""


class PaperJournal:
    """One JSON object per line: `n` (running number), `ms` (epoch), `kind`, and the kind's own facts.

    Amounts are decimal strings. Secrets and signatures never enter; a request is named by its access key. Each
    line is one write to the file, so a killed process leaves no half of two lines mixed.
    """

    def __init__(self, clock: Clock, path: Path | None) -> None:
        self._clock = clock
        self._encoder = msgspec.json.Encoder(enc_hook=encode_name)
        self._tail: deque[dict[str, Any]] = deque(maxlen=TAIL_LENGTH)
        self.on_write: list[Callable[[str, dict[str, Any]], None]] = []
        self._next = 1
        self._file: int | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, kind: str, **facts: Any) -> None:
        entry = {"n": self._next, "ms": self._clock.now_ms(), "kind": kind}
        entry |= {name: plain(fact) if isinstance(fact, Decimal) else fact for name, fact in facts.items()}
        self._next += 1
        self._tail.append(entry)
        if self._file is not None:
            os.write(self._file, self._encoder.encode(entry) + b"\n")
        for listener in self.on_write:
            listener(kind, facts)

    def tail(self, limit: int, kind: str | None = None) -> list[dict[str, Any]]:
        """The latest entries, oldest first."""
        chosen: Iterable[dict[str, Any]] = (e for e in reversed(self._tail) if kind is None or e["kind"] == kind)
        return list(islice(chosen, limit))[::-1]

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
