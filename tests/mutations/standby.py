"""pytest that waits for work: what takes it seconds to load is loaded once, and each run is a process of its own."""

import gc
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from types import FunctionType

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
WORDS = ("-q", "--tb=no", "-p", "no:cacheprovider", "--timeout=60")


@dataclass(frozen=True, slots=True)
class Run:
    tests: list[str]
    within_s: float
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
                bound_to_this_process([sys.executable, "-m", "mutations.standby", str(there.fileno()), *folders]),
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

    def run(self, run: Run) -> tuple[int, str]:
        """What came of it, and the first test that failed."""
        self._line.send(run)
        answer: tuple[int, str] = self._line.recv()
        return answer

    def close(self) -> None:
        self._line.close()
        self._process.wait()


class FirstFailure:
    test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.test = self.test or report.nodeid


class Collected(FirstFailure):
    """In the place of pytest's loop over the tests."""

    def __init__(self, line: Connection) -> None:
        self._line = line

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        functions = functions_by_file()
        gc.freeze()  # or each run would copy the whole memory by looking through it
        _serve(self._line, lambda run: self._run(items, functions, run))
        return True

    def _run(
        self, items: Mapping[str, pytest.Item], functions: Mapping[str, Sequence[FunctionType]], run: Run
    ) -> tuple[int, str]:
        if run.file:
            try:
                put_in_place(functions.get(run.file, ()), run.file, run.before, run.after)
            except NotInPlace:
                return ELSEWHERE, ""
        asked = [items[test] for test in run.tests]
        for item, following in zip(asked, [*asked[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self.test:
                return FAILED, self.test
        return PASSED, ""


def _run_anew(run: Run) -> tuple[int, str]:
    first = FirstFailure()
    code = pytest.main(["-x", *WORDS, *run.tests], plugins=[first])
    if code == pytest.ExitCode.OK:
        return PASSED, ""
    return (FAILED, first.test) if first.test else (UNCOLLECTED, "")


def _serve(line: Connection, work: Callable[[Run], tuple[int, str]]) -> None:
    line.send(True)  # noqa: FBT003 - ready
    with suppress(EOFError):
        while True:
            run: Run = line.recv()
            line.send(_in_a_fork(lambda run=run: work(run), run.within_s))  # type: ignore[misc]


def _in_a_fork(work: Callable[[], tuple[int, str]], within_s: float) -> tuple[int, str]:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            code, test = work()
            os.write(writing, f"{code} {test}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    told, _, _ = select.select([reading], [], [], within_s)
    answer = os.read(reading, 10_000).decode() if told else ""
    os.close(reading)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # with the servers that it started
    os.waitpid(child, 0)
    told_code, _, test = answer.partition(" ")
    return int(told_code or HUNG), test


def main(line: Connection, folders: list[str]) -> None:
    if folders:
        pytest.main([*WORDS, *folders], plugins=[Collected(line)])
        return
    for library in LIBRARIES:
        import_module(library)
    _serve(line, _run_anew)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), sys.argv[2:])
