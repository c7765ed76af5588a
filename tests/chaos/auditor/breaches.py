"""I7, further: limits beside fills, exactly; and after a venue has broken one, no new cycle without a person."""

from collections.abc import Iterator

from chaos.auditor.books import Books
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.venue_truth import Fill, Order, VenueTruth

NO_NEW_CYCLES = 1


def check_breaches(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """Each fill beyond its order's limit that is in the books has closed the kill switch, or found it closed."""
    orders = {order.uuid: order for order in truth.orders}
    booked = {entry.entry_id.partition("/")[0] for entry in books.entries}
    for fill in truth.fills:
        order = orders.get(fill.order)
        if order is None or not _beyond(fill, order) or fill.client_id not in booked:
            continue
        if not _halted(books, fill.ms):
            facts = {"client_id": fill.client_id, "journal": fill.n, "price": fill.price, "limit": order.limit}
            yield violation("a venue filled beyond the limit, and nobody halted", **facts)


def _beyond(fill: Fill, order: Order) -> bool:
    if order.limit is None:
        return False
    return fill.price > order.limit if fill.side == "buy" else fill.price < order.limit


def _halted(books: Books, at_ms: int) -> bool:
    before = [halt.level for halt in books.halts if halt.from_ms <= at_ms]
    after = [halt.level for halt in books.halts if halt.from_ms > at_ms]
    return max([*before[-1:], *after], default=0) >= NO_NEW_CYCLES
