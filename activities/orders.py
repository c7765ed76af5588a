"""Orders: journalled before they are sent, sent once, looked up when in doubt, followed to the end by fills."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from temporalio import activity

from activities.identity import foreign_order
from activities.leaving import left_by_server_ms
from activities.pauses import pause
from activities.price_guard import PriceGuard
from activities.resets import WAS_RESET, may_not_begin
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderPair, OrderReport, PairReport
from kimp.domain.admission import HaltLevel
from kimp.domain.breach import breach_of
from kimp.domain.caps import above_ceiling
from kimp.domain.errors import KeyRefused, NotPermitted, NotSent, OutcomeUnknown, Rejected, Unavailable
from kimp.domain.ids import step_of
from kimp.domain.money import CONTEXT
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Venue
from kimp.domain.won import krw_per
from kimp.observability import metrics
from kimp.observability.crash_points import crash_point
from kimp.ports.clock import SteadyClock
from kimp.ports.controls import Controls
from kimp.ports.exchange import Trading, VenueOrder
from kimp.ports.journal import Journal, SendPermit

SEND_WITHIN_MS = 2_000
"""An attempt that stalls longer between journal and send must not send any more: a later one may have taken over."""
FENCE_MS = 20_000
"""An attempt that has looked for so long, by its own steady clock, knows: an order that is not there never will be.

It begins after the journal entry, which nothing is sent before; the wall clocks of two workers may differ by more.

Binance drops a request `recvWindow` (5 s) after its timestamp and gives its engine another 10 s (rest-api.md, Timing
security); Upbit publishes no bound, so the same one is kept, which is more than twice the request's own timeout.
"""
SOON_S = 2
"""After an order that kimp itself was too slow to send."""
LOOK_AGAIN_S = 1.0
FOLLOW_S = 0.1
FOLLOW_LIMIT_MS = 30_000


@dataclass(frozen=True)
class OrderActivities:
    """Needs the right to trade on both venues."""

    venues: Mapping[Venue, Trading]
    journal: Journal
    controls: Controls
    clock: SteadyClock
    guard: PriceGuard

    @activity.defn
    async def execute_order(self, intent: OrderIntent) -> OrderReport:
        """Carry out one order. However often this runs, the venue accepts the order at most once."""
        began_ms = self.clock.steady_ms()
        step = step_of(intent.client_order_id)
        crash_point("order-asked", step)
        if await may_not_begin(intent, self.journal):
            return _report(intent, OrderOutcome.BLOCKED, reason=WAS_RESET)
        if intent.opening is not None:
            self.guard.begin(intent.coin)
        asked_ms = self.clock.steady_ms()
        permit = await self.journal.ask_order(intent)
        crash_point("order-journalled", step)
        (report,) = await self._execute((intent,), (permit,), _leave(intent, permit, began_ms, asked_ms))
        return report

    @activity.defn
    async def execute_pair(self, pair: OrderPair) -> PairReport:
        """Carry out two orders side by side, or neither; each is looked up, followed and closed like any other.

        Done when both outcomes are known: until then nobody knows what is open between them.
        """
        began_ms = self.clock.steady_ms()
        step = step_of(pair.buy.client_order_id)
        crash_point("pair-asked", step)
        if await may_not_begin(pair.buy, self.journal):
            buy, sell = (_report(order, OrderOutcome.BLOCKED, reason=WAS_RESET) for order in (pair.buy, pair.sell))
            return PairReport(buy=buy, sell=sell)
        if pair.buy.opening is not None:
            self.guard.begin(pair.buy.coin)
        asked_ms = self.clock.steady_ms()
        permits = await self.journal.ask_pair(pair)
        crash_point("pair-journalled", step)
        leave = _leave(pair.buy, permits[0], began_ms, asked_ms)
        buy, sell = await self._execute((pair.buy, pair.sell), permits, leave)
        return PairReport(buy=buy, sell=sell)

    async def _execute(
        self, orders: Sequence[OrderIntent], permits: Sequence[SendPermit], leave: "_Leave"
    ) -> Sequence[OrderReport]:
        """Orders that were journalled together: they leave together, or none does."""
        permit = permits[0]
        if permit.refused is not None:
            why = f"{permit.refused.gate}; {permit.refused.detail}"
            return [_report(order, OrderOutcome.NOT_SENT, reason=why) for order in orders]
        if (used_by := next((one.run_id for one in permits if one.run_id != orders[0].run_id), None)) is not None:
            why = f"the id was used before, by run {used_by}"
            return [_report(order, OrderOutcome.NOT_SENT, reason=why) for order in orders]
        journalled_ms = self.clock.steady_ms()
        try:
            if permit.first:
                await self._may_leave(orders, permit, leave)
        except (_HeldBack, _Blocked) as bar:
            return [await self._closed(order, _kept_back(order, bar)) for order in orders]
        work = [
            self._finish(order, permit, leave, journalled_ms) for order, permit in zip(orders, permits, strict=True)
        ]
        return [await work[0]] if len(work) == 1 else await _all(work)

    async def _finish(
        self, intent: OrderIntent, permit: SendPermit, leave: "_Leave", journalled_ms: int
    ) -> OrderReport:
        report = await self._carry_out(intent, permit, leave, journalled_ms)
        crash_point("order-followed", step_of(intent.client_order_id))
        return await self._closed(intent, report)

    async def _closed(self, intent: OrderIntent, report: OrderReport) -> OrderReport:
        await self.journal.close_order(intent, report)
        crash_point("order-closed", step_of(intent.client_order_id))
        metrics.orders.add(1, {"venue": intent.venue, "side": intent.side.value, "outcome": report.outcome.value})
        return report

    async def _carry_out(
        self, intent: OrderIntent, permit: SendPermit, leave: "_Leave", journalled_ms: int
    ) -> OrderReport:
        try:
            order = await self._send_once(intent, leave) if permit.first else None
            order = order or await self._look_up(intent, journalled_ms)
        except _Blocked as bar:
            return _kept_back(intent, bar)
        except _Refused as refusal:
            outcome, reported = OrderOutcome.REJECTED, str(refusal)
            return _report(intent, outcome, reason=reported, not_permitted=refusal.not_permitted)
        if order is None:
            return _report(intent, OrderOutcome.ABSENT, reason="no answer, and unknown to the venue after the fence")
        crash_point("order-sent", step_of(intent.client_order_id))
        # One that the journal gave back does not know until when it was good, nor the journal always when it was asked.
        asked_ms = min(intent.expires_at_ms, permit.first_asked_ms)
        foreign = foreign_order(intent, order.terms, asked_ms)
        if foreign is None:
            order = await self._follow(intent, order)
            foreign = foreign_order(intent, order.terms, asked_ms)
        if foreign is not None:
            activity.logger.error("%s", foreign)
            return _report(intent, OrderOutcome.FOREIGN, reason=foreign)
        await self._halt_on_breach(intent, order)
        outcome = OrderOutcome.FILLED if order.fills else OrderOutcome.UNFILLED
        return _report(intent, outcome, order)

    async def _halt_on_breach(self, intent: OrderIntent, order: VenueOrder) -> None:
        """What was traded is booked as it was; but nothing new is begun until a person has looked."""
        breach = breach_of(
            intent.side, intent.limit_price, intent.taker_fee, intent.coin, intent.venue.cash, order.fills
        )
        if breach is not None:
            reason = f"order {intent.client_order_id} on {intent.venue}: {breach}"
            activity.logger.error("%s; no new cycles until `kimp resume`", reason)
            metrics.breaches.add(1, {"venue": intent.venue})
            crash_point("breach-found", intent.venue)
            await self.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, reason)
            crash_point("breach-halted", intent.venue)

    async def _may_leave(self, orders: Sequence[OrderIntent], permit: SendPermit, leave: "_Leave") -> None:
        """The last look before anything leaves. Raises _HeldBack or _Blocked, for all of them."""
        first, *others = orders
        for order in orders:
            self._check(order, permit, leave)
        if first.opening is not None:
            refusal = await self.guard.refusal(first, first.opening, *others)
            if refusal is not None:
                raise _HeldBack(f"{refusal.gate}; {refusal.detail}")
            for order in orders:
                self._check(order, permit, leave)

    async def _send_once(self, intent: OrderIntent, leave: "_Leave") -> VenueOrder | None:
        """None if the answer proves nothing."""
        try:
            return await self.venues[intent.venue].place_order(intent, send_by_ms=leave.by_ms)
        except NotSent as late:
            raise _Blocked(str(late), late.kind, SOON_S) from None
        except Unavailable as busy:
            raise _Blocked(str(busy), busy.kind, busy.retry_after) from None
        except KeyRefused as refusal:
            raise _Blocked(str(refusal), refusal.kind) from None
        except Rejected as refusal:
            raise _Refused(str(refusal), not_permitted=isinstance(refusal, NotPermitted)) from None
        except OutcomeUnknown as doubt:
            activity.logger.warning("order %s: %s; looking it up", intent.client_order_id, doubt)
            return None

    def _check(self, intent: OrderIntent, permit: SendPermit, leave: "_Leave") -> None:
        """Raises _HeldBack or _Blocked."""
        now = self.clock.steady_ms()
        amount = CONTEXT.multiply(intent.quantity, intent.limit_price)
        krw_per_cash = krw_per(intent.venue.cash, self.guard.bounds.nearest(intent.krw_per_cash))
        if (too_large := above_ceiling(intent.venue.cash, amount, krw_per_cash)) is not None:
            raise _HeldBack(too_large)
        if permit.halt >= (HaltLevel.NOTHING_LEAVES if intent.compensating else HaltLevel.ONLY_COMPENSATION):
            raise _Blocked(
                f"orders are halted at level {int(permit.halt)} ({permit.halt.name.lower()})", ReasonKind.KILL_SWITCH
            )
        if now > leave.expires_ms:
            # What opens a cycle is gone with its moment; all others are priced anew.
            if intent.opening is not None:
                raise _HeldBack(f"expired {now - leave.expires_ms} ms ago")
            raise _Blocked(
                "the order's price was too old when it could be sent: nothing was sent, it is priced anew",
                ReasonKind.EXPIRED,
                SOON_S,
            )
        if now > leave.stalled_ms:
            raise _Blocked(
                "the order was held up before it could be sent: nothing was sent, it is tried again",
                ReasonKind.EXPIRED,
                SOON_S,
            )

    async def _look_up(self, intent: OrderIntent, journalled_ms: int) -> VenueOrder | None:
        """The order, or None once the fence has passed and the venue still does not know it."""
        while True:
            activity.heartbeat("looking up")
            past_fence = self.clock.steady_ms() - journalled_ms > FENCE_MS
            try:
                order = await self.venues[intent.venue].find_order(intent.coin, intent.client_order_id)
            except Unavailable as busy:
                # Only the last look decides, so an earlier one that fails need not begin the fence anew.
                if past_fence or (busy.retry_after or 0) * 1000 > FENCE_MS:
                    raise
                await pause(busy.retry_after or LOOK_AGAIN_S)
                continue
            if order is not None or past_fence:
                return order
            await pause(LOOK_AGAIN_S)

    async def _follow(self, intent: OrderIntent, order: VenueOrder) -> VenueOrder:
        """Wait for the last fill of an immediate order; the venue answers before it has matched."""
        until_ms = self.clock.steady_ms() + FOLLOW_LIMIT_MS
        while not order.closed:
            if self.clock.steady_ms() > until_ms:
                raise Unavailable("an immediate order is still open", venue=intent.venue)
            activity.heartbeat("following")
            await pause(FOLLOW_S)
            order = await self.venues[intent.venue].find_order(intent.coin, intent.client_order_id) or order
        return order


@dataclass(frozen=True, slots=True)
class _Leave:
    """Until when the order may leave, by the steady clock: later it is held back, by whatever it was held up."""

    expires_ms: int
    stalled_ms: int

    @property
    def by_ms(self) -> int:
        return min(self.expires_ms, self.stalled_ms)


def _leave(intent: OrderIntent, permit: SendPermit, began_ms: int, asked_ms: int) -> _Leave:
    """`began_ms`, `asked_ms`: when the attempt began, and when it asked the journal."""
    if intent.opening is None:
        expires_ms = began_ms + left_by_server_ms(intent.expires_at_ms)
    else:
        expires_ms = asked_ms + intent.expires_at_ms - permit.now_ms
    return _Leave(expires_ms, asked_ms + SEND_WITHIN_MS)


class _HeldBack(Exception):
    """kimp itself decided not to send."""


class _Blocked(Exception):
    """Nothing was executed, for a cause that passes: the same order may go later, under a new id."""

    def __init__(self, reason: str, kind: str, retry_after_s: int | None = None) -> None:
        super().__init__(reason)
        self.kind = kind
        self.retry_after_s = retry_after_s


class _Refused(Exception):
    """The venue refused the order itself: a refused look-up says nothing about an order that was sent before."""

    def __init__(self, reason: str, *, not_permitted: bool) -> None:
        super().__init__(reason)
        self.not_permitted = not_permitted


def _kept_back(intent: OrderIntent, bar: "_HeldBack | _Blocked") -> OrderReport:
    """Nothing was executed."""
    if isinstance(bar, _HeldBack):
        return _report(intent, OrderOutcome.NOT_SENT, reason=str(bar))
    return _report(intent, OrderOutcome.BLOCKED, reason=str(bar), kind=bar.kind, retry_after_s=bar.retry_after_s)


async def _all(work: Sequence[Coroutine[Any, Any, OrderReport]]) -> Sequence[OrderReport]:
    """Side by side, each to its end, whatever comes of the other. Raises what the first of those that failed raised."""
    ends = await asyncio.gather(*work, return_exceptions=True)
    reports = [end for end in ends if isinstance(end, OrderReport)]
    for end in ends:
        if isinstance(end, BaseException):
            raise end
    return reports


def _report(
    intent: OrderIntent,
    outcome: OrderOutcome,
    order: VenueOrder | None = None,
    reason: str = "",
    retry_after_s: int | None = None,
    *,
    kind: str = ReasonKind.OTHER,
    not_permitted: bool = False,
) -> OrderReport:
    return OrderReport(
        client_order_id=intent.client_order_id,
        outcome=outcome,
        venue_order_id=order.venue_order_id if order else None,
        fills=order.fills if order else (),
        reason=reason,
        reason_kind=kind,
        retry_after_s=retry_after_s,
        not_permitted=not_permitted,
    )
