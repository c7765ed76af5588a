"""`make mutants`: breaks kimp by one line at a time, and requires that the test named beside each break fails."""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from mutations.mutant import Mutant, all_mutants
from mutations.sample import judge_sample
from mutations.trees import copy_checkout, surroundings
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

BROKEN = ("SyntaxError", "ImportError", "ModuleNotFoundError", "NameError", "AttributeError", "TypeError")
"""How a test fails on a program that does not run, which proves nothing of the test."""
HUNG = "Failed: Timeout"
WIDTH = 180
"""Of the table in a file."""

progress = Console(stderr=True, soft_wrap=True, highlight=False)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run of tests."""

    ran: int
    failures: tuple[str, ...]
    """What each failed test says."""
    problem: str | None
    """Why the run proves nothing: a test that could not be collected, set up or ended."""

    @property
    def passed(self) -> bool:
        return self.ran > 0 and not self.failures and self.problem is None


@dataclass(frozen=True, slots=True)
class Verdict:
    mutant: Mutant
    survived: str | None
    """Why it does not count as caught, or None."""
    seconds: float


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("words", nargs="*", help="only those whose names contain one of these")
    parser.add_argument("--sample", type=int, metavar="N", help="in their place N breaks that are drawn")
    parser.add_argument("--seed", type=int, default=1, help="of the draw")
    parser.add_argument("--patience", type=float, default=60.0, metavar="S", help="seconds of tests for a drawn break")
    chosen = parser.parse_args(arguments)
    if chosen.sample:
        return judge_sample(chosen.sample, chosen.seed, chosen.patience)
    return judge_handmade(chosen.words)


def judge_handmade(words: list[str]) -> int:
    """Those whose name contains one of the words, else all. 0 if every one was caught."""
    mutants = [m for m in all_mutants() if not words or any(word in m.name for word in words)]
    with tempfile.TemporaryDirectory(prefix="kimp-mutants-") as folder:
        sources = Path(folder) / "unbroken"
        copy_checkout(sources)
        tests = sorted({mutant.caught_by for mutant in mutants})
        unbroken = _run(sources, tests)
        if not unbroken.passed:
            progress.print("[red]these fail without any break:[/]")
            progress.print(*(unbroken.failures or [unbroken.problem]), sep="\n", markup=False)
            return 1
        progress.print(f"{len(tests)} tests pass; now {len(mutants)} breaks")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            verdicts = list(pool.map(lambda mutant: _judge(mutant, sources), mutants))
    _tell(verdicts)
    return 1 if any(verdict.survived for verdict in verdicts) else 0


def _judge(mutant: Mutant, sources: Path) -> Verdict:
    begun = time.monotonic()
    broken = sources.with_name(mutant.name)
    shutil.copytree(sources, broken)  # with what Python has compiled of it
    mutant.apply(broken)
    outcome = _run(broken, [mutant.caught_by])
    survived = "its test passes" if outcome.passed else outcome.problem
    shutil.rmtree(broken)
    verdict = Verdict(mutant, survived, time.monotonic() - begun)
    progress.print(f"{'[red]survived' if survived else 'caught'} {mutant.name}")
    return verdict


def _run(tree: Path, tests: list[str]) -> Outcome:
    report = tree / "report.xml"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junit-xml={report}", *tests],
        cwd=tree,
        env={**os.environ, **surroundings(tree)},
        capture_output=True,
        check=False,
        text=True,
    )
    # Without a report, or with an empty one: nothing was found to run, and pytest says why.
    cases = list(ET.parse(report).iter("testcase")) if report.exists() else []  # noqa: S314 - pytest's own
    if not cases:
        return Outcome(0, (), f"{done.stdout[-500:]}{done.stderr[-500:]}".strip())
    failures = tuple(f"{case.get('name')}: {_first_line(what)}" for case in cases for what in case.iter("failure"))
    said = [_first_line(what) for case in cases for what in case.iter("failure")]
    problems = [_first_line(what) for case in cases for kind in ("error", "skipped") for what in case.iter(kind)]
    problems += [line for line in said if line.startswith((*BROKEN, HUNG))]
    return Outcome(len(cases), failures, problems[0] if problems else None)


def _first_line(failure: ET.Element) -> str:
    return (failure.get("message") or "").partition("\n")[0]


def _tell(verdicts: list[Verdict]) -> None:
    table = Table("mutant", "breaks", Column("caught by", overflow="fold"), Column("s", justify="right"))
    for verdict in verdicts:
        test = escape(verdict.mutant.caught_by.replace("tests/", "", 1))
        caught_by = f"[red]NOT CAUGHT: {escape(verdict.survived)}[/]\n{test}" if verdict.survived else test
        table.add_row(verdict.mutant.name, verdict.mutant.breaks, caught_by, f"{verdict.seconds:.0f}")
    console = Console()
    if not console.is_terminal:
        console.width = WIDTH
    console.print(table)
    caught = sum(verdict.survived is None for verdict in verdicts)
    console.print(f"{caught} of {len(verdicts)} caught")


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        progress.print("ended; a sample goes on from here when it is asked for again")
        os._exit(130)  # without waiting for the tests that run, which end with this process
