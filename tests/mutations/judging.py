"""Does a test notice this break? The quick tests that reach it first, until one fails."""

import os
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue

from mutations.breaks import Break
from mutations.reach import Reach, Unmeasured
from mutations.standby import ELSEWHERE, PASSED, UNCOLLECTED, Run, Standby
from mutations.trees import HUNG, pytest

STARTING_S = 60
SLOWER = 5
"""How many times slower than measured tests may be before they hang."""


class Verdict(StrEnum):
    KILLED = "killed"
    TIMEOUT = "timeout"
    SURVIVED = "survived"
    UNREACHED = "unreached"
    """No test of this rung runs the line."""


@dataclass(frozen=True, slots=True)
class Judged:
    verdict: Verdict
    by: str
    """The test that failed."""
    seconds: float


@dataclass(frozen=True, slots=True)
class Place:
    """A tree that is broken, tested, and mended."""

    tree: Path
    loaded: Standby
    """With the unbroken tree's code and tests."""
    bare: Standby


class Judges:
    """As many places as runs at a time."""

    def __init__(self, unbroken: Path, folders: tuple[str, ...], patience_s: float) -> None:
        self._unbroken, self._patience_s = unbroken, patience_s
        self._places = [self._place(number, folders) for number in range(os.cpu_count() or 1)]
        self._free: SimpleQueue[Place] = SimpleQueue()
        for place in self._places:
            place.loaded.wait()
            place.bare.wait()
            self._free.put(place)
        self.pool = ThreadPoolExecutor(len(self._places))

    def _place(self, number: int, folders: tuple[str, ...]) -> Place:
        tree = self._unbroken.with_name(f"tree-{number}")
        shutil.copytree(self._unbroken, tree, dirs_exist_ok=True)
        return Place(tree, Standby(tree, folders), Standby(tree))

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        for place in self._places:
            place.loaded.close()
            place.bare.close()

    def judge(self, one: Break, reach: Reach) -> Judged:
        begun = time.monotonic()
        tests = reach.tests(one, self._patience_s)
        place = self._free.get()
        try:
            verdict, by = self._judge(place, one, reach, tests)
        finally:
            self._free.put(place)
        return Judged(verdict, by, time.monotonic() - begun)

    def _judge(self, place: Place, one: Break, reach: Reach, tests: list[str]) -> tuple[Verdict, str]:
        within_s = STARTING_S + SLOWER * sum(reach.seconds[test] for test in tests)
        while tests:
            code, failed = self._with(place, one, reach, Run(tests, within_s))
            if code == PASSED:
                return Verdict.SURVIVED, ""
            if code == UNCOLLECTED:
                self._require_collectable(tests)
                return Verdict.KILLED, "at import"
            # What waits may fail by itself on a busy machine, which proves nothing.
            asked = [failed] if failed else tests
            if failed and reach.seconds[failed] < 1:
                return Verdict.KILLED, failed
            unbroken, failed_unbroken = place.loaded.run(Run(asked, within_s))
            if unbroken == PASSED:
                return (Verdict.KILLED, failed) if failed else (Verdict.TIMEOUT, "")
            if unbroken == HUNG:
                within_s *= 2
            else:
                tests = [test for test in tests if test != failed_unbroken]
        return Verdict.UNREACHED, ""

    def _with(self, place: Place, one: Break, reach: Reach, run: Run) -> tuple[int, str]:
        file = place.tree / one.file
        try:
            file.write_text(one.code)
            if not reach.at_import(one):
                here = Run(run.tests, run.within_s, str(file), one.tree.code, one.code)
                code, failed = place.loaded.run(here)
                if code != ELSEWHERE:
                    return code, failed
            return place.bare.run(run)
        finally:
            shutil.copy2(self._unbroken / one.file, file)

    def _require_collectable(self, tests: list[str]) -> None:
        code, output = pytest(self._unbroken, "--collect-only", "-q", *tests, within_s=10 * STARTING_S)
        if code:
            raise Unmeasured(f"these tests cannot be named again, so nothing is known of a break:\n{output[-2000:]}")
