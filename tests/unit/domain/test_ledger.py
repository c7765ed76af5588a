"""Double entry: where value goes, and that none appears or vanishes."""

from decimal import Decimal

import pytest
from fakes.market import XRP, d

from kimp.domain.errors import UnbalancedEntry
from kimp.domain.ledger import (
    Account,
    Entry,
    Held,
    Holder,
    Posting,
    deposit_entry,
    fees_elsewhere_krw,
    fill_entry,
    holdings,
    opening_entry,
    spent_on,
    unexplained_differences,
    unexplained_entry,
    value_krw,
    withdrawal_entry,
)
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Venue

Booked = set[tuple[Holder, Asset, str]]


def booked(entry: Entry) -> Booked:
    return {(p.account, p.asset, f"{p.amount.normalize():f}") for p in entry.postings}


@pytest.mark.parametrize(("amount", "off"), [("1.5", "0.5"), ("0.5", "-0.5")])
def test_an_entry_that_does_not_sum_to_zero_is_refused(amount: str, off: str) -> None:
    with pytest.raises(UnbalancedEntry, match=rf"entry e1: XRP is off by {off}"):
        Entry("e1", "XRP-1", (Posting(Venue.UPBIT, XRP, d(amount)), Posting(Account.MARKET, XRP, d(-1))))


def test_assets_do_not_balance_each_other() -> None:
    with pytest.raises(UnbalancedEntry):
        Entry("e1", None, (Posting(Venue.UPBIT, KRW, d(1)), Posting(Account.MARKET, USDT, d(-1))))


def test_a_buy_on_binance_pays_its_fee_in_the_coin() -> None:
    entry = fill_entry("o1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t9", d(2), d(100), d("0.1"), XRP))
    assert entry.entry_id == "o1/t9"
    assert entry.cycle_id == "XRP-1"
    assert booked(entry) == {
        (Venue.BINANCE, XRP, "100"),
        (Account.MARKET, XRP, "-100"),
        (Venue.BINANCE, USDT, "-200"),
        (Account.MARKET, USDT, "200"),
        (Venue.BINANCE, XRP, "-0.1"),
        (Account.FEES, XRP, "0.1"),
    }


def test_a_sale_on_upbit_pays_its_fee_in_won() -> None:
    entry = fill_entry("o2", "XRP-1", Venue.UPBIT, XRP, Side.SELL, Fill("t1", d(2800), d(10), d(14), KRW))
    assert booked(entry) == {
        (Venue.UPBIT, XRP, "-10"),
        (Account.MARKET, XRP, "10"),
        (Venue.UPBIT, KRW, "28000"),
        (Account.MARKET, KRW, "-28000"),
        (Venue.UPBIT, KRW, "-14"),
        (Account.FEES, KRW, "14"),
    }


def test_a_fee_in_a_third_asset_is_taken_from_that_asset() -> None:
    bnb = Asset("BNB")
    entry = fill_entry("o3", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t1", d(2), d(1), d("0.001"), bnb))
    assert {(Venue.BINANCE, bnb, "-0.001"), (Account.FEES, bnb, "0.001")} < booked(entry)


@pytest.mark.parametrize(
    ("venue", "coin", "price", "most_krw"),
    [(Venue.BINANCE, XRP, d(2), d(700)), (Venue.UPBIT, XRP, d(2800), d(700)), (Venue.UPBIT, USDT, d(1390), d(350))],
)
@pytest.mark.parametrize("side", Side)
def test_a_fee_in_a_third_asset_is_bounded_by_its_trade(
    side: Side, venue: Venue, coin: Asset, price: Decimal, most_krw: Decimal
) -> None:
    """A quarter of a percent of what was traded, in won; two trades bear twice as much."""
    bnb = Asset("BNB")
    trades = [fill_entry(f"o{n}", "XRP-1", venue, coin, side, Fill("t1", price, d(100), d(9), bnb)) for n in (1, 2)]
    assert fees_elsewhere_krw(trades, d(1400)) == {bnb: most_krw * 2}


@pytest.mark.parametrize("asset", [XRP, USDT])
def test_a_fee_in_what_was_traded_needs_no_bound(asset: Asset) -> None:
    trade = fill_entry("o1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t1", d(2), d(100), d(1), asset))
    sent = withdrawal_entry("w1", "XRP-1", Venue.BINANCE, XRP, d(99), d(1))
    assert fees_elsewhere_krw([trade, sent], d(1400)) == {}


def test_what_is_left_without_a_price_is_no_result() -> None:
    """It would count as nothing, and a loss as none."""
    with pytest.raises(KeyError):
        value_krw({(Venue.BINANCE, Asset("BNB")): d(-1)}, d(1400), {})


def test_no_fee_books_no_posting() -> None:
    entry = fill_entry("o4", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t1", d(2), d(1), d(0), XRP))
    assert Account.FEES not in {posting.account for posting in entry.postings}


def test_a_withdrawal_is_in_transit_and_its_fee_is_spent() -> None:
    entry = withdrawal_entry("XRP-1-1W-1", "XRP-1", Venue.BINANCE, XRP, d("99.8"), d("0.2"))
    assert entry.entry_id == "XRP-1-1W-1/out"
    assert booked(entry) == {
        (Venue.BINANCE, XRP, "-100"),
        (Account.IN_TRANSIT, XRP, "99.8"),
        (Account.FEES, XRP, "0.2"),
    }


def test_what_travels_is_held() -> None:
    out = withdrawal_entry("w", "XRP-1", Venue.BINANCE, XRP, d("99.8"), d("0.2"))
    assert holdings([out]) == {(Venue.BINANCE, XRP): d(-100), (Account.IN_TRANSIT, XRP): d("99.8")}


def test_a_deposit_ends_the_transit() -> None:
    out = withdrawal_entry("w", "XRP-1", Venue.BINANCE, XRP, d("99.8"), d("0.2"))
    into = deposit_entry("w", "XRP-1", Venue.UPBIT, XRP, d("99.8"))
    assert into.entry_id == "w/in"
    assert holdings([out, into]) == {(Venue.BINANCE, XRP): d(-100), (Venue.UPBIT, XRP): d("99.8")}


def test_the_opening_books_what_the_account_holds_from_outside() -> None:
    entry = opening_entry(Venue.UPBIT, {KRW: d(1000), XRP: d(5), USDT: d(0)})
    assert entry.entry_id == "opening/upbit"
    assert entry.cycle_id is None
    assert booked(entry) == {
        (Account.EXTERNAL, KRW, "-1000"),
        (Venue.UPBIT, KRW, "1000"),
        (Account.EXTERNAL, XRP, "-5"),
        (Venue.UPBIT, XRP, "5"),
    }


def cycle() -> list[Entry]:
    """1000 USDT -> 500 XRP -> 1,414,000 won -> 4040 TRX -> 1010 USDT, with one won of fee."""
    trx = Asset("TRX")
    return [
        fill_entry("a", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("1", d(2), d(500), d(0), XRP)),
        withdrawal_entry("w1", "XRP-1", Venue.BINANCE, XRP, d(500), d(0)),
        deposit_entry("w1", "XRP-1", Venue.UPBIT, XRP, d(500)),
        fill_entry("b", "XRP-1", Venue.UPBIT, XRP, Side.SELL, Fill("1", d(2828), d(500), d(1), KRW)),
        fill_entry("c", "XRP-1", Venue.UPBIT, trx, Side.BUY, Fill("1", d(350), d(4040), d(0), KRW)),
        withdrawal_entry("w2", "XRP-1", Venue.UPBIT, trx, d(4040), d(0)),
        deposit_entry("w2", "XRP-1", Venue.BINANCE, trx, d(4040)),
        fill_entry("d", "XRP-1", Venue.BINANCE, trx, Side.SELL, Fill("1", d("0.25"), d(4040), d(0), USDT)),
    ]


def test_a_whole_cycle_leaves_its_profit_and_no_coin() -> None:
    assert holdings(cycle()) == {(Venue.BINANCE, USDT): d(10), (Venue.UPBIT, KRW): d(-1)}


def test_the_result_in_won() -> None:
    assert value_krw(holdings(cycle()), d(1400), {}) == d(13_999)


def test_coins_that_are_left_are_valued_at_their_own_price() -> None:
    half = cycle()[:3]
    assert value_krw(holdings(half), d(1400), {XRP: d(2800)}) == d(0)


def test_nothing_is_worth_nothing() -> None:
    assert value_krw(holdings([]), d(1400), {}) == 0


def test_what_a_step_spent_is_the_cash_of_its_own_orders() -> None:
    bought = fill_entry("XRP-1-1B1-1", "XRP-1", Venue.UPBIT, XRP, Side.BUY, Fill("1", d(2800), d(10), d(14), KRW))
    undone = fill_entry("XRP-1-RS1-1", "XRP-1", Venue.UPBIT, XRP, Side.SELL, Fill("1", d(2790), d(10), d(14), KRW))
    assert spent_on([bought, undone], Venue.UPBIT, "1B") == Money(d(28_014), KRW)
    assert spent_on([undone], Venue.UPBIT, "1B") is None


def test_what_a_venue_holds_beyond_the_ledger_is_unexplained_and_booked_from_outside() -> None:
    ledger: Held = {(Venue.UPBIT, KRW): d(100), (Venue.UPBIT, XRP): d(7), (Account.EXTERNAL, KRW): d(-100)}
    differences = unexplained_differences(ledger, {(Venue.UPBIT, KRW): d(130), (Venue.UPBIT, XRP): d(5)})
    assert differences == {(Venue.UPBIT, KRW): d(30), (Venue.UPBIT, XRP): d(-2)}
    assert booked(unexplained_entry("r", differences)) == {
        (Venue.UPBIT, KRW, "30"),
        (Account.EXTERNAL, KRW, "-30"),
        (Venue.UPBIT, XRP, "-2"),
        (Account.EXTERNAL, XRP, "2"),
    }
