"""Does a test notice this break? The quick tests that reach it first, until one fails."""

import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from mutations.breaks import Break
from mutations.reach import Reach, Unmeasured
from mutations.standby import ELSEWHERE, LATE, PASSED, UNCOLLECTED, Answer, Run, Standby
from mutations.trees import HUNG, pytest

T = TypeVar("T")

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
class Changed:
    """One file's text, before and after."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """A tree that is broken, tested, and mended."""

    tree: Path
    loaded: Standby
    """With the unbroken tree's code and tests."""
    bare: Standby

    def run(self, changed: Changed, run: Run, *, anew: bool = False) -> Answer:
        """The tests on the tree with the changed file. `anew`: modules are loaded anew, not changed where they are."""
        file = self.tree / changed.file
        try:
            file.write_text(changed.after)
            if not anew:
                answer = self.loaded.run(replace(run, file=str(file), before=changed.before, after=changed.after))
                if answer.code != ELSEWHERE:
                    return answer
            return self.bare.run(run)
        finally:
            file.write_text(changed.before)

    def wait(self) -> None:
        self.loaded.wait()
        self.bare.wait()

    def close(self) -> None:
        self.loaded.close()
        self.bare.close()


class Places:
    """As many as runs at a time, each a copy of the tree; their loaded pytest has collected the same tests."""

    def __init__(self, unbroken: Path, collected: tuple[str, ...]) -> None:
        self._all = [_place(unbroken, number, collected) for number in range(os.cpu_count() or 1)]
        self._free: SimpleQueue[Place] = SimpleQueue()
        for place in self._all:
            place.wait()
            self._free.put(place)
        self.pool = ThreadPoolExecutor(len(self._all))

    def do(self, work: Callable[[Place], T]) -> T:
        """In the next place that is free."""
        place = self._free.get()
        try:
            return work(place)
        finally:
            self._free.put(place)

    def close(self) -> None:
        self.pool.shutdown(wait=False, cancel_futures=True)
        for place in self._all:
            place.close()


def _place(unbroken: Path, number: int, collected: tuple[str, ...]) -> Place:
    tree = unbroken.with_name(f"tree-{number}")
    shutil.copytree(unbroken, tree, dirs_exist_ok=True)
    return Place(tree, Standby(tree, collected), Standby(tree))


class Judges:
    """Of one rung."""

    def __init__(self, unbroken: Path, folders: tuple[str, ...], patience_s: float) -> None:
        self._unbroken, self._patience_s = unbroken, patience_s
        self._places = Places(unbroken, folders)
        self.pool, self.close = self._places.pool, self._places.close

    def judge(self, one: Break, reach: Reach) -> Judged:
        begun = time.monotonic()
        tests = reach.tests(one, self._patience_s)
        verdict, by = self._places.do(lambda place: self._judge(place, one, reach, tests))
        return Judged(verdict, by, time.monotonic() - begun)

    def _judge(self, place: Place, one: Break, reach: Reach, tests: list[str]) -> tuple[Verdict, str]:
        within_s = STARTING_S + SLOWER * sum(reach.seconds[test] for test in tests)
        while tests:
            changed = Changed(one.file, one.tree.code, one.code)
            run = Run(tests, within_s)
            code, failed, why = place.run(changed, run, anew=reach.at_import(one))
            if code == PASSED:
                return Verdict.SURVIVED, ""
            if code == UNCOLLECTED:
                self._require_collectable(tests)
                return Verdict.KILLED, "at import"
            # What waits may fail by itself on a busy machine, which proves nothing.
            asked = [failed] if failed else tests
            if failed and why != LATE and reach.seconds[failed] < 1:
                return Verdict.KILLED, failed
            begun = time.monotonic()
            unbroken, failed_unbroken, _ = place.loaded.run(Run(asked, within_s))
            if failed and why == LATE and time.monotonic() - begun > run.one_test_s / SLOWER:
                tests = [test for test in tests if test != failed]
                continue
            if unbroken == PASSED:
                return (Verdict.KILLED, failed) if failed else (Verdict.TIMEOUT, "")
            if unbroken == HUNG:
                within_s *= 2
            else:
                tests = [test for test in tests if test != failed_unbroken]
        return Verdict.UNREACHED, ""

    def _require_collectable(self, tests: list[str]) -> None:
        code, output = pytest(self._unbroken, "--collect-only", "-q", *tests, within_s=10 * STARTING_S)
        if code:
            raise Unmeasured(f"these tests cannot be named again, so nothing is known of a break:\n{output[-2000:]}")
