"""How drawn breaks are judged: by which tests, and what is kept of it."""

from pathlib import Path

import pytest
from coverage import CoverageData
from mutations.breaks import Break, breaks_of
from mutations.judging import Judged, Verdict
from mutations.reach import Reach
from mutations.sample import Notes

CODE = "LIMIT = 1 + 1\n\n\ndef f(a):\n    return a < LIMIT\n\n\ndef g(a):\n    return a > LIMIT\n"
SECONDS = {"tests/a.py::quick": 0.1, "tests/a.py::slow": 9.0, "tests/b.py::middling": 2.0, "tests/b.py::of_g": 0.1}


@pytest.fixture
def reach(tmp_path: Path) -> Reach:
    data = CoverageData(str(tmp_path / "coverage"))
    for context, lines in {
        "": [1, 4, 8],
        "tests/a.py::slow|run": [5],
        "tests/b.py::middling|setup": [5],
        "tests/a.py::quick|run": [5],
        "tests/b.py::of_g|run": [9],
        "tests/a.py::failed|run": [5, 9],
    }.items():
        data.set_context(context)
        data.add_lines({"f.py": lines})
    for file in {test.partition("::")[0] for test in SECONDS}:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text("import f\n")
    return Reach(data, SECONDS, tmp_path)


def _at(line: int) -> Break:
    return next(one for one in breaks_of(CODE, file="f.py") if line in one.lines)


def test_the_tests_that_reach_a_line_judge_it_in_turns_of_their_files(reach: Reach) -> None:
    assert reach.tests(_at(5), 60) == ["tests/a.py::quick", "tests/b.py::middling", "tests/a.py::slow"]


def test_what_runs_at_import_is_judged_by_whoever_uses_the_module(reach: Reach) -> None:
    assert set(reach.tests(_at(1), 60)) == SECONDS.keys()


def test_a_module_without_a_function_is_judged_by_whoever_uses_its_neighbours(reach: Reach) -> None:
    reach.data.set_context("")
    reach.data.add_lines({"tables.py": [1]})
    of_tables = next(iter(breaks_of("ID = 1\n", file="tables.py")))

    assert set(reach.tests(of_tables, 60)) == SECONDS.keys()


@pytest.mark.parametrize("naming", ["from money.gates import Gate", "from money import gates", "import money.gates"])
def test_what_runs_at_import_is_judged_as_well_by_whoever_names_the_module_and_runs_nothing_of_it(
    reach: Reach, tmp_path: Path, naming: str
) -> None:
    reach.data.set_context("")
    reach.data.add_lines({"src/money/gates.py": [1]})
    (tmp_path / "tests/gates.py").write_text(naming)
    (tmp_path / "tests/others.py").write_text("import money")
    also = {"tests/gates.py::values": 0.1, "tests/others.py::others": 0.1}
    of_gates = next(iter(breaks_of("OPEN = 1\n", file="src/money/gates.py")))

    assert Reach(reach.data, SECONDS | also, tmp_path).tests(of_gates, 60) == ["tests/gates.py::values"]


def test_patience_leaves_out_the_slowest(reach: Reach) -> None:
    assert reach.tests(_at(5), 3) == ["tests/a.py::quick", "tests/b.py::middling"]


def test_a_line_that_only_a_failing_test_reaches_has_no_judge(reach: Reach) -> None:
    without_g = Reach(reach.data, {test: s for test, s in SECONDS.items() if test != "tests/b.py::of_g"}, reach.root)

    assert without_g.tests(_at(9), 60) == []


def test_notes_are_read_again_and_the_strongest_verdict_counts(tmp_path: Path) -> None:
    first, other, third = breaks_of(CODE)[:3]
    notes = Notes(tmp_path / "verdicts.jsonl")
    notes.add(first, "fast", Judged(Verdict.UNREACHED, "", 0))
    notes.add(first, "servers", Judged(Verdict.KILLED, "tests/a.py::slow", 9))
    notes.add(other, "fast", Judged(Verdict.SURVIVED, "", 1))

    again = Notes(tmp_path / "verdicts.jsonl")

    assert again.verdict(first) is Verdict.KILLED
    assert again.seconds(first) == 9
    assert again.verdict(other) is Verdict.SURVIVED
    assert again.knows(other, "fast")
    assert not again.knows(other, "servers")
    assert again.verdict(third) is None
