"""Gates that know what is already running."""

import pytest
from fakes.caps import limits
from fakes.market import NOW, XRP

from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel, admit
from kimp.domain.gates import Blocked, Gate

LIMITS = limits(open_cycles=2)


def ask(
    state: CoinState = NEVER_TRADED, open_cycles: int = 0, halt: HaltLevel | None = HaltLevel.RUN, now_ms: int = NOW
) -> Blocked | None:
    return admit(XRP, state, open_cycles, halt, LIMITS, now_ms)


def test_a_coin_that_was_never_traded_may_start() -> None:
    assert ask() is None


def test_a_kill_switch_that_cannot_be_read_counts_as_on() -> None:
    answer = ask(halt=None)
    assert answer is not None
    assert answer.gate is Gate.KILL_SWITCH


@pytest.mark.parametrize("level", [HaltLevel.NO_NEW_CYCLES, HaltLevel.ONLY_COMPENSATION, HaltLevel.NOTHING_LEAVES])
def test_each_level_of_the_kill_switch_forbids_new_cycles(level: HaltLevel) -> None:
    answer = ask(halt=level)
    assert answer is not None
    assert answer.gate is Gate.KILL_SWITCH
    assert f"level {int(level)}" in answer.detail


def test_one_cycle_per_coin() -> None:
    assert ask(CoinState(7, open=True, closed_ms=None)) == Blocked(Gate.COIN_BUSY, "cycle XRP-7 is open")


@pytest.mark.parametrize(("since_ms", "left"), [(0, 60_000), (59_999, 1), (60_000, None)])
def test_a_coin_rests_after_its_cycle(since_ms: int, left: int | None) -> None:
    answer = ask(CoinState(7, open=False, closed_ms=NOW - since_ms))
    assert answer == (None if left is None else Blocked(Gate.COOLDOWN, f"XRP rests for another {left} ms"))


@pytest.mark.parametrize(("running", "allowed"), [(0, True), (1, True), (2, False), (3, False)])
def test_no_more_open_cycles_than_allowed(running: int, allowed: bool) -> None:  # noqa: FBT001 - expectation
    answer = ask(open_cycles=running)
    assert (answer is None) == allowed
    if answer is not None:
        assert answer == Blocked(Gate.OPEN_CYCLES, f"{running} cycles are open, 2 allowed")


def test_the_kill_switch_is_named_before_everything_else() -> None:
    answer = ask(CoinState(7, open=True, closed_ms=None), open_cycles=9, halt=HaltLevel.NOTHING_LEAVES)
    assert answer is not None
    assert answer.gate is Gate.KILL_SWITCH


@pytest.mark.parametrize(("refusals", "rest_s"), [(1, 30), (2, 120), (5, 7_680), (8, 43_200), (99, 43_200)])
def test_a_coin_that_markets_refuse_rests_longer_each_time(refusals: int, rest_s: int) -> None:
    state = CoinState(7, open=False, closed_ms=NOW, refusals=refusals, refusal="not permitted [-2010]")
    answer = ask(state, now_ms=NOW + rest_s * 1000 - 1)
    assert answer is not None
    assert answer.gate is Gate.REFUSED
    assert f"{refusals} times in a row, last with 'not permitted [-2010]'" in answer.detail
    after = ask(state, now_ms=NOW + rest_s * 1000)
    assert after is None or after.gate is Gate.COOLDOWN
