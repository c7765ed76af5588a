"""I7, further: limits and fees beside fills; and after a venue has broken one, no new cycle without a person."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from chaos.auditor.books import Books
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.names import CASH
from chaos.auditor.venue_truth import Fill, Order, VenueTruth

NO_NEW_CYCLES = 1
FEE_MARGIN, ROUNDED = Decimal("1.5"), Decimal("0.02")
"""Between the published fee and twice that; and what rounding may add to the fee of the smallest fill, in won."""


def check_breaches(truth: VenueTruth, books: Books, fee_rates: Mapping[str, Decimal]) -> Iterator[Violation]:
    """Each booked fill beyond its order's limit, or with too high a fee, closed the kill switch, or found it closed."""
    orders = {order.uuid: order for order in truth.orders}
    booked = {entry.entry_id.partition("/")[0] for entry in books.entries}
    for fill in truth.fills:
        order = orders.get(fill.order)
        if order is None or fill.client_id not in booked or _halted(books, fill.ms):
            continue
        facts = {"client_id": fill.client_id, "journal": fill.n}
        if _beyond(fill, order):
            yield violation(
                "a venue filled beyond the limit, and nobody halted", **facts, price=fill.price, limit=order.limit
            )
        if _dear(fill, fee_rates):
            yield violation(
                "a venue took more than its fee, and nobody halted", **facts, fee=fill.fee, asset=fill.fee_asset
            )


def _beyond(fill: Fill, order: Order) -> bool:
    if order.limit is None:
        return False
    return fill.price > order.limit if fill.side == "buy" else fill.price < order.limit


def _dear(fill: Fill, fee_rates: Mapping[str, Decimal]) -> bool:
    """A fee in a third asset has no published rate."""
    bases = {fill.coin: fill.quantity, CASH[fill.venue]: fill.price * fill.quantity}
    if fill.fee_asset not in bases or fill.venue not in fee_rates:
        return False
    rounded = ROUNDED if fill.fee_asset == CASH["upbit"] else Decimal(0)
    return fill.fee > bases[fill.fee_asset] * fee_rates[fill.venue] * FEE_MARGIN + rounded


def _halted(books: Books, at_ms: int) -> bool:
    before = [halt.level for halt in books.halts if halt.from_ms <= at_ms]
    after = [halt.level for halt in books.halts if halt.from_ms > at_ms]
    return max([*before[-1:], *after], default=0) >= NO_NEW_CYCLES
