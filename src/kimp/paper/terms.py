"""What an order has to set aside, and how it ends, by its venue's terms. Pure; called in the exact context."""

from collections.abc import Sequence
from decimal import Decimal

from kimp.domain.market import Side
from kimp.paper.amounts import SATOSHI, ZERO, floor_to
from kimp.paper.matching import Match
from kimp.paper.orders import Order, Request, State
from kimp.paper.venue_terms import TERMS

BNB = "BNB"
BNB_PRICE = Decimal(600)
"""USDT. There is no market for it here."""
BNB_SHARE = Decimal("0.75")
"""Of the fee, when it is paid so."""


def funds_needed(order: Order, takes: Sequence[Match]) -> Decimal:
    """What the rest of the order pays, without fee; `takes` price a buy that has no limit and no budget."""
    request = order.request
    if request.side is Side.SELL:
        return order.remaining or ZERO
    if request.budget is not None:
        return request.budget - order.funds
    if request.limit is not None:
        return request.limit * (order.remaining or ZERO)
    return sum((take.funds for take in takes), ZERO)


def reserved_fee(order: Order, cash: Decimal) -> Decimal:
    """On top of a buy, where the venue charges it so; a seller pays from the proceeds."""
    charged = TERMS[order.request.instrument.venue].fee_on_top and order.request.side is Side.BUY
    return floor_to(cash * order.fee_rate, SATOSHI) if charged else ZERO


def price(order: Order, takes: Sequence[Match]) -> None:
    """What a new order has to lock."""
    cash = funds_needed(order, takes)
    order.reserved_fee = reserved_fee(order, cash)
    order.locked = order.first_lock = cash + order.reserved_fee


def fee_of(order: Order, take: Match, bnb: Decimal) -> tuple[Decimal, str]:
    """Amount and asset of the fee of one trade. `bnb`: what the account holds; too little of it is left alone."""
    instrument = order.request.instrument
    base, asset = take.funds, instrument.quote
    if order.fee_in_bnb and (fee := bnb_fee(order, take)) <= bnb:
        return fee, BNB
    if order.request.side is Side.BUY and not TERMS[instrument.venue].fee_on_top:
        base, asset = take.quantity, instrument.base
    return floor_to(base * order.fee_rate, SATOSHI), asset


def bnb_fee(order: Order, take: Match) -> Decimal:
    return floor_to(take.funds * order.fee_rate * BNB_SHARE / BNB_PRICE, SATOSHI)


def outcome_of(request: Request, takes: Sequence[Match]) -> State:
    """How the order stands after these; OPEN: something is left that could still be filled."""
    if request.budget is None:
        filled = sum((take.quantity for take in takes), ZERO) == request.quantity
        return State.FILLED if filled else State.OPEN
    left = request.budget - sum((take.funds for take in takes), ZERO)
    if not takes or left >= takes[-1].price * request.instrument.lot:
        return State.OPEN
    # The change buys not even one lot more.
    return State.CANCELLED if left != ZERO and TERMS[request.instrument.venue].change_cancels else State.FILLED
