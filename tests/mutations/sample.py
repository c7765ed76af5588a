"""`make mutants ARGS="--sample 400 --seed 1"`: breaks that nobody chose, each judged by the tests that reach it.

What was found is kept in `.mutants`, by the state of the checkout, so that a run that was ended goes on.
"""

import hashlib
import json
import tempfile
from collections import Counter
from pathlib import Path

from architecture.project import ROOT, tracked_files
from mutations.breaks import Break, all_breaks
from mutations.drawing import draw, equivalent
from mutations.judging import Judged, Judges, Verdict
from mutations.reach import RUNGS, measured
from mutations.trees import compiled, copy_checkout
from rich.console import Console
from rich.table import Table

progress = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)


class Notes:
    """What each rung found, one line per break, written as soon as it is known."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._found: dict[str, dict[str, Judged]] = {}
        for line in file.read_text().splitlines() if file.exists() else []:
            note = json.loads(line)
            judged = Judged(Verdict(note["verdict"]), note["by"], note["seconds"])
            self._found.setdefault(note["place"], {})[note["rung"]] = judged

    def add(self, one: Break, rung: str, judged: Judged) -> None:
        self._found.setdefault(one.place, {})[rung] = judged
        note = {"verdict": judged.verdict, "rung": rung, "by": judged.by, "seconds": round(judged.seconds, 1)}
        with self._file.open("a") as file:
            file.write(json.dumps(note | {"place": one.place}) + "\n")

    def knows(self, one: Break, rung: str) -> bool:
        return rung in self._found.get(one.place, {})

    def verdict(self, one: Break) -> Verdict | None:
        """The strongest of all rungs, which is the first of its values; None before any."""
        verdicts = {judged.verdict for judged in self._found.get(one.place, {}).values()}
        return next((verdict for verdict in Verdict if verdict in verdicts), None)

    def seconds(self, one: Break) -> float:
        return sum(judged.seconds for judged in self._found.get(one.place, {}).values())


def judge_sample(size: int, seed: int, patience_s: float) -> int:
    """0 if every one was noticed that anybody could notice."""
    breaks = all_breaks()
    drawn = draw(breaks, size, seed)
    reasons = equivalent()
    judged = [one for one in drawn if one.name not in reasons]
    folder = ROOT / ".mutants" / _state()
    folder.mkdir(parents=True, exist_ok=True)
    notes = Notes(folder / "verdicts.jsonl")
    with tempfile.TemporaryDirectory(prefix="kimp-mutants-") as trees:
        unbroken = Path(trees) / "unbroken"
        copy_checkout(unbroken)
        compiled(unbroken)
        for rung in RUNGS:
            _climb(rung, judged, notes, unbroken, folder, patience_s)
    alive = [one for one in judged if notes.verdict(one) in {Verdict.SURVIVED, Verdict.UNREACHED}]
    _show(breaks, drawn, judged, notes)
    return 1 if alive else 0


def _climb(rung: str, judged: list[Break], notes: Notes, unbroken: Path, folder: Path, patience_s: float) -> None:
    alive = [one for one in judged if notes.verdict(one) not in {Verdict.KILLED, Verdict.TIMEOUT}]
    left = [one for one in alive if not notes.knows(one, rung)]
    if not left:
        return
    progress.print(f"{rung}: which of its tests reach what, then {len(left)} breaks")
    reach = measured(rung, unbroken, folder)
    judges = Judges(unbroken, RUNGS[rung], patience_s)

    def judge(one: Break) -> None:
        found = judges.judge(one, reach)
        notes.add(one, rung, found)
        progress.print(f"{found.verdict:<9} {found.seconds:4.0f} s  {one.file}:{one.lines.start} {one.kind} {found.by}")

    try:
        list(judges.pool.map(judge, left))
    finally:
        judges.close()


def _state() -> str:
    """Of all that a verdict rests on: the sources and the tests."""
    digest = hashlib.sha256()
    for file in sorted(tracked_files()):
        if file.suffix in {".py", ".json", ".toml", ".lock"} and "mutations" not in file.parts:
            digest.update(f"{file}\0".encode() + (ROOT / file).read_bytes())
    return digest.hexdigest()[:12]


def _show(breaks: dict[str, list[Break]], drawn: list[Break], judged: list[Break], notes: Notes) -> None:
    table = Table("package", "breaks", "drawn", "equivalent", "killed", "timeout", "survived", "unreached", "%", "s")
    for package, everyone in [*breaks.items(), ("all", [one for some in breaks.values() for one in some])]:
        of_package = [one for one in judged if package in {one.package, "all"}]
        taken = sum(package in {one.package, "all"} for one in drawn)
        counts = Counter(notes.verdict(one) for one in of_package)
        noticed = counts[Verdict.KILLED] + counts[Verdict.TIMEOUT]
        share = f"{100 * noticed / len(of_package):.1f}" if of_package else ""
        numbers = (len(everyone), taken, taken - len(of_package), *(counts[verdict] for verdict in Verdict))
        table.add_row(package, *map(str, numbers), share, f"{sum(map(notes.seconds, of_package)):.0f}")
    console = Console()
    for one in judged:
        if (verdict := notes.verdict(one)) in {Verdict.SURVIVED, Verdict.UNREACHED}:
            console.print(f"\n{verdict}: {one.file}:{one.lines.start} ({one.kind})\n{one.changed}", markup=False)
    console.print(table)
