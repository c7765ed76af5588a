"""Rounding, orders and withdrawals hold their promises for any numbers.

The tests are `exact` too: a remainder of more than 28 digits is none in Python's own context.
"""

from decimal import Decimal

from fakes.market import XRP, instrument, network
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain import sizing
from kimp.domain.market import Side, TickBand
from kimp.domain.money import CONTEXT, Money, exact, round_down, round_up
from kimp.domain.venues import PAIR, Venue

STEPS = st.one_of(
    st.integers(-10, 3).map(lambda exponent: Decimal(1).scaleb(exponent)),
    st.sampled_from([Decimal(5), Decimal("0.5"), Decimal("0.25"), Decimal(50), Decimal(500)]),
)
AMOUNTS = st.decimals(0, 10**12, places=10)
PRICES = st.decimals("0.00000001", 10**9, places=8)
FEES = st.decimals(0, "0.01", places=5)
RATIOS = st.decimals(0, "0.1", places=5)
VENUES = st.sampled_from(PAIR)
KRW_BANDS = tuple(
    TickBand(Decimal(border), Decimal(tick))
    for border, tick in (
        (2_000_000, 1000),
        (1_000_000, 500),
        (500_000, 100),
        (100_000, 50),
        (10_000, 10),
        (1000, 1),
        (100, "0.1"),
        (10, "0.01"),
        (0, "0.00000001"),
    )
)
"""Coarse and fine bands like Upbit's, each border a multiple of the ticks on both of its sides."""


@given(AMOUNTS, STEPS)
@exact
def test_rounding_down_takes_less_than_a_step_and_adds_nothing(value: Decimal, step: Decimal) -> None:
    rounded = round_down(value, step)
    assert value - step < rounded <= value
    assert rounded % step == 0
    assert round_down(rounded, step) == rounded


@given(AMOUNTS, STEPS)
@exact
def test_rounding_up_adds_less_than_a_step_and_takes_nothing(value: Decimal, step: Decimal) -> None:
    rounded = round_up(value, step)
    assert value <= rounded < value + step
    assert rounded % step == 0
    assert round_up(rounded, step) == rounded


@given(AMOUNTS, PRICES, VENUES, FEES, STEPS)
@exact
def test_a_buy_never_costs_more_than_there_is(
    cash: Decimal, price: Decimal, venue: Venue, fee: Decimal, lot: Decimal
) -> None:
    rules = instrument(venue, fee=str(fee), lot=str(lot))
    quantity = sizing.buy_quantity(Money(cash, venue.cash), price, rules)
    assert quantity >= 0
    assert quantity % lot == 0
    assert sizing.buy_cost(price, quantity, rules) <= cash
    one_more = CONTEXT.add(quantity, lot)
    assert sizing.buy_cost(price, one_more, rules) >= CONTEXT.multiply(cash, 1 - Decimal("1E-30")), (
        "nothing is left idle"
    )


@given(AMOUNTS, VENUES, st.decimals(0, 1000, places=8), STEPS, st.decimals(0, 1000, places=4))
@exact
def test_a_withdrawal_never_takes_more_than_there_is(
    available: Decimal, venue: Venue, fee: Decimal, step: Decimal, least: Decimal
) -> None:
    size = sizing.size_withdrawal(available, network(venue, XRP, fee=str(fee), least=str(least), step=str(step)))
    if size is None:
        return
    debited = CONTEXT.add(size.amount, fee) if venue is Venue.UPBIT else size.amount
    assert debited <= available
    assert size.arrives > 0
    assert size.amount >= least
    assert size.amount % step == 0
    assert CONTEXT.subtract(debited, size.arrives) == fee, "what does not arrive is the fee and nothing else"


@given(st.sampled_from(Side), PRICES, RATIOS)
@exact
def test_the_guard_is_never_wider_than_asked_and_never_beyond_the_price(
    side: Side, near: Decimal, slippage: Decimal
) -> None:
    rules = instrument(Venue.UPBIT, bands=KRW_BANDS)
    price = round_up(near, rules.tick(near))
    limit = sizing.marketable_limit(side, price, slippage, rules)
    assert limit % rules.tick(limit) == 0, "the venue takes it"
    if side is Side.BUY:
        assert price <= limit <= CONTEXT.multiply(price, 1 + slippage)
    else:
        assert CONTEXT.multiply(price, 1 - slippage) <= limit <= price


@given(PRICES, AMOUNTS, VENUES, FEES)
@exact
def test_there_and_back_at_one_price_never_gains(price: Decimal, quantity: Decimal, venue: Venue, fee: Decimal) -> None:
    rules = instrument(venue, fee=str(fee))
    spent = sizing.buy_cost(price, quantity, rules)
    assert sizing.received(price * sizing.bought(quantity, rules), rules) <= spent
