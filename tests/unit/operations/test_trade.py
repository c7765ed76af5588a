"""A cycle as a trade: steps that add up to what stayed."""

from collections import defaultdict
from decimal import Decimal

from fakes.market import XRP
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain.ledger import Account, Entry, Holder, deposit_entry, fill_entry, withdrawal_entry, write_off_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset, exact
from kimp.domain.venues import PAIR, Venue
from kimp.operations.trade import CycleTrades, Moved, Traded, trade_of

D = Decimal
BUY = [
    fill_entry("XRP-1-1B1-1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t1", D(2), D(60), D("0.06"), XRP)),
    fill_entry("XRP-1-1B1-1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, Fill("t2", D("2.1"), D(40), D("0.04"), XRP)),
]
AMOUNTS = st.decimals("0.00000001", "1000000", places=8)


def test_an_order_is_the_sum_of_its_fills() -> None:
    (order,) = trade_of(BUY).steps
    assert order == Traded("XRP-1-1B1-1", Side.BUY, Venue.BINANCE, XRP, USDT, D(100), D(204), {XRP: D("0.1")})
    assert isinstance(order, Traded)
    assert order.price == D("2.04")


def test_usdt_is_a_coin_where_it_is_bought_for_won() -> None:
    fill = fill_entry("XRP-1-HB1-1", "XRP-1", Venue.UPBIT, USDT, Side.BUY, Fill("t", D(1470), D(100), D(73), KRW))
    (order,) = trade_of([fill]).steps
    assert isinstance(order, Traded)
    assert (order.side, order.coin, order.cash, order.quantity, order.price) == (Side.BUY, USDT, KRW, D(100), D(1470))


def test_coins_that_left_and_arrived_are_steps_of_their_own() -> None:
    out = withdrawal_entry("XRP-1-1W-1", "XRP-1", Venue.BINANCE, XRP, D("99.7"), D("0.2"))
    there = deposit_entry("XRP-1-1W-1", "XRP-1", Venue.UPBIT, XRP, D("99.7"))
    lost = write_off_entry("XRP-1/write-off/1", "XRP-1", Venue.UPBIT, XRP, D(1))
    sent, arrived, gone = trade_of([out, there, lost]).steps
    assert isinstance(sent, Moved)
    assert sent.fee == D("0.2")
    assert sent.changes[Account.IN_TRANSIT, XRP] == D("99.7")
    assert isinstance(arrived, Moved)
    assert arrived.changes == {(Account.IN_TRANSIT, XRP): D("-99.7"), (Venue.UPBIT, XRP): D("99.7")}
    assert isinstance(gone, Moved)
    assert gone.changes == {(Venue.UPBIT, XRP): D(-1)}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(PAIR)), st.sampled_from(list(Side)), st.integers(1, 3), AMOUNTS, AMOUNTS, AMOUNTS
        ),
        max_size=12,
    )
)
def test_what_stayed_is_the_sum_of_the_steps(fills: list[tuple[Venue, Side, int, Decimal, Decimal, Decimal]]) -> None:
    entries: list[Entry] = [
        fill_entry(
            f"{venue}-{side}-{order}", "XRP-1", venue, XRP, side, Fill(f"t{n}", price, quantity, fee, venue.cash)
        )
        for n, (venue, side, order, price, quantity, fee) in enumerate(fills)
    ]
    trade = trade_of(entries)
    total = _sum_of(trade)
    assert trade.left == {key: amount for key, amount in total.items() if amount}


@exact  # sums of a hypothesis draw have more digits than the ambient context keeps
def _sum_of(trade: CycleTrades) -> dict[tuple[Holder, Asset], Decimal]:
    total: defaultdict[tuple[Holder, Asset], Decimal] = defaultdict(Decimal)
    for step in trade.steps:
        assert isinstance(step, Traded)
        sign = 1 if step.side is Side.BUY else -1
        total[step.account, step.coin] += sign * step.quantity
        total[step.account, step.cash] -= sign * step.funds
        for asset, fee in step.fees.items():
            total[step.account, asset] -= fee
    return dict(total)
