"""Gates that know what is already running."""

import pytest
from fakes.market import NOW, SOL, TRX, XRP

from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel, check_coin, check_halt, resting
from kimp.domain.gates import Blocked, Gate

COOLDOWN_MS = 60_000


def ask(state: CoinState, now_ms: int = NOW) -> Blocked | None:
    return check_coin(XRP, state, COOLDOWN_MS, now_ms)


def test_a_coin_that_was_never_traded_may_start() -> None:
    assert ask(NEVER_TRADED) is None


def test_a_kill_switch_that_cannot_be_read_counts_as_on() -> None:
    answer = check_halt(None)
    assert answer is not None
    assert answer.gate is Gate.KILL_SWITCH


def test_a_kill_switch_that_is_off_forbids_nothing() -> None:
    assert check_halt(HaltLevel.RUN) is None


@pytest.mark.parametrize("level", [HaltLevel.NO_NEW_CYCLES, HaltLevel.ONLY_COMPENSATION, HaltLevel.NOTHING_LEAVES])
def test_each_level_of_the_kill_switch_forbids_new_cycles(level: HaltLevel) -> None:
    answer = check_halt(level)
    assert answer is not None
    assert answer.gate is Gate.KILL_SWITCH
    assert f"level {int(level)}" in answer.detail


def test_one_cycle_per_coin() -> None:
    assert ask(CoinState(7, open=True, closed_ms=None)) == Blocked(Gate.COIN_BUSY, "cycle XRP-7 is open")


@pytest.mark.parametrize(("since_ms", "left"), [(0, 60_000), (59_999, 1), (60_000, None)])
def test_a_coin_rests_after_its_cycle(since_ms: int, left: int | None) -> None:
    answer = ask(CoinState(7, open=False, closed_ms=NOW - since_ms))
    assert answer == (None if left is None else Blocked(Gate.COOLDOWN, f"XRP rests for another {left} ms"))


@pytest.mark.parametrize(("refusals", "rest_s"), [(1, 30), (2, 120), (5, 7_680), (8, 43_200), (99, 43_200)])
def test_a_coin_that_markets_refuse_rests_longer_each_time(refusals: int, rest_s: int) -> None:
    state = CoinState(7, open=False, closed_ms=NOW, refusals=refusals, refused_ms=NOW, refusal="not permitted [-2010]")
    answer = ask(state, now_ms=NOW + rest_s * 1000 - 1)
    assert answer is not None
    assert answer.gate is Gate.REFUSED
    assert f"{refusals} times in a row, last with 'not permitted [-2010]'" in answer.detail
    at_once = ask(state, now_ms=NOW)
    assert at_once is not None
    assert f"it is tried again in {rest_s} s" in at_once.detail
    after = ask(state, now_ms=NOW + rest_s * 1000)
    assert after is None or after.gate is Gate.COOLDOWN


def test_a_coin_that_was_refused_on_the_way_home_rests_though_it_never_had_a_cycle_of_its_own() -> None:
    refused = CoinState(0, open=False, closed_ms=None, refusals=1, refused_ms=NOW)
    answer = ask(refused, now_ms=NOW + 29_999)
    assert answer is not None
    assert answer.gate is Gate.REFUSED
    assert ask(refused, now_ms=NOW + 30_000) is None


def test_a_coin_that_was_refused_is_no_way_home_until_its_rest_is_over() -> None:
    states = {
        XRP: CoinState(7, open=False, closed_ms=NOW),
        TRX: CoinState(7, open=False, closed_ms=NOW, refusals=1, refused_ms=NOW),
        SOL: CoinState(8, open=True, closed_ms=None, refusals=2, refused_ms=NOW),
    }
    assert resting(states, NOW + 29_999) == {TRX, SOL}
    assert resting(states, NOW + 30_000) == {SOL}
    assert resting(states, NOW + 120_000) == set()
