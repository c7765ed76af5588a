"""I7: nothing is sent without leave: journalled, in time, below the caps, at a real price, past the kill switch."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from chaos.auditor.books import Books, Halt, OrderIntent
from chaos.auditor.evidence import Call, Circumstances, Row, Violation, Workflow, violation
from chaos.auditor.names import COMPENSATING, OrderName
from chaos.auditor.orders import beyond_fence
from chaos.auditor.reconciliation import owners
from chaos.auditor.venue_truth import Order, VenueTruth

REQUEST_LIFE_MS = 10_000
"""How long a request may be on its way: the client's time-out of 5 s, a late execution of 4 s, a margin."""
TAKES_EFFECT_MS = 5_000
"""A kill switch that was set for so long must have been seen: a transaction waits no longer for its turn."""
PRICE_BAND, UNDOING_BAND = Decimal("0.05"), Decimal("0.2")
"""A limit further from what it filled at was made from a price that never was. An undoing takes what it gets."""
ONLY_COMPENSATION, NOTHING_LEAVES = 2, 3


def check_leave(
    truth: VenueTruth, books: Books, workflows: Sequence[Workflow], circumstances: Circumstances
) -> Iterator[Violation]:
    expiry = _expiries(workflows)
    late = {order.client_id for order in beyond_fence(truth, books)}  # sent in time, executed when it pleased the venue
    filled_at = {fill.order: fill.price for fill in truth.fills}
    for order in truth.orders:
        intent = books.orders.get(order.client_id or "")
        if intent is None or intent.first_asked_ms > order.accepted_ms:
            yield violation("an order without an intent before it", client_id=order.client_id, journal=order.n)
            continue
        yield from _limits(order, circumstances, filled_at.get(order.uuid))
        expires = expiry.get((intent.client_id, intent.run_id))
        if expires is not None and order.accepted_ms > expires + REQUEST_LIFE_MS and order.client_id not in late:
            late_ms = order.accepted_ms - expires
            yield violation(
                "an order accepted after its expiry", client_id=order.client_id, journal=order.n, ms=late_ms
            )
        if _level(books.halts, intent.first_asked_ms) >= _forbidden(intent):
            yield violation("an order against the kill switch", client_id=order.client_id, journal=order.n)
    yield from _withdrawals(truth, books)


def _limits(order: Order, circumstances: Circumstances, filled_at: Decimal | None) -> Iterator[Violation]:
    facts = {"client_id": order.client_id, "journal": order.n}
    rate = Decimal(1) if order.venue == "upbit" else circumstances.krw_per_usdt
    if order.value is None or order.value * rate > circumstances.order_cap_krw:
        yield violation("an order above the cap", **facts, value=order.value, cap_krw=circumstances.order_cap_krw)
    name = OrderName.of(order.client_id or "")
    band = UNDOING_BAND if name is not None and name.leg == COMPENSATING else PRICE_BAND
    if order.limit and filled_at and abs(order.limit / filled_at - 1) > band:
        yield violation("an order off the price band", **facts, limit=order.limit, filled_at=filled_at)


def _forbidden(intent: OrderIntent) -> int:
    """The kill switch's first level that forbids it."""
    name = OrderName.of(intent.client_id)
    return NOTHING_LEAVES if name is not None and name.leg == COMPENSATING else ONLY_COMPENSATION


def _withdrawals(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    owner = owners(truth, books)
    for withdrawal in truth.withdrawals:
        facts = {"withdrawal": withdrawal.uuid, "journal": withdrawal.n}
        intent = owner.get(withdrawal.uuid)
        if intent is None or intent.first_asked_ms > withdrawal.accepted_ms:
            yield violation("a withdrawal without an intent before it", **facts)
        elif _level(books.halts, intent.first_asked_ms) >= NOTHING_LEAVES:
            yield violation("a withdrawal against the kill switch", **facts)


def _level(halts: Sequence[Halt], at_ms: int) -> int:
    """The lowest level that kimp may have read around then."""
    before, around = 0, list[int]()
    for halt in halts:
        if halt.from_ms <= at_ms - TAKES_EFFECT_MS:
            before = halt.level
        elif halt.from_ms <= at_ms + TAKES_EFFECT_MS:
            around.append(halt.level)
    return min([before, *around])


def _expiries(workflows: Sequence[Workflow]) -> Mapping[tuple[str, str], int]:
    """Client id and run -> the instant after which kimp must not send it, as the histories tell.

    A run that was taken over before its order was journalled leaves the id to the next."""
    return {
        (asked["client_order_id"], asked["run_id"]): asked["expires_at_ms"]
        for workflow in workflows
        for call in workflow.calls
        for asked in _orders_of(call)
    }


def _orders_of(call: Call) -> Sequence[Row]:
    """One, or both of a pair."""
    if call.activity == "execute_pair":
        return call.asked["buy"], call.asked["sell"]
    return (call.asked,) if call.activity == "execute_order" else ()
