"""What may be changed while kimp runs, and how far: the configuration is the ceiling."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.config import Settings
from kimp.config.run_time import BAND, CAPS, NAMES, as_typed, bounds, checked, in_force, timed, value_of
from kimp.domain.errors import BadInput

CONFIGURED = Settings(
    trading={"coins": ("XRP", "SOL"), "threshold": "0.004", "rebalance_floor": "0.001", "notional_krw": "2000000"},  # type: ignore[arg-type]  # as sources give it
    caps={"order_krw": "5000000", "cycle_krw": "4000000", "open_cycles": 5},  # type: ignore[arg-type]
)


def test_what_nobody_changed_is_as_configured() -> None:
    now = in_force(CONFIGURED, {}, None)
    assert now.settings == CONFIGURED
    assert now.policy().settings_version is None


def test_changes_go_before_the_configuration_and_their_version_into_the_policy() -> None:
    changes = {"trading.threshold": "0.006", "caps.open_cycles": "2", "trading.coins": ["SOL"]}
    now = in_force(CONFIGURED, changes, 7)
    assert now.settings.trading.threshold == Decimal("0.006")
    assert now.settings.rules().caps.open_cycles == 2
    assert now.settings.rules().prefunded == frozenset(), "until somebody names a coin"
    assert now.policy().caps.open_cycles == 2
    assert now.policy().route_coins == ("SOL", "USDT")
    assert now.policy().settings_version == 7
    assert now.settings.trading.notional_krw == CONFIGURED.trading.notional_krw


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"caps.order_krw": "5000001"}, r"caps.order_krw: 5000001 is not allowed; it may be at most 5000000"),
        ({"caps.open_cycles": "6"}, r"caps.open_cycles: 6 is not allowed; it may be at most 5"),
        ({"caps.unexplained_krw": "10001"}, r"at most 10000"),
        ({"trading.coins": ["XRP", "BTC"]}, r"trading.coins: XRP,BTC is not allowed; it may be any of XRP, SOL"),
        (
            {"trading.threshold": "0.0009"},
            r"at least 0.001, what a way home must leave \(trading.rebalance_floor\)",
        ),
        ({"trading.notional_krw": "4000001"}, r"at most 4000000, what the configured caps allow"),
        ({"trading.threshold": "NaN"}, r"trading.threshold: .*finite"),
        ({"trading.threshold": "a lot"}, r"trading.threshold: it is no number like 0.006 or 2000000"),
        ({"trading.coins": ["XRP", "XRP"]}, r"trading.coins: a coin is named twice"),
        ({"trading.coins": ["x y"]}, r"trading.coins.0: write a coin's symbol"),
        ({"caps.day_krw": "0"}, r"caps.day_krw: .*greater than 0"),
        ({"trading.slippage": "0.1"}, r"trading.slippage: can't be changed at run time; trading.coins"),
        (
            {"trading.foo": "1", "local.redis_port": "1"},
            r"trading.foo: there is no such .*; local.redis_port: can't be",
        ),
        ({"caps": "1"}, r"caps: can't be changed at run time"),
        ({"caps.order_krw": "-1", "trading.threshold": "x"}, r"threshold.*; caps.order_krw"),
    ],
)
def test_a_change_that_may_not_be_is_one_line(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadInput, match=words) as refusal:
        checked(CONFIGURED, changes)
    assert "\n" not in str(refusal.value)


def test_the_band_is_widened_for_a_time_only() -> None:
    """It ends by the clock, whoever reads it, and without an end it is held at the configured one."""
    asked = {BAND: "0.25"}
    with pytest.raises(BadInput, match=r"0.25 is not allowed; it may be at most 0.03, the configured band, and more"):
        checked(CONFIGURED, asked)
    stored = timed(checked(CONFIGURED, asked, ending=True), 1_000)
    assert in_force(CONFIGURED, stored, 1, 999).settings.trading.premium_band == Decimal("0.25")
    assert in_force(CONFIGURED, stored, 1, 1_000).settings == CONFIGURED
    assert in_force(CONFIGURED, asked, 1).settings == CONFIGURED
    assert as_typed(stored[BAND]) == "0.25 until 1970-01-01 00:00 UTC"
    with pytest.raises(BadInput):
        checked(CONFIGURED, {BAND: "0.51"}, ending=True)


def test_a_narrower_band_needs_no_end() -> None:
    assert checked(CONFIGURED, {BAND: "0.01"}) == {BAND: "0.01"}


def test_only_the_band_is_changed_for_a_time() -> None:
    with pytest.raises(BadInput, match=r"--hours is for trading.premium_band alone; set trading.threshold without it"):
        timed({"trading.threshold": "0.006"}, 1_000)


@pytest.mark.parametrize("change", [{}, {"until_ms": 5}, {"value": [], "until_ms": "x"}, []])
def test_a_table_that_is_no_change_is_refused(change: object) -> None:
    with pytest.raises(BadInput, match="premium_band"):
        in_force(CONFIGURED, {BAND: change}, 1)


def test_a_threshold_that_is_configured_below_the_floor_may_be_set_again() -> None:
    low = CONFIGURED.model_copy(update={"trading": CONFIGURED.trading.model_copy(update={"threshold": Decimal(0)})})
    assert checked(low, {"trading.threshold": "0.0005"}) == {"trading.threshold": "0.0005"}


def test_what_was_allowed_once_is_held_at_a_ceiling_that_came_down() -> None:
    now = in_force(CONFIGURED, {"caps.order_krw": "90000000", "trading.coins": ["BTC", "XRP"]}, 3)
    assert now.settings.caps.order_krw == 5_000_000
    assert now.settings.trading.coins == ("XRP",)
    none_left = in_force(CONFIGURED, {"trading.coins": ["BTC"]}, 3)
    assert none_left.settings.trading.coins == ()


@given(st.dictionaries(st.sampled_from(CAPS), st.integers(1, 500)))
def test_no_change_loosens_a_cap(changes: dict[str, int]) -> None:
    """A value that no configuration may have is refused; every other is held at the ceiling."""
    try:
        now = in_force(CONFIGURED, changes, 1)
    except BadInput:
        return
    assert all(value_of(now.settings, name) <= value_of(CONFIGURED, name) for name in CAPS)


@given(st.dictionaries(st.sampled_from([name for name in NAMES if name != "trading.coins"]), st.integers(1, 10**8)))
def test_what_is_stored_says_what_was_asked(changes: dict[str, int]) -> None:
    """Whatever passes the check is in force unchanged; what does not would have been held back."""
    try:
        stored = checked(CONFIGURED, {name: str(value) for name, value in changes.items()})
    except BadInput:
        return
    now = in_force(CONFIGURED, stored, 1).settings
    assert {name: value_of(now, name) for name in changes} == changes


def test_everything_that_may_be_changed_has_a_bound() -> None:
    assert set(bounds(CONFIGURED)) == set(NAMES)
