"""Amounts as people read them."""

from decimal import ROUND_UP, Context, Decimal, localcontext

import pytest

from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.wording import average_price, exactly, money, reason_in_words, roughly, won


@pytest.mark.parametrize(
    ("amount", "shown"),
    [("4898.50", "4,898.5"), ("1000", "1,000"), ("0.00000001", "0.00000001"), ("1E+3", "1,000"), ("-12.0", "-12")],
)
def test_every_digit_and_none_that_says_nothing(amount: str, shown: str) -> None:
    assert exactly(Decimal(amount)) == shown


@pytest.mark.parametrize(
    ("amount", "asset", "shown"),
    [
        ("999.9951", KRW, "1,000 KRW"),
        ("1.4832", USDT, "1.48 USDT"),
        ("0.0012", USDT, "0.0012 USDT"),
        ("0.4", KRW, "0.4 KRW"),
        ("0", KRW, "0 KRW"),
        ("0.00075", Asset("BNB"), "0.00075 BNB"),
    ],
)
def test_cash_is_rounded_unless_that_would_hide_it(amount: str, asset: Asset, shown: str) -> None:
    assert money(Decimal(amount), asset) == shown


def test_an_average_price_has_as_many_digits_as_the_dearest_coin_needs() -> None:
    assert average_price(Decimal(2_000_000) / Decimal("4898.5")) == "408.28825"
    assert average_price(Decimal(158_912_000)) == "158,912,000"
    assert average_price(Decimal("0.0000123400")) == "0.00001234"


def test_amounts_are_rounded_alike_in_every_thread() -> None:
    with localcontext(Context(rounding=ROUND_UP)):
        assert money(Decimal("2.1"), KRW) == "2 KRW"
        assert won(Decimal("2.1")) == "+2 KRW"
        assert roughly(Decimal("0.12345641"), Asset("XRP")) == "0.123456 XRP"


@pytest.mark.parametrize(
    ("recorded", "shown"),
    [
        (None, None),
        ("upbit: locked; ask them", "upbit: locked; ask them"),
        (
            "not_sent; kill_switch; trading is halted at level 1 (no_new_cycles)",
            "the order was not sent, it moved no money: trading is halted at level 1 (no new cycles)",
        ),
        ("not_sent; expired 3 ms ago", "the order was not sent, it moved no money: expired 3 ms ago"),
        ("unfilled; the price was gone", "the order was not filled, it moved no money: the price was gone"),
        ("a way home that keeps 0.10%", "a way home that leaves a profit of 0.10%"),
    ],
)
def test_a_recorded_reason_is_shown_in_words(recorded: str | None, shown: str | None) -> None:
    assert reason_in_words(recorded) == shown
