"""Rights of keys, and the end of their lives."""

import pytest

from kimp.domain.durations import DAY_MS
from kimp.domain.keys import KeyFacts, Right, excess, expiry_warning, missing

READ, TRADE, WITHDRAW = Right.READ, Right.TRADE, Right.WITHDRAW


@pytest.mark.parametrize("right", list(Right))
def test_the_very_rights_that_are_needed_are_right(right: Right) -> None:
    facts = KeyFacts(right.needs)
    assert not missing(facts, right.needs)
    assert not excess(facts, right.needs)


def test_whoever_trades_or_withdraws_must_read_as_well() -> None:
    assert missing(KeyFacts(frozenset({TRADE})), TRADE.needs) == ("read",)
    assert missing(KeyFacts(frozenset()), WITHDRAW.needs) == ("read", "withdraw")


def test_what_is_not_needed_is_too_much_by_whatever_name() -> None:
    facts = KeyFacts(frozenset({READ, TRADE, WITHDRAW}), others=("enableFutures",))
    assert excess(facts, READ.needs) == ("trade", "withdraw", "enableFutures")


@pytest.mark.parametrize(
    ("left_ms", "reported"),
    [
        (None, None),
        (15 * DAY_MS, None),
        (15 * DAY_MS - 1, "expires in 14 days"),
        (DAY_MS - 1, "expires in 0 days"),
        (-1, "has expired"),
    ],
)
def test_a_warning_comes_two_weeks_before_the_end(left_ms: int | None, reported: str | None) -> None:
    now_ms = 1_764_000_000_000
    facts = KeyFacts(frozenset(), expires_ms=None if left_ms is None else now_ms + left_ms)
    assert expiry_warning(facts, now_ms) == reported
