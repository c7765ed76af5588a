"""How much to order, at which limit, and what a withdrawal delivers: the venues' rules applied, rounding named."""

from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.market import Instrument, Network, Side
from kimp.domain.money import ONE, ZERO, Money, exact, round_down, round_up
from kimp.domain.venues import Venue


@exact
def paid(funds: Decimal, instrument: Instrument) -> Decimal:
    """Cash that a buy for `funds` takes, with the fee where the venue takes it in cash."""
    return funds * (ONE + instrument.taker_fee) if instrument.venue.buy_fee_on_top else funds


@exact
def buy_cost(price: Decimal, quantity: Decimal, instrument: Instrument) -> Decimal:
    """Cash that buying `quantity` takes."""
    return paid(price * quantity, instrument)


@exact
def bought(quantity: Decimal, instrument: Instrument) -> Decimal:
    """Coins that stay after a buy of `quantity`, less the fee where the venue takes it out of them."""
    return quantity if instrument.venue.buy_fee_on_top else quantity * (ONE - instrument.taker_fee)


@exact
def received(funds: Decimal, instrument: Instrument) -> Decimal:
    """Cash that a sale for `funds` brings in; every venue takes the fee from the cash."""
    return funds * (ONE - instrument.taker_fee)


@exact
def buy_quantity(cash: Money, price: Decimal, instrument: Instrument) -> Decimal:
    """The most coins, whole lots, that `cash` pays for at `price`, fee included."""
    unit = buy_cost(price, ONE, instrument)
    return round_down(cash.amount / unit, instrument.lot)


@exact
def least_buy(coins: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
    """The smallest order, whole lots, that leaves at least `coins` after the fee."""
    least = max(coins / (ONE - instrument.taker_fee), instrument.min_notional / price, instrument.min_quantity)
    return round_up(least, instrument.lot)


@exact
def marketable_limit(side: Side, price: Decimal, slippage: Decimal, instrument: Instrument) -> Decimal:
    """The worst price an immediate order may take: `price` give or take the ratio `slippage`, on a tick.

    Rounded towards `price`, so that the guard is never wider than asked; one tick of a coarse table may be more
    than `slippage`, then the guard is `price` itself.
    """
    if side is Side.BUY:
        worst = price * (ONE + slippage)
        return max(round_down(worst, instrument.tick(worst)), price)
    worst = price * (ONE - slippage)
    return min(round_up(worst, instrument.tick(worst)), price)


@exact
def order_problem(quantity: Decimal, price: Decimal, instrument: Instrument) -> str | None:
    """Why the venue would refuse an order of this size, or None."""
    notional = quantity * price
    if quantity < instrument.min_quantity or quantity <= ZERO:
        return f"quantity {quantity:f} is below the minimum {instrument.min_quantity:f} {instrument.coin}"
    if notional < instrument.min_notional:
        return f"value {notional:f} is below the minimum {instrument.min_notional:f} {instrument.venue.cash}"
    if notional > instrument.max_notional:
        return f"value {notional:f} is above the maximum {instrument.max_notional:f} {instrument.venue.cash}"
    return None


@dataclass(frozen=True, slots=True)
class WithdrawalSize:
    """What to ask of the venue, what reaches the other side; both in the coin."""

    amount: Decimal
    arrives: Decimal


@exact
def size_withdrawal(available: Decimal, network: Network) -> WithdrawalSize | None:
    """The largest withdrawal that `available` coins allow; None if that is below the venue's minimum."""
    fee = network.withdraw_fee
    if network.venue.withdraw_fee_on_top:
        amount = round_down(available - fee, network.withdraw_step)
        size = WithdrawalSize(amount, amount)
    else:
        amount = round_down(available, network.withdraw_step)
        size = WithdrawalSize(amount, amount - fee)
    return size if size.amount >= network.withdraw_min and size.arrives > ZERO else None


def cash_of(venue: Venue, amount: Decimal) -> Money:
    """`amount` of the venue's own cash."""
    return Money(amount, venue.cash)
