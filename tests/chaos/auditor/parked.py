"""I1, further: a cycle that is parked for a person has booked all that its orders filled."""

from collections.abc import Iterator, Sequence

from chaos.auditor.books import Books
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.orders import beyond_fence
from chaos.auditor.reconciliation import Unbooked
from chaos.auditor.venue_truth import VenueTruth

PARKED = "DEAD_LETTER"


def check_parked(truth: VenueTruth, books: Books, unbooked: Sequence[Unbooked]) -> Iterator[Violation]:
    """What a person decides over must be all there is; an order that surfaced late is the sweep's to find."""
    late = {order.client_id for order in beyond_fence(truth, books)}
    fills = {fill.n: fill for fill in truth.fills}
    for part in unbooked:
        row, fill = books.cycles.get(part.cycle_id or ""), fills.get(part.n)
        if row is None or row["status"] != PARKED or fill is None or fill.client_id in late:
            continue
        if fill.ms <= row["updated_ms"]:
            yield violation("parked, and a fill is in no book", of=part.what, journal=part.n, cycle=part.cycle_id)
