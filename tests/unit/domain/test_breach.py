"""Fills that a venue should not have made: each is told, on both sides, in whichever asset the fee comes."""

import pytest
from fakes.market import XRP, d

from kimp.domain.breach import breach_of
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset

BNB, BTC = Asset("BNB"), Asset("BTC")


def reported(side: Side, price: str = "2", fee: str = "0", fee_asset: Asset = USDT) -> str | None:
    """Of an order for 100 XRP, limited to 2 USDT, at a fee of 0.1 %."""
    fill = Fill("t1", d(price), d(100), d(fee), fee_asset)
    return breach_of(side, d(2), d("0.001"), XRP, USDT, [fill])


@pytest.mark.parametrize(
    ("side", "price", "beyond"),
    [
        (Side.BUY, "2.0001", True),
        (Side.BUY, "2", False),
        (Side.BUY, "1.9", False),
        (Side.SELL, "1.9999", True),
        (Side.SELL, "2", False),
        (Side.SELL, "2.1", False),
    ],
)
def test_a_price_beyond_the_limit(side: Side, price: str, beyond: bool) -> None:  # noqa: FBT001 - expectation
    found = reported(side, price)
    assert (found is not None) == beyond
    assert found is None or found == f"filled at {price}, beyond its limit 2"


@pytest.mark.parametrize(
    ("fee", "asset", "beyond"),
    [
        ("0.22000001", USDT, False),  # 0.2, a tenth more, and the last figure of a venue's amounts
        ("0.22000002", USDT, True),
        ("0.11000001", XRP, False),
        ("0.11000002", XRP, True),
        ("1", BNB, False),
    ],
)
def test_a_fee_beyond_the_expected(fee: str, asset: Asset, beyond: bool) -> None:  # noqa: FBT001 - expectation
    """Compared with what it is taken from; in a third asset it is booked, and not compared."""
    assert (reported(Side.BUY, fee=fee, fee_asset=asset) is not None) == beyond


@pytest.mark.parametrize(("fee", "beyond"), [("0.032", False), ("0.0321", True)])
def test_won_may_be_rounded_to_a_hundredth(fee: str, beyond: bool) -> None:  # noqa: FBT001 - expectation
    """A fill of 20 won at a fee of 0.1 %: 0.02, a tenth more, and that."""
    fill = Fill("t1", d(20), d(1), d(fee), KRW)
    assert (breach_of(Side.BUY, d(20), d("0.001"), XRP, KRW, [fill]) is not None) == beyond


def test_of_a_dear_coin_a_double_fee_is_a_breach_however_little_it_looks() -> None:
    fill = Fill("t1", d(100_000), d("0.007"), d("0.000014"), BTC)
    assert breach_of(Side.BUY, d(100_000), d("0.001"), BTC, USDT, [fill]) is not None


def test_any_fill_may_be_the_bad_one() -> None:
    fills = [Fill("t1", d(2), d(1), d(0), USDT), Fill("t2", d(3), d(1), d(0), USDT)]
    assert breach_of(Side.BUY, d(2), d("0.001"), XRP, USDT, fills) == "filled at 3, beyond its limit 2"
