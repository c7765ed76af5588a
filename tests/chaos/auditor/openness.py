"""I10, further: what is still under way, by raw rows and the venue's own log, whatever kimp says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from chaos.auditor.books import Books
from chaos.auditor.names import OrderName
from chaos.auditor.reconciliation import owners, reconcile
from chaos.auditor.venue_truth import VenueTruth

SURFACES_MS = 60_000
"""From its journal entry on an order that nobody has heard of may yet be executed: three times the fence."""


@dataclass(frozen=True, slots=True)
class Open:
    """Somebody has yet to bring it to an end."""

    what: str
    cycle_id: str | None


def open_things(truth: VenueTruth, books: Books, now_ms: int) -> Iterator[Open]:
    """Cycles, reserved cash, orders, transfers, and what moved and is in no book."""
    for cycle in sorted(books.open_cycles | books.reserving):
        yield Open("the cycle itself", cycle)
    yield from _orders(truth, books, now_ms)
    for part in reconcile(truth, books).unbooked:
        yield Open(f"{part.what}, which is in no book", part.cycle_id)
    yield from _transfers(truth, books)


def _orders(truth: VenueTruth, books: Books, now_ms: int) -> Iterator[Open]:
    for order in truth.orders:
        if order.uuid not in truth.closed:
            name = OrderName.of(order.client_id or "")
            yield Open(f"order {order.client_id}, which trades", None if name is None else name.cycle)
    known = {order.client_id for order in truth.orders}
    for intent in books.orders.values():
        if intent.unheard and intent.client_id not in known and intent.first_asked_ms > now_ms - SURFACES_MS:
            yield Open(f"order {intent.client_id}, which may yet surface", intent.cycle_id)


def _transfers(truth: VenueTruth, books: Books) -> Iterator[Open]:
    """Those of ours."""
    owner = owners(truth, books)
    for withdrawal in truth.withdrawals:
        if withdrawal.uuid in owner and not withdrawal.over:
            yield Open(f"withdrawal {withdrawal.uuid}, which is under way", owner[withdrawal.uuid].cycle_id)
    for deposit in truth.deposits:
        if deposit.withdrawal in owner and not deposit.over:
            yield Open(f"deposit {deposit.uuid}, which is under way", owner[deposit.withdrawal].cycle_id)
