"""`make mutants`: breaks kimp by one line at a time, and requires that the test named beside each break fails."""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from mutations.judging import Changed, Place, Places
from mutations.mutant import Mutant, all_mutants
from mutations.sample import judge_sample
from mutations.standby import FAILED, LATE, PASSED, Answer, Run
from mutations.trees import compiled, copy_checkout
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

BROKEN = ("SyntaxError", "ImportError", "ModuleNotFoundError", "NameError", "AttributeError", "TypeError")
"""How a test fails on a program that does not run, which proves nothing of the test."""
PROBLEMS = (*BROKEN, LATE, "setup: ", "teardown: ")
WITHIN_S = 300
"""One test, on a busy machine."""
WIDTH = 180
"""Of the table in a file."""

progress = Console(stderr=True, soft_wrap=True, highlight=False)


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
    tests = sorted({mutant.caught_by for mutant in mutants})
    with tempfile.TemporaryDirectory(prefix="kimp-mutants-") as folder:
        unbroken = Path(folder) / "unbroken"
        copy_checkout(unbroken)
        compiled(unbroken)
        places = Places(unbroken, tuple(sorted({mutant.test_file for mutant in mutants})))
        try:
            if not places.do(lambda place: _passes(place, tests)):
                return 1
            progress.print(f"{len(tests)} tests pass; now {len(mutants)} breaks")
            verdicts = list(places.pool.map(lambda mutant: places.do(lambda place: _judge(place, mutant)), mutants))
        finally:
            places.close()
    _report(verdicts)
    return 1 if any(verdict.survived for verdict in verdicts) else 0


def _passes(place: Place, tests: list[str]) -> bool:
    answer = place.loaded.run(Run(tests, len(tests) * WITHIN_S, WITHIN_S))
    if answer.code != PASSED:
        progress.print(f"[red]fails without any break:[/] {escape(answer.failed)} {escape(answer.why)}")
    return answer.code == PASSED


def _judge(place: Place, mutant: Mutant) -> Verdict:
    begun = time.monotonic()
    before = (place.tree / mutant.file).read_text()
    changed = Changed(mutant.file, before, mutant.broken(before))
    answer = place.run(changed, Run([mutant.caught_by], WITHIN_S, WITHIN_S))
    verdict = Verdict(mutant, _survived(answer), time.monotonic() - begun)
    progress.print(f"{'[red]survived' if verdict.survived else 'caught'} {mutant.name}")
    return verdict


def _survived(answer: Answer) -> str | None:
    if answer.code == PASSED:
        return "its test passes"
    if answer.code == FAILED and not answer.why.startswith(PROBLEMS):
        return None
    return answer.why or "its test cannot be collected"


def _report(verdicts: list[Verdict]) -> None:
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
