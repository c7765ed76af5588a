"""What kimp's processes warn of in their logs, for whoever watches them."""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

KEPT = 200
LEVELS = {"warning", "error", "critical"}
ROTATED = ".old.log"
MOST_BYTES = 1_000_000
"""Of one file at one look: what a process writes beyond that is in its log."""


@dataclass(frozen=True, slots=True)
class Alert:
    """A line that somebody should see; said again by the same process, it is counted."""

    at_ms: int
    process: str
    text: str
    times: int = 1


class Alerts:
    """The latest ones, of the log files in a folder and of whoever tells something by hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._kept: deque[Alert] = deque(maxlen=KEPT)

    @property
    def latest(self) -> Sequence[Alert]:
        """Latest first."""
        return tuple(reversed(self._kept))

    def add(self, alert: Alert) -> None:
        for earlier in self._kept:
            if (earlier.process, earlier.text) == (alert.process, alert.text):
                self._kept.remove(earlier)
                alert = replace(alert, times=earlier.times + alert.times)
                break
        self._kept.append(alert)

    def look(self) -> None:
        """Read what the logs have more than at the last look. A file that can't be read says nothing."""
        for file in sorted(self._folder.glob("*.log")):
            if not file.name.endswith(ROTATED):
                for alert in _alerts(self._new_lines(file)):
                    self.add(alert)

    def _new_lines(self, file: Path) -> Iterator[bytes]:
        try:
            with file.open("rb") as log:
                size = file.stat().st_size
                begin = self._read.get(file, 0)
                begin = max(begin if begin <= size else 0, size - MOST_BYTES)  # a process that began anew: a new file
                log.seek(begin)
                text = log.read(size - begin)
        except OSError:
            return
        whole = text.rfind(b"\n") + 1  # a line that is being written is read at the next look
        self._read[file] = begin + whole
        yield from text[:whole].splitlines()


def _alerts(lines: Iterator[bytes]) -> Iterator[Alert]:
    for line in lines:
        if b'"level"' not in line:
            continue
        try:
            output = json.loads(line)
            if output["level"] in LEVELS:
                at = datetime.fromisoformat(output["time"]).astimezone(UTC)
                yield Alert(int(at.timestamp() * 1000), output["process"], output["message"])
        except (ValueError, KeyError, TypeError):  # not a line of ours
            continue
