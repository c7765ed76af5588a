"""Faults of orders, asked by the desk."""

from decimal import Decimal

from kimp.domain.market import Venue
from kimp.paper.accounts import InsufficientFunds
from kimp.paper.amounts import ZERO, exact
from kimp.paper.faults import kinds
from kimp.paper.faults.injector import Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.matching import Take, first_of
from kimp.paper.orders import Force, Order

K = FaultKind
FILLED_SHARE = Decimal("0.5")
"""Of what would have been filled at once."""


class OrderFaults:
    """The hook of one venue's desk."""

    def __init__(self, venue: Venue, injector: Injector) -> None:
        self._venue = venue
        self._injector = injector

    @exact
    def allow(self, order: Order, takes: list[Take]) -> list[Take] | None:
        """Raises InsufficientFunds as if the balance did not cover the order."""
        request = order.request
        possible = kinds.ORDER if takes and request.force is not Force.ALL_NOW else kinds.ORDER - {K.PARTIAL_FILL}
        route = f"ORDER {request.instrument.symbol}"
        fault = self._injector.draw(self._venue, route, possible, client_id=request.client_id)
        if fault is None:
            return None
        if fault.kind is K.INSUFFICIENT_BALANCE:
            raise InsufficientFunds(order.lock_asset, order.locked, ZERO)
        if fault.kind is K.NOT_YET_VISIBLE:
            order.visible_ms = order.created_ms + fault.ms
            return None
        wanted = sum((take.quantity for take in takes), ZERO) * FILLED_SHARE
        return first_of(takes, wanted, request.instrument.lot)
