"""I2: whatever dies or gets lost, the venue accepts an order at most once per step."""

from collections.abc import Iterator
from decimal import Decimal

from chaos.auditor.books import Books, OrderIntent
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.names import OrderName
from chaos.auditor.reconciliation import reconcile, repeated
from chaos.auditor.venue_truth import Order, VenueTruth

FENCE_MS = 20_000
"""From the journal entry on: an order that the venue accepts later surfaced beyond the fence."""


def beyond_fence(truth: VenueTruth, books: Books) -> list[Order]:
    """Orders that the venue accepted when kimp had already taken them for absent: the one allowed exception."""
    return [
        order
        for order in truth.orders
        if (intent := books.orders.get(order.client_id or "")) is not None
        and order.accepted_ms > intent.first_asked_ms + FENCE_MS
    ]


def check_orders(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """One accepted order per cycle, step and part; each is what its intent says, and fills no more."""
    late = beyond_fence(truth, books)
    yield from _once([order for order in truth.orders if order not in late])
    for client_id, times in repeated(order.client_id for order in truth.orders if order.client_id is not None):
        yield violation("a client id accepted more than once", client_id=client_id, times=times)
    filled: dict[str, Decimal] = {}
    for fill in truth.fills:
        filled[fill.order] = filled.get(fill.order, Decimal(0)) + fill.quantity
    for order in truth.orders:
        intent = books.orders.get(order.client_id or "")
        if intent is not None:
            yield from _as_intended(order, intent, filled.get(order.uuid, Decimal(0)))
    yield from _taken_in(late, truth, books)


def _once(orders: list[Order]) -> Iterator[Violation]:
    steps: dict[OrderName, list[Order]] = {}
    for order in orders:
        name = OrderName.of(order.client_id or "")
        if name is None:
            yield violation("an order that kimp can't have named", client_id=order.client_id, journal=order.n)
        else:
            steps.setdefault(name, []).append(order)
    for name, accepted in steps.items():
        if len(accepted) > 1:
            ids = " ".join(f"{order.client_id}@{order.n}" for order in accepted)
            step = f"{name.leg}{name.step}{name.part}"
            yield violation("more than one accepted order of a step", cycle=name.cycle, step=step, orders=ids)


def _as_intended(order: Order, intent: OrderIntent, filled: Decimal) -> Iterator[Violation]:
    asked = (intent.venue, intent.coin, intent.side, intent.quantity, intent.limit)
    sent = (order.venue, order.coin, order.side, order.quantity, order.limit)
    if asked != sent:
        yield violation("an order is not its intent", client_id=order.client_id, intent=asked, order=sent)
    if filled > intent.quantity:
        yield violation("filled more than intended", client_id=order.client_id, intent=intent.quantity, filled=filled)


def _taken_in(late: list[Order], truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """What surfaced beyond the fence must be booked, and so undone, by somebody."""
    unbooked = {part.what for part in reconcile(truth, books).unbooked}
    for order in late:
        if f"fill of {order.client_id}" in unbooked:
            yield violation("surfaced beyond the fence, never taken in", client_id=order.client_id, journal=order.n)
