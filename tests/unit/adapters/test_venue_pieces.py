"""The small parts that both venues share: numbers on the wire, limits, kept readings, checks before coins leave."""

import asyncio
from decimal import Decimal, localcontext

import pytest
from fakes import intents
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.binance import client as binance
from kimp.adapters.upbit import client as upbit
from kimp.adapters.venue.cache import Kept
from kimp.adapters.venue.guard import check_withdrawal, network_name
from kimp.adapters.venue.limiter import Limit, Limiter, Window
from kimp.adapters.venue.shape import MOST_VALUES, decode, plain
from kimp.contracts.transfers import Address, WithdrawalIntent
from kimp.domain.errors import Rejected
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.paper.config import RateLimits

XRP = Asset("XRP")


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E-8", "0.00000001"), ("1E+3", "1000"), ("10.50", "10.5"), ("100", "100"), ("0.0", "0"), ("5000.000", "5000")],
)
def test_plain_text_of_a_decimal(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=0, max_value=10**30, places=10))
def test_plain_text_is_exact_whatever_the_context(value: Decimal) -> None:
    with localcontext() as context:
        context.prec = 3
        text = plain(value)
    assert Decimal(text) == value
    assert "E" not in text


def test_json_numbers_are_never_floats() -> None:
    reported = decode('{"a": 0.30000000000000004, "b": [1e-8], "c": 12345678901234567890.5, "d": 7}')
    assert reported == {
        "a": Decimal("0.30000000000000004"), "b": [Decimal("1e-8")], "c": Decimal("12345678901234567890.5"), "d": 7,
    }  # fmt: skip


def test_no_limit_is_above_what_the_venues_document() -> None:
    """By the paper exchange, which is given their figures on its own."""
    reported = RateLimits()
    assert {name: (limit.units, limit.seconds) for name, limit in upbit.LIMITS.items()} == {
        "market": (reported.upbit_market, 1), "default": (reported.upbit_default, 1),
        "order": (reported.upbit_order, 1),
    }  # fmt: skip
    assert {name: (limit.units, limit.seconds) for name, limit in binance.LIMITS.items()} == {
        "weight": (reported.binance_weight_1m, 60),
        "sapi": (reported.binance_sapi_ip_1m, 60),
        "sapi_uid": (reported.binance_sapi_uid_1m, 60),
        "orders": (reported.binance_orders_10s, 10),
        "history": (10, 1),  # wallet docs, withdraw history: per account
    }


@pytest.mark.parametrize(
    ("method", "path", "charged"),
    [
        ("POST", "orders", {"order": 1}),
        ("GET", "order", {"default": 1}),
        ("GET", "orders", {"default": 1}),
        ("POST", "withdraws/coin", {"default": 1}),
        ("GET", "orderbook", {"market": 1}),
    ],
)
def test_a_call_of_upbit_counts_once_in_its_own_group(method: str, path: str, charged: dict[str, int]) -> None:
    assert upbit.UpbitClient().charges(path, method, {}) == charged


@pytest.mark.parametrize("text", ["", "<html>", "{", "[" * 100_000, '{"a":NaN}'])
def test_what_is_not_json_is_none(text: str) -> None:
    assert decode(text) is None


async def test_a_window_never_lets_more_through_than_its_limit() -> None:
    window, passed = Window(Limit(units=5, seconds=0.1)), []
    loop = asyncio.get_running_loop()

    async def call() -> None:
        await window.take()
        passed.append(loop.time())

    await asyncio.gather(*(call() for _ in range(18)))
    for first, sixth in zip(passed, passed[5:], strict=False):
        assert sixth - first >= 0.0999


async def test_an_idle_window_lets_a_call_through_at_once() -> None:
    window = Window(Limit(units=1, seconds=0.05))
    await window.take()
    await asyncio.sleep(0.06)
    await asyncio.wait_for(window.take(), timeout=0.04)


async def test_a_cost_above_the_limit_waits_for_an_empty_window_and_passes() -> None:
    window = Window(Limit(units=3, seconds=0.02))
    await window.take(2)
    await window.take(10)
    await window.take(1)


async def test_a_cancelled_waiter_gives_its_turn_away() -> None:
    window = Window(Limit(units=1, seconds=0.05))
    await window.take()
    waiter = asyncio.create_task(window.take())
    await asyncio.sleep(0)
    waiter.cancel()
    await window.take()


async def test_groups_do_not_wait_for_each_other() -> None:
    limiter = Limiter({"order": Limit(1, 60), "default": Limit(1, 60)})
    await limiter.take({"default": 1})
    await asyncio.wait_for(limiter.take({"order": 1}), timeout=1)


async def test_a_kept_reading_is_read_again_when_it_is_old() -> None:
    kept, reads = Kept[int](0.02), []

    async def read() -> int:
        reads.append(1)
        return len(reads)

    assert [await kept.get("k", read), await kept.get("k", read)] == [1, 1]
    await asyncio.sleep(0.03)
    assert await kept.get("k", read) == 2


async def test_a_failed_reading_is_not_kept() -> None:
    kept = Kept[int](60)

    async def fail() -> int:
        raise Rejected("no", venue="upbit")

    async def read() -> int:
        return 1

    with pytest.raises(Rejected):
        await kept.get("k", fail)
    assert await kept.get("k", read) == 1


def intent(**changes: object) -> WithdrawalIntent:
    to = Address(network="XRP", address="rB", tag="7")
    return intents.withdrawal(**({"direction": Direction.TO_BINANCE, "amount": Decimal(10), "address": to} | changes))


def test_a_good_withdrawal_passes() -> None:
    check_withdrawal(intent(), Venue.UPBIT, "XRP", tag_required=True)
    check_withdrawal(intent(), Venue.UPBIT, "XRP", tag_required=None)
    untagged = intent(address=Address(network="XRP", address="rB"))
    check_withdrawal(untagged, Venue.UPBIT, "XRP", tag_required=False)


@pytest.mark.parametrize(
    ("changes", "tag_required"),
    [
        ({"address": Address(network="XRP", address="rB", tag=None)}, True),
        ({"address": Address(network="XRP", address="rB", tag="")}, True),
        ({"address": Address(network="XRP", address="rB", tag="")}, None),
        ({"address": Address(network="XRP", address="rB", tag="7")}, False),
        ({"address": Address(network="XRP", address=" ", tag="7")}, True),
        ({"network": "ERC20"}, True),
        ({"amount": Decimal(0)}, True),
        ({"amount": Decimal(-1)}, True),
        ({"direction": Direction.TO_UPBIT}, True),
    ],
)
def test_what_would_lose_the_coins_is_held_back(changes: dict[str, object], *, tag_required: bool | None) -> None:
    with pytest.raises(Rejected):
        check_withdrawal(intent(**changes), Venue.UPBIT, "XRP", tag_required=tag_required)


def test_a_coin_without_a_configured_network_is_named() -> None:
    with pytest.raises(Rejected, match=r"upbit\.networks\.XRP"):
        network_name({}, XRP, Venue.UPBIT)


@pytest.mark.parametrize("value", ["[],", "{},", "1,", '"",'])
def test_more_values_than_any_answer_has_are_no_json(value: str) -> None:
    """Before they are made: two bytes of text may become a hundred in memory."""
    text = "[" + value * (MOST_VALUES + 1) + "0]"
    assert decode(text) is None
    assert decode(text.encode()) is None
