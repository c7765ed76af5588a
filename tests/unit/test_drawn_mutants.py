"""Drawn breaks: what is broken, what is left alone, and which are drawn."""

import pytest
from architecture.project import ROOT
from mutations.breaks import Break, breaks_of
from mutations.drawing import draw, equivalent


def _changes(code: str) -> set[str]:
    return {one.changed for one in breaks_of(code)}


def test_a_comparison_is_broken_in_a_decorated_coroutine() -> None:
    code = "class A:\n    @activity.defn\n    async def ask(self):\n        return 1 < self.x\n"

    assert "-        return 1 < self.x\n+        return 1 <= self.x" in _changes(code)


@pytest.mark.parametrize(
    ("code", "kept"),
    [("OPEN = {A, B}\n", "OPEN = {A,}"), ("OPEN = [A, B]\n", "OPEN = [B,]"), ("OPEN = (A, B)\n", "OPEN = (B,)")],
)
def test_an_element_is_left_out(code: str, kept: str) -> None:
    assert f"-{code.strip()}\n+{kept}" in _changes(code)


def test_a_call_is_not_made() -> None:
    assert "-    await book(fill)\n+    ..." in _changes("async def f():\n    await book(fill)\n")


@pytest.mark.parametrize(
    "code",
    [
        'x: int | None\n"""In won, a rate."""\n',
        "from a import b\n",
        'T = TypeVar("T", bound=int)\n',
        "log.info(x, y)\n",
        "def f(a: list[int] | None) -> int | str: pass\n",
        "class A(msgspec.Struct, gc=False): pass\n",
    ],
)
def test_types_imports_prose_log_lines_and_hints_of_speed_are_left_alone(code: str) -> None:
    assert not _changes(code)


def test_what_an_assertion_rests_on_is_left_alone() -> None:
    assert _changes("zip(a, b, strict=True)\n") == {
        "-zip(a, b, strict=True)\n+zip(a, None, strict=True)",
        "-zip(a, b, strict=True)\n+zip(None, b, strict=True)",
        "-zip(a, b, strict=True)\n+zip(a, strict=True)",
        "-zip(a, b, strict=True)\n+zip(b, strict=True)",
        "-zip(a, b, strict=True)\n+...",
    }


@pytest.mark.parametrize(("number", "other"), [("3", "4"), ("5_000", "50000"), ("90.0", "900.0")])
def test_a_small_number_becomes_the_next_and_a_measure_another(number: str, other: str) -> None:
    assert f"-f({number})\n+f({other})" in _changes(f"f({number})\n")


def test_what_an_error_says_is_left_alone_but_not_that_it_is_raised_with_it() -> None:
    assert _changes('raise Rejected("no such coin")\n') == {'-raise Rejected("no such coin")\n+raise Rejected(None)'}


def test_a_break_stands_on_the_lines_of_its_statement_and_not_of_the_body() -> None:
    code = "if (\n    a < b\n):\n    c = d < e\n"

    lines = {one.changed: one.lines for one in breaks_of(code) if one.kind == "swap_op"}

    assert lines == {"-    a < b\n+    a <= b": range(1, 4), "-    c = d < e\n+    c = d <= e": range(4, 5)}


def _some() -> dict[str, list[Break]]:
    code = "".join(f"def f{i}(a):\n    return call(a, {i}) < {i}\n" for i in range(9))
    return {package: breaks_of(code, package, f"{package}.py") for package in ("one", "other")}


def test_a_smaller_sample_is_the_beginning_of_a_larger_one() -> None:
    assert [one.name for one in draw(_some(), 6, seed=3)] == [one.name for one in draw(_some(), 12, seed=3)][:6]


def test_another_seed_draws_others() -> None:
    assert {one.name for one in draw(_some(), 12, seed=3)} != {one.name for one in draw(_some(), 12, seed=4)}


def test_packages_and_kinds_take_turns() -> None:
    drawn = draw(_some(), 6, seed=3)

    assert [one.package for one in drawn] == ["one", "other"] * 3
    assert {one.kind for one in drawn} == {"arg_removal", "number", "swap_op"}


def test_no_break_is_drawn_twice() -> None:
    some = _some()

    drawn = draw(some, 10_000, seed=3)

    assert len(drawn) == sum(len(of_package) for of_package in some.values())
    assert len({id(one) for one in drawn}) == len(drawn)


def _can_be_drawn(name: str) -> bool:
    file, _, changed = name.partition("\n")
    code = (ROOT / file).read_text()
    removed = next(line[1:] for line in changed.splitlines() if line.startswith("-"))
    places = {number for number, line in enumerate(code.splitlines(), 1) if line == removed}
    return any(one.name == name for one in breaks_of(code, file=file) if places & set(one.lines))


@pytest.mark.parametrize(("name", "reason"), equivalent().items())
def test_an_equivalent_break_has_a_reason_and_can_still_be_drawn(name: str, reason: str) -> None:
    assert reason
    assert _can_be_drawn(name)
