"""I7, further: what a cycle was opened by: quotes that were fresh, and a price that the venue itself had then."""

from collections.abc import Iterator, Sequence

from chaos.auditor.books import Books
from chaos.auditor.evidence import Circumstances, Violation, Workflow, violation
from chaos.auditor.names import OrderName, cycle_of
from chaos.auditor.orders import beyond_fence
from chaos.auditor.venue_truth import VenueTruth

OPENED = "ArbitrageCycle"
OPENING = ("1", "B")
"""Leg and step of the order that opens a cycle."""
CLOCKS_MS = 1_000
"""How far two clocks of one machine, one of them read a moment ago, may be apart."""


def check_openings(
    truth: VenueTruth, books: Books, workflows: Sequence[Workflow], circumstances: Circumstances
) -> Iterator[Violation]:
    yield from _fresh(workflows, circumstances)
    yield from _at_the_market(truth, books, circumstances)


def _fresh(workflows: Sequence[Workflow], circumstances: Circumstances) -> Iterator[Violation]:
    """None of the quotes that decided was older than allowed, nor of a time to come."""
    most_ms = circumstances.max_quote_age_ms
    if most_ms is None:
        return
    for workflow in workflows:
        if workflow.kind != OPENED:
            continue
        cycle, quoted_ms = cycle_of(workflow.workflow_id), workflow.opening.get("quoted_at_ms")
        if quoted_ms is None:
            yield violation("a cycle was opened, and nobody knows how old its quotes were", cycle=cycle)
            continue
        age_ms = workflow.opening["detected_at_ms"] - quoted_ms
        if abs(age_ms) > most_ms + CLOCKS_MS:
            yield violation("a cycle was opened by stale quotes", cycle=cycle, age_ms=age_ms, allowed_ms=most_ms)


def _at_the_market(truth: VenueTruth, books: Books, circumstances: Circumstances) -> Iterator[Violation]:
    """A first order's limit beside the venue's own book when it was accepted.

    One that the venue executed beyond the fence was sent by the prices of long before.
    """
    if circumstances.price_band is None:
        return
    most = circumstances.price_band + circumstances.price_step
    late = {order.n for order in beyond_fence(truth, books)}
    for order in truth.orders:
        name = OrderName.of(order.client_id or "")
        if name is None or (name.leg, name.step) != OPENING or order.n in late:
            continue
        own = order.ask if order.side == "buy" else order.bid
        if order.limit is None or abs(order.limit / own - 1) > most:
            facts = {"client_id": order.client_id, "journal": order.n, "limit": order.limit, "own": own}
            yield violation("opened at a price that the venue did not have", **facts)
