"""Names of cycles, orders and transfers."""

import pytest

from kimp.domain.ids import (
    Leg,
    Step,
    UsedNumber,
    client_order_id,
    cycle_id,
    installation_of,
    step_of,
    transfer_id,
    used_numbers,
    workflow_id,
)
from kimp.domain.money import Asset


def test_a_cycle_is_named_by_coin_and_number() -> None:
    assert cycle_id(Asset("XRP"), 12) == "XRP-12"
    assert workflow_id("XRP-12") == "cycle-XRP-12"


def test_an_order_is_named_by_cycle_leg_step_part_and_attempt() -> None:
    assert client_order_id("XRP-12", Leg.ONE, Step.BUY, 1, 1, "") == "XRP-12-1B1-1"
    assert client_order_id("XRP-12", Leg.HOME, Step.SELL, 2, 3, "") == "XRP-12-HS2-3"


def test_the_same_step_has_the_same_name_on_every_retry() -> None:
    assert len({client_order_id("SOL-3", Leg.ONE, Step.SELL, 1, 1, "") for _ in range(3)}) == 1


def test_a_name_of_36_characters_is_taken_and_one_more_is_not() -> None:
    longest = "A" * 25 + "-123"
    assert len(client_order_id(longest, Leg.ONE, Step.BUY, 1, 1, "")) == 35
    assert len(client_order_id(longest, Leg.ONE, Step.BUY, 10, 1, "")) == 36
    with pytest.raises(ValueError, match="longer than 36 characters"):
        client_order_id(longest, Leg.ONE, Step.BUY, 10, 10, "")


def test_a_transfer_is_not_named_like_any_order() -> None:
    """On Binance both are client ids, and a person who searches for one must not find the other."""
    name = transfer_id("XRP-12", Leg.ONE, 1, "")
    assert name == "XRP-12-1W-1"
    assert name not in {client_order_id("XRP-12", Leg.ONE, step, 1, 1, "") for step in Step}
    assert transfer_id("XRP-12", Leg.HOME, 2, "") == "XRP-12-HW-2"


def test_the_highest_used_number_counts_in_whatever_order_the_names_come() -> None:
    """Who takes a cycle over goes on above it, so that no name is given twice."""
    assert used_numbers(["XRP-1-1S12-1", "XRP-1-1S3-4", "XRP-1-1W-2", "XRP-1-1W-1"]) == (
        UsedNumber(Leg.ONE, Step.SELL, 12),
        UsedNumber(Leg.ONE, Step.SEND, 2),
    )


def test_two_installations_never_share_a_name() -> None:
    """A new database counts its cycles from one again, on an account that has seen those numbers."""
    mine, other = (
        client_order_id("XRP-1", Leg.ONE, Step.BUY, 1, 1, installation) for installation in ("k7m2p", "zz9xy")
    )
    assert mine == "XRP-1-1B1-1-k7m2p"
    assert other != mine
    assert transfer_id("XRP-1", Leg.ONE, 1, "k7m2p") == "XRP-1-1W-1-k7m2p"


def test_a_name_is_read_the_same_with_and_without_an_installation() -> None:
    assert step_of("XRP-1-1S12-1-k7m2p") == step_of("XRP-1-1S12-1") == "1S"
    assert used_numbers(["XRP-1-1S12-1-k7m2p", "XRP-1-1S3-4", "XRP-1-HW-2-k7m2p"]) == (
        UsedNumber(Leg.ONE, Step.SELL, 12),
        UsedNumber(Leg.HOME, Step.SEND, 2),
    )


def test_a_name_of_anything_else_has_no_step() -> None:
    assert step_of("XRP-1-1B1-1/trade-7") == step_of("XRP-1-1B1-1-k7m2p/12/3") == "1B"
    for odd in ("", "XRP", "XRP-1", "XRP-1-", "opening/upbit", "XRP-1/write-off/1", "x-web_-abc", "XRP-1-1Z1-1"):
        assert step_of(odd) == ""


def test_who_takes_a_cycle_over_names_on_as_its_names_did() -> None:
    assert installation_of(["XRP-1-1B1-1-k7m2p", "XRP-1-1W-1-k7m2p"]) == "k7m2p"
    assert installation_of(["XRP-1-1B1-1", "XRP-1-1W-1"]) == ""
    assert installation_of([]) == ""
