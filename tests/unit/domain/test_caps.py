"""Caps: what is allowed is allowed to the last won, and not one more."""

from dataclasses import replace

import pytest
from fakes.caps import WIDE
from fakes.market import d

from kimp.domain.caps import Caps, Exposure, cap_gates, check_capital, check_latches, check_open_cycles
from kimp.domain.gates import Gate
from kimp.domain.money import KRW, USDT, Money

STAKE = d(1_000_000)


@pytest.mark.parametrize(
    ("caps", "staked_today", "gate"),
    [
        (replace(WIDE, order_krw=STAKE), 0, Gate.ORDER_CAP),
        (replace(WIDE, cycle_krw=STAKE), 0, Gate.CYCLE_CAP),
        (replace(WIDE, day_krw=3 * STAKE), 2_000_000, Gate.DAY_CAP),
    ],
    ids=["order", "cycle", "day"],
)
def test_a_cap_allows_itself_and_no_won_more(caps: Caps, staked_today: int, gate: Gate) -> None:
    exposure = Exposure(day_krw=staked_today)
    assert not list(cap_gates(caps, exposure, STAKE))
    assert [blocked.gate for blocked in cap_gates(caps, exposure, STAKE + 1)] == [gate]


def test_the_last_cycle_that_may_be_open() -> None:
    caps = replace(WIDE, open_cycles=3)
    assert check_open_cycles(caps, Exposure(open_cycles=2)) is None
    blocked = check_open_cycles(caps, Exposure(open_cycles=3))
    assert blocked is not None
    assert blocked.gate is Gate.OPEN_CYCLES


@pytest.mark.parametrize(
    ("below", "reached", "gate"),
    [
        (Exposure(losses_in_a_row=99), Exposure(losses_in_a_row=100), Gate.LOSSES_IN_A_ROW),
        (Exposure(day_loss_krw=999_999_999), Exposure(day_loss_krw=1_000_000_000), Gate.DAY_LOSS),
        (Exposure(started_last_minute=599), Exposure(started_last_minute=600), Gate.CYCLE_RATE),
    ],
    ids=["losses in a row", "loss of a day", "cycles per minute"],
)
def test_what_has_happened_latches_once_it_is_reached(below: Exposure, reached: Exposure, gate: Gate) -> None:
    assert check_latches(WIDE, below) is None
    latched = check_latches(WIDE, reached)
    assert latched is not None
    assert latched.gate is gate


@pytest.mark.parametrize(("free", "enough"), [("1000", True), ("999.99999999", False), ("0", False)])
def test_a_reserve_is_taken_from_cash_that_is_there(free: str, enough: bool) -> None:  # noqa: FBT001 - expectation
    assert (check_capital(Money(d(free), USDT), Money(d(1000), USDT)) is None) == enough


def test_cash_that_was_never_looked_at_is_none() -> None:
    blocked = check_capital(None, Money(STAKE, KRW))
    assert blocked is not None
    assert blocked.gate is Gate.CAPITAL
