"""Which tests reach which lines, measured once per rung and state of the checkout."""

import ast
import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain, zip_longest
from pathlib import Path

from architecture.project import ROOT
from coverage import CoverageData
from mutations.breaks import PACKAGES, Break
from mutations.trees import pytest

RUNGS = {
    "fast": ("tests/unit", "tests/property", "tests/contract"),
    "replay": ("tests/replay",),
    "databases": ("-m", "exchanged", "tests/integration"),
    "workflow": ("tests/workflow",),
}
"""Judged in this order. Tests of whole systems run other processes, in which nothing is measured."""
MEASURING_S = 3 * 3600
QUICK_S = 0.2
FILES_ANEW = 8
FILES_NAMING = 4
SETTINGS = """
[run]
relative_files = true
concurrency = thread, greenlet
include = {files}
"""
TIMED = re.compile(r"^(\d+\.\d+)s (?:setup|call|teardown) +(.+?)\s*$", re.MULTILINE)
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


class Unmeasured(Exception):
    """The tests of the unbroken checkout did not run to their end."""


@dataclass(frozen=True)
class Reach:
    """Of one rung."""

    data: CoverageData
    seconds: dict[str, float]
    """By node id, of the tests that pass."""
    root: Path = ROOT

    def tests(self, one: Break, patience_s: float) -> list[str]:
        """All that take next to no time, then the others in turns of their files; no more than what takes this long."""
        reaching = sorted(self._reaching(one), key=lambda test: (self.seconds[test], test))
        quick = [test for test in reaching if self.seconds[test] < QUICK_S]
        return list(_within([*quick, *_in_turns(reaching[len(quick) :])], self.seconds, patience_s))

    def at_import(self, one: Break) -> bool:
        """Before any test."""
        return "" in self._contexts(one)

    def _reaching(self, one: Break) -> set[str]:
        contexts, naming = self._contexts(one), set[str]()
        if "" in contexts:  # whoever uses the module may notice
            contexts = self._closest(self._users(lambda file: file == one.file) or self._users(beside(one.file)))
            naming = self._naming(module_of(one.file))
        return ({context.rpartition("|")[0] for context in contexts} | naming) & self.seconds.keys()

    def _users(self, counts: Callable[[str], bool]) -> Counter[str]:
        """And how many lines each of them runs."""
        lines = [self.data.contexts_by_lineno(file).values() for file in self.data.measured_files() if counts(file)]
        users = Counter(chain.from_iterable(chain.from_iterable(lines)))
        del users[""]
        return users

    def _closest(self, users: Counter[str]) -> set[str]:
        """Of the few files of tests that run most of the module, as each that is loaded anew takes its time."""
        files: Counter[str] = Counter()
        for context, lines in users.items():
            files[file_of(context)] = max(lines, files[file_of(context)])
        closest = {file for file, _ in files.most_common(FILES_ANEW)}
        return {context for context in users if file_of(context) in closest}

    def _naming(self, module: str) -> set[str]:
        """Tests of the few files that name the module beside the fewest others: one of a table, or of values, runs few
        lines of it, or none.
        """
        named = {file: imported(self.root / file) for file in {file_of(test) for test in self.seconds}}
        naming = sorted((file for file in named if module in named[file]), key=lambda file: (len(named[file]), file))
        return {test for test in self.seconds if file_of(test) in naming[:FILES_NAMING]}

    def _contexts(self, one: Break) -> set[str]:
        contexts = self.data.contexts_by_lineno(one.file)
        return set(chain.from_iterable(contexts.get(line, ()) for line in one.lines))


def file_of(test: str) -> str:
    return test.partition("::")[0]


def module_of(file: str) -> str:
    return file.removeprefix("src/").removesuffix(".py").replace("/", ".")


@cache
def imported(file: Path) -> frozenset[str]:
    """The modules that it names, and names of them."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            names |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return frozenset(names)


def beside(file: str) -> Callable[[str], bool]:
    """Is it in the same folder? For a module without a function, such as that of the tables."""
    folder = file.rpartition("/")[0]
    return lambda other: other.rpartition("/")[0] == folder


def measured(rung: str, tree: Path, folder: Path) -> Reach:
    data, report = folder / f"{rung}.coverage", folder / f"{rung}.txt"
    if not report.exists():
        report.write_text(_measure(rung, tree, data))
    output = report.read_text()
    seconds: dict[str, float] = defaultdict(float)
    for took, test in TIMED.findall(output):
        seconds[test] += float(took)
    for test in FAILED.findall(output):
        seconds.pop(test, None)
    if not seconds:  # such as where two processes did not collect the same tests
        raise Unmeasured(f"{rung}: no test passed\n{output[-2000:]}")
    coverage = CoverageData(str(data))
    coverage.read()
    return Reach(coverage, dict(seconds))


def _measure(rung: str, tree: Path, data: Path) -> str:
    settings = tree / "coverage.ini"
    files = ", ".join(f"{folder}/*" for folder in PACKAGES.values())
    settings.write_text(SETTINGS.format(files=files) + f"data_file = {data}\n")
    words = ("--cov", f"--cov-config={settings}", "--cov-context=test", "--cov-report=", "--durations=0", "-vv")
    at_a_time = ("-n", str(os.cpu_count()), "--dist", "loadgroup")
    code, output = pytest(tree, *words, *at_a_time, "--tb=no", *RUNGS[rung], within_s=MEASURING_S)
    if code not in {0, 1}:  # all passed, or some failed: those judge nothing
        raise Unmeasured(f"{rung}: pytest ended with {code}\n{output[-2000:]}")
    return output


def _in_turns(tests: Iterable[str]) -> list[str]:
    files: dict[str, list[str]] = defaultdict(list)
    for test in tests:
        files[file_of(test)].append(test)
    return [test for test in chain.from_iterable(zip_longest(*files.values())) if test is not None]


def _within(tests: Iterable[str], seconds: dict[str, float], patience_s: float) -> Iterable[str]:
    for test in tests:
        patience_s -= seconds[test]
        if patience_s < 0:
            return
        yield test
