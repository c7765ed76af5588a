"""The search for an input that breaks a target: known ones are changed, what takes a new way is changed further."""

import random
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

from fuzz import trees
from fuzz.mutation import mutated
from fuzz.target import Broken, Target, measured, trial

SLICE_S = 0.25
"""Of one target before it is the next one's turn."""
MOST_KEPT = 1_000
SHRINK_S = 3.0
HEADROOM = 2 * 2**30
"""Bytes that the process may take beyond what it has: then a MemoryError tells, before the machine is in need."""


@dataclass
class Hunt:
    """What is known of one target."""

    target: Target
    draw: random.Random
    tried: int = 0
    inputs: list[bytes] = field(default_factory=list)
    signs: set[str] = field(default_factory=set)
    found: tuple[bytes, Broken] | None = None

    def begin(self) -> None:
        for path in self.target.corpus():
            self.inputs.append(path.read_bytes())
            self._try(self.inputs[-1])

    def go_on(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while self.found is None and time.monotonic() < until:
            # The newest ways are the least explored.
            recent = self.inputs[-20:] if self.draw.random() < 0.3 else self.inputs
            data = mutated(self.draw.choice(recent), self.draw.choice(self.inputs), self.draw)
            if self._try(data) and len(self.inputs) < MOST_KEPT:
                self.inputs.append(data)

    def _try(self, data: bytes) -> bool:
        """Whether it took a new way."""
        self.tried += 1
        try:
            sign = trial(self.target, data)
            if sign in self.signs:
                return False
            self.signs.add(sign)
            measured(self.target, data)
        except Broken as broken:
            self.found = (shrunk(self.target, data, broken), broken)
            return False
        return True


def hunt(targets: Sequence[Target], seconds: float, seed: int) -> list[Hunt]:
    """All targets in turns, until the time is over."""
    _bound_memory()
    hunts = [Hunt(target, random.Random(f"{seed} {target.name}")) for target in targets]
    until = time.monotonic() + seconds
    for each in hunts:
        each.begin()
    while time.monotonic() < until and any(each.found is None for each in hunts):
        for each in hunts:
            each.go_on(min(SLICE_S, seconds / len(hunts), max(0.0, until - time.monotonic())))
    return hunts


def shrunk(target: Target, data: bytes, broken: Broken) -> bytes:
    """A smaller input that breaks the same promise."""
    until = time.monotonic() + SHRINK_S
    smaller: bytes | None = data
    while smaller is not None:
        data = smaller
        tries = takewhile(lambda _: time.monotonic() < until, _smaller(data))
        smaller = next((less for less in tries if _breaks_alike(target, less, broken)), None)
    return data


def _breaks_alike(target: Target, data: bytes, broken: Broken) -> bool:
    try:
        measured(target, data)
    except Broken as other:
        return str(other).split()[0] == str(broken).split()[0]
    return False


def _smaller(data: bytes) -> Iterator[bytes]:
    with suppress(ValueError, RecursionError):
        yield from trees.without_one(data)
    length = len(data) // 2
    while length:
        for start in range(0, len(data), length):
            yield data[:start] + data[start + length :]
        length //= 2


def keep(target: Target, data: bytes) -> Path:
    """In the corpus, where the ordinary tests try it from now on."""
    path = target.folder / f"found-{sha256(data).hexdigest()[:8]}"
    path.write_bytes(data)
    return path


def _bound_memory() -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if Path("/proc/self/statm").exists() else None
    if pages is not None:
        most = pages * resource.getpagesize() + HEADROOM
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
