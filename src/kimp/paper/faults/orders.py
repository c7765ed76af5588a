"""Faults of orders, asked by the desk."""

from dataclasses import replace
from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.accounts import Accounts, InsufficientFunds
from kimp.paper.amounts import ZERO, exact, floor_to
from kimp.paper.conditions import Condition, Conditions
from kimp.paper.faults import kinds
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.matching import Match, first_of, in_pieces
from kimp.paper.orders import Filtered, Force, MarketHalted, MarketNotPermitted, Order, State, TakenName
from kimp.paper.terms import BNB, bnb_fee

K = FaultKind
PIECES = 600
"""Of many fills: Binance lists 500 at once unless it is asked for more."""
FOREIGN_SHARE = Decimal("0.5")
"""Of an order: how much another program's order of the same name asked for."""
FILLED_SHARE = Decimal("0.5")
"""Of what would have been filled at once."""
CUTS = frozenset({K.ORDER_EXPIRED, K.PARTIAL_FILL, K.MANY_FILLS, K.WORSE_PRICE})
"""They change what trades at once; an order that must be filled whole or not at all is left alone."""


class OrderFaults:
    """The hook of one venue's desk."""

    def __init__(self, venue: Venue, injector: Injector, accounts: Accounts, conditions: Conditions) -> None:
        self._venue = venue
        self._injector = injector
        self._accounts = accounts
        self._conditions = conditions

    @exact
    def allow(self, order: Order, takes: list[Match]) -> list[Match] | None:
        """Raises what `Desk.place` may raise to refuse an order, as if there were a cause for it."""
        symbol = order.request.instrument.symbol
        fault = self._injector.draw(
            self._venue, f"ORDER {symbol}", self._possible(order, takes), client_id=order.request.client_id
        )
        if fault is None:
            return None
        if fault.kind is K.MARKET_HALTED:
            self._conditions.begin(Condition.HALTED, self._venue, fault.ms, symbol)
            raise MarketHalted
        if fault.kind is K.NOT_PERMITTED:
            self._conditions.begin(Condition.NOT_PERMITTED, self._venue, fault.ms, symbol)
            raise MarketNotPermitted
        if fault.kind is K.FOREIGN_ORDER:
            raise TakenName(_foreign(order))
        if fault.kind is K.INSUFFICIENT_BALANCE:
            raise InsufficientFunds(order.lock_asset, order.locked, ZERO)
        if fault.kind is K.ORDER_REFUSED:
            raise Filtered
        _mark(order, fault)
        return _traded(order, takes, fault.kind)

    def _possible(self, order: Order, takes: list[Match]) -> frozenset[FaultKind]:
        request, possible = order.request, kinds.ORDER
        if not takes or request.force is Force.ALL_NOW:
            possible -= CUTS
        if request.limit is None or all(take.price == request.limit for take in takes):
            possible -= {K.WORSE_PRICE}
        if sum((take.quantity for take in takes), ZERO) < PIECES * request.instrument.lot:
            possible -= {K.MANY_FILLS}
        if request.client_id is None or _foreign_quantity(order) <= ZERO:
            possible -= {K.FOREIGN_ORDER}
        if not takes or self._accounts[BNB].free < sum((bnb_fee(order, take) for take in takes), ZERO):
            possible -= {K.FEE_IN_BNB}
        return possible


def _foreign_quantity(order: Order) -> Decimal:
    return floor_to((order.request.quantity or ZERO) * FOREIGN_SHARE, order.request.instrument.lot)


def _foreign(order: Order) -> Order:
    """Of the same name and market, at the same moment; ended before anything was filled."""
    request = replace(order.request, quantity=_foreign_quantity(order))
    return replace(order, request=request, state=State.EXPIRED, fills=[])


def _mark(order: Order, fault: Fault) -> None:
    """What will be remembered of it."""
    until_ms = order.created_ms + fault.ms
    if fault.kind is K.NOT_YET_VISIBLE:
        order.visible_ms = until_ms
    elif fault.kind is K.STALE_ORDER:
        order.fresh_ms = until_ms
    elif fault.kind is K.TRADES_LAG:
        order.complete_ms = until_ms
    elif fault.kind is K.DOUBLE_FEE:
        order.fee_rate *= 2
    elif fault.kind is K.FEE_IN_BNB:
        order.fee_in_bnb = True


def _traded(order: Order, takes: list[Match], kind: FaultKind) -> list[Match] | None:
    """What trades at once, if it is not what the book says."""
    request, quantity = order.request, sum((take.quantity for take in takes), ZERO)
    if kind is K.ORDER_EXPIRED:
        return []
    if kind is K.PARTIAL_FILL:
        return first_of(takes, quantity * FILLED_SHARE, request.instrument.lot)
    if kind is K.MANY_FILLS:
        return in_pieces(takes, PIECES, request.instrument.lot)
    if kind is K.WORSE_PRICE and request.limit is not None:
        return [Match(request.limit, quantity)]
    return None
