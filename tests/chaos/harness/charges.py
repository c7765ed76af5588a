"""Lays the charges that make processes kill themselves at a crash point, and sees which have gone off."""

import random
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from chaos.harness.matrix import Cell


class Charges:
    """Each cell once first, the slow ones from the start; then any of them again."""

    def __init__(self, folder: Path, wanted: Iterable[Cell], at_once: int, draw: random.Random) -> None:
        """`at_once`: others that may lie ready together."""
        folder.mkdir(parents=True)
        self.folder = folder
        self.hits: Counter[Cell] = Counter()
        self.wanted = sorted(wanted)
        self._at_once = at_once
        self._draw = draw
        self._lying: set[Cell] = set()
        draw.shuffle(self.wanted)

    @property
    def missing(self) -> list[Cell]:
        return sorted(cell for cell in self.wanted if not self.hits[cell])

    def lay(self) -> None:
        """What should lie ready by now."""
        missing = self.missing
        for cell in missing:
            if cell.slow:
                self._put(cell)
        common, at_once = [cell for cell in missing if cell not in self._lying], self._at_once
        if not missing:  # each has been hit: any of them again, one at a time
            common, at_once = [cell for cell in self.wanted if cell not in self._lying], 1
        room = at_once - sum(1 for cell in self._lying if not cell.slow)
        for cell in self._draw.sample(common, max(0, min(room, len(common)))):
            self._put(cell)

    def look(self) -> list[Cell]:
        """Those that have gone off since."""
        gone = [cell for cell in self._lying if not self._file(cell).exists()]
        self._lying.difference_update(gone)
        self.hits.update(gone)
        return gone

    def clear(self, *, but_last: bool = False) -> None:
        """No more of them; one that a process takes at this very moment still counts.

        `but_last`: those that can be hit after the faults alone, and were not yet, go on lying there.
        """
        for cell in list(self._lying):
            if but_last and cell.last:
                continue
            try:
                self._file(cell).unlink()
            except FileNotFoundError:
                continue
            self._lying.discard(cell)
        self.look()

    def _put(self, cell: Cell) -> None:
        if cell not in self._lying:
            self._file(cell).touch()
            self._lying.add(cell)

    def _file(self, cell: Cell) -> Path:
        return self.folder / str(cell)
