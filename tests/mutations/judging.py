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
from mutations.reach import FAILED, Reach, Unmeasured
from mutations.trees import HUNG, pytest

STARTING_S = 60
SLOWER = 5
"""How many times slower than measured tests may be before they hang."""
ONE_TEST_S = 60


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


class Judges:
    """As many trees as runs at a time: each is broken, tested, and mended."""

    def __init__(self, unbroken: Path, patience_s: float) -> None:
        self._unbroken, self._patience_s = unbroken, patience_s
        self._trees: SimpleQueue[Path] = SimpleQueue()
        self.pool = ThreadPoolExecutor(os.cpu_count())
        for number in range(os.cpu_count() or 1):
            tree = unbroken.with_name(f"tree-{number}")
            shutil.copytree(unbroken, tree)
            self._trees.put(tree)

    def judge(self, one: Break, reach: Reach) -> Judged:
        begun = time.monotonic()
        tests = reach.tests(one, self._patience_s)
        verdict, by = self._run(one, reach, tests)
        return Judged(verdict, by, time.monotonic() - begun)

    def _run(self, one: Break, reach: Reach, tests: list[str]) -> tuple[Verdict, str]:
        if not tests:
            return Verdict.UNREACHED, ""
        tree = self._trees.get()
        try:
            (tree / one.file).write_text(one.code)
            code, output = _tests(tree, tests, reach)
        finally:
            shutil.copy2(self._unbroken / one.file, tree / one.file)
            self._trees.put(tree)
        if code == 0:
            return Verdict.SURVIVED, ""
        if code == HUNG:
            return Verdict.TIMEOUT, ""
        failed = next((test for test in FAILED.findall(output) if test in reach.seconds), None)
        if failed is None:  # none of them even began
            self._require_collectable(tests)
            return Verdict.KILLED, output.strip().rpartition("\n")[2]
        if self._passes_unbroken(failed, reach):
            return Verdict.KILLED, failed
        return self._run(one, reach, [test for test in tests if test != failed])

    def _passes_unbroken(self, test: str, reach: Reach) -> bool:
        """What waits may fail by itself on a busy machine, which proves nothing."""
        if reach.seconds[test] < 1:
            return True
        code, _ = _tests(self._unbroken, [test], reach)
        return code == 0

    def _require_collectable(self, tests: list[str]) -> None:
        code, output = pytest(self._unbroken, "--collect-only", "-q", *tests, within_s=STARTING_S)
        if code:
            raise Unmeasured(f"these tests cannot be named again, so nothing is known of a break:\n{output[-2000:]}")


def _tests(tree: Path, tests: list[str], reach: Reach) -> tuple[int, str]:
    within_s = STARTING_S + SLOWER * sum(reach.seconds[test] for test in tests)
    return pytest(tree, "-x", "-q", "--tb=no", f"--timeout={ONE_TEST_S}", *tests, within_s=within_s)
