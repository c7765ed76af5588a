"""pytest that waits for work: what takes it seconds to load is loaded once, and each run is a process of its own."""

import gc
import os
import signal
import socket
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from threading import Timer
from types import FunctionType
from typing import NamedTuple

import pytest
from mutations.swapping import NotInPlace, functions_by_file, put_in_place
from mutations.trees import HUNG, bound_to_this_process, surroundings

PASSED, FAILED, ELSEWHERE, UNCOLLECTED = 0, 1, 2, 3
LOADING_S = 900
LIBRARIES = (
    "aiohttp.web",
    "aiosqlite",
    "ccxt.async_support",
    "hypothesis",
    "pydantic_settings",
    "pytest_asyncio.plugin",
    "redis.asyncio",
    "sqlalchemy.ext.asyncio",
    "temporalio.testing",
    "temporalio.worker",
)
"""That are slow to load, and that no break is of."""
WORDS = ("-q", "--tb=no", "-p", "no:cacheprovider", "--timeout=0")
START = "from mutations.standby import main; main()"
"""Not by `-m`, or what is sent over the line would be of a module that the other side does not know."""
LATE = "it took too long"


class Answer(NamedTuple):
    """What came of a run."""

    code: int
    failed: str = ""
    """The first test that failed."""
    why: str = ""
    """The first line of what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    tests: list[str]
    within_s: float
    one_test_s: float = 60
    file: str = ""
    """The broken one, if functions of it must be changed where they are loaded."""
    before: str = ""
    after: str = ""


class Standby:
    """With all tests below some folders of a tree, or with the libraries alone."""

    def __init__(self, tree: Path, folders: tuple[str, ...] = ()) -> None:
        here, there = socket.socketpair()
        self._line = Connection(here.detach())
        self._log = tree.parent / f"{tree.name}-{len(folders)}.log"
        path = f"{tree / 'tests'}:{surroundings(tree)['PYTHONPATH']}"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                bound_to_this_process([sys.executable, "-c", START, str(there.fileno()), *folders]),
                cwd=tree,
                env={**os.environ, **surroundings(tree), "PYTHONPATH": path},
                stdout=log,
                stderr=log,
                pass_fds=[there.fileno()],
                start_new_session=True,
            )
        there.close()

    def wait(self) -> None:
        try:
            if self._line.poll(LOADING_S) and self._line.recv():
                return
        except EOFError:
            pass
        raise TimeoutError(f"pytest is not ready: {self._log.read_text()[-2000:]}")

    def run(self, run: Run) -> Answer:
        self._line.send(run)
        answer: Answer = self._line.recv()
        return answer

    def close(self) -> None:
        self._line.close()
        self._process.wait()


class FirstFailure:
    """Ends the process, and with it whatever still waits, as soon as a test fails or takes too long."""

    def __init__(self) -> None:
        self.answer: Connection | None = None
        self.one_test_s = 0.0
        self._late: Timer | None = None

    def report(self, code: int, test: str = "", why: str = "") -> None:
        assert self.answer is not None
        self.answer.send(Answer(code, test, why))
        os._exit(0)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._late = Timer(self.one_test_s, self.report, (FAILED, nodeid, LATE))
        self._late.daemon = True
        self._late.start()

    def pytest_runtest_logfinish(self) -> None:
        if self._late is not None:
            self._late.cancel()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            crash = getattr(report.longrepr, "reprcrash", None)
            why = str(crash.message).partition("\n")[0] if crash else report.longreprtext.strip().rpartition("\n")[2]
            self.report(FAILED, report.nodeid, why if report.when == "call" else f"{report.when}: {why}")


class Collected(FirstFailure):
    """In the place of pytest's loop over the tests."""

    def __init__(self, line: Connection) -> None:
        super().__init__()
        self._line = line

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = _by_name(session.items)
        functions = functions_by_file()
        gc.freeze()  # or each run would copy the whole memory by looking through it
        _serve(self._line, self, lambda run: self._run(items, functions, run))
        return True

    def _run(
        self, items: Mapping[str, Sequence[pytest.Item]], functions: Mapping[str, Sequence[FunctionType]], run: Run
    ) -> int:
        if run.file:
            try:
                put_in_place(functions.get(run.file, ()), run.file, run.before, run.after)
            except NotInPlace:
                return ELSEWHERE
        if missing := [test for test in run.tests if test not in items]:
            self.report(UNCOLLECTED, missing[0], "there is no such test")
        asked = [item for test in run.tests for item in items[test]]
        for item, following in zip(asked, [*asked[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        return PASSED


def _by_name(items: Iterable[pytest.Item]) -> Mapping[str, Sequence[pytest.Item]]:
    """Without its parameters a name means all tests of them."""
    named: defaultdict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        for name in {item.nodeid, item.nodeid.partition("[")[0]}:
            named[name].append(item)
    return dict(named)


def _serve(line: Connection, first: FirstFailure, work: Callable[[Run], int]) -> None:
    line.send(True)  # noqa: FBT003 - ready
    with suppress(EOFError):
        while True:
            line.send(_in_a_fork(first, work, line.recv()))


def _in_a_fork(first: FirstFailure, work: Callable[[Run], int], run: Run) -> Answer:
    reading, first.answer = Pipe(duplex=False)
    first.one_test_s = run.one_test_s
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            first.report(work(run))
        finally:
            os._exit(1)
    first.answer.close()
    answer = Answer(HUNG, why=LATE)
    with suppress(EOFError):
        if reading.poll(run.within_s):
            answer = reading.recv()
    reading.close()
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # with the servers that it started
    os.waitpid(child, 0)
    return answer


def main() -> None:
    line, folders = Connection(int(sys.argv[1])), sys.argv[2:]
    if folders:
        pytest.main([*WORDS, *folders], plugins=[Collected(line)])
        return
    for library in LIBRARIES:
        import_module(library)
    first = FirstFailure()

    def run_anew(run: Run) -> int:
        code = pytest.main([*WORDS, *run.tests], plugins=[first])
        return PASSED if code == pytest.ExitCode.OK else UNCOLLECTED

    _serve(line, first, run_anew)
