"""Looking for what nobody looks after: cycles without a workflow, orders that surfaced after their fence."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from temporalio import activity

from activities.identity import foreign_order
from activities.own_rate import own_krw_per_usdt
from kimp.contracts.cycle import CyclePolicy, StrandedInput
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderReport
from kimp.contracts.sweep import SWEEP, StrandedQuery, SweepQuery, Unattended
from kimp.domain.errors import BadAmount, NotFound, Rejected, Unstorable, VenueError
from kimp.domain.ids import step_of
from kimp.domain.own_prices import PriceBounds
from kimp.domain.venues import Venue
from kimp.observability import metrics
from kimp.observability.context import bound
from kimp.observability.crash_points import crash_point
from kimp.ports.exchange import Trading, VenueOrder
from kimp.ports.journal import UnfinishedCycle, UnfinishedCycles
from kimp.ports.settings import TradingRules
from kimp.ports.starter import CycleFates

LATE_MS = 3_600_000
"""For how long after its intent, and after its cycle's end, an order that nobody can vouch for is looked for.

A venue that executes one an hour late is beyond anything reported. A process that slept may wake up as late as it
likes, but closes what it finds, and that counts from the cycle's end on.
"""
SURE_MS = 300_000
"""For how long one that the venue refused, or closed without a fill, is looked for: its answer was definite."""
AT_ONCE = 500
"""Cycles that one sweep hands over: each takes a dozen events of its history."""


@dataclass(frozen=True)
class SweepActivities:
    """Needs the right to read orders on both venues; sends nothing."""

    venues: Mapping[Venue, Trading]
    unfinished_cycles: UnfinishedCycles
    fates: CycleFates
    rules: TradingRules
    bounds: PriceBounds

    @activity.defn
    async def adopt_late_orders(self, query: SweepQuery) -> Unattended:
        """Book what filled of orders that are in no book: their cycles count as unfinished from then on."""
        del query
        adopted: list[str] = []
        away: set[Venue] = set()
        for intent in await self.unfinished_cycles.unbooked_orders(LATE_MS, SURE_MS):
            name = intent.client_order_id
            # The sweep is of no cycle; what it says here is about one.
            attempt = str(activity.info().attempt)
            with bound(cycle_id=intent.cycle_id, step=step_of(name), attempt=attempt, venue=intent.venue):
                try:
                    if intent.venue not in away and await self._adopt(intent):
                        adopted.append(name)
                except VenueError as error:
                    if not isinstance(error, Rejected):  # which is about this order alone
                        away.add(intent.venue)
                    activity.logger.warning("order %s: %s; the next sweep asks again", name, error)
        adopted += await self.unfinished_cycles.reopen_for_withdrawals(LATE_MS)
        return Unattended(adopted=tuple(adopted))

    async def _adopt(self, intent: OrderIntent) -> bool:
        try:
            order = await self.venues[intent.venue].find_order(intent.coin, intent.client_order_id)
        except NotFound:
            return False
        if order is None or not order.closed or not order.fills:
            return False
        if (foreign := foreign_order(intent, order.terms, None)) is not None:
            activity.logger.error("%s", foreign)
            return False
        activity.logger.error("order %s surfaced after its fence and is undone", intent.client_order_id)
        metrics.late_orders.add(1, {"venue": intent.venue})
        crash_point("late-found", SWEEP)
        report = _report(intent, order)
        try:
            await self.unfinished_cycles.adopt(intent, report, intent.entries(order.fills))
        except (BadAmount, Unstorable) as refusal:
            # Its cycle is taken over all the same, and parks when it comes to this order.
            activity.logger.error("order %s can't be booked: %s", intent.client_order_id, refusal)
            await self.unfinished_cycles.adopt(intent, report, [])
        crash_point("late-adopted", SWEEP)
        return True

    @activity.defn
    async def find_stranded(self, query: SweepQuery) -> Unattended:
        """Unfinished cycles whose workflow does not run."""
        del query
        unfinished = await self.unfinished_cycles.unfinished()
        stranded = [cycle_id for cycle_id in unfinished if await self.fates.fate(cycle_id) is not None]
        if stranded:
            crash_point("stranded-found", SWEEP)
        # Drawn, where there are more: some that can't be taken over must not keep all others waiting.
        return Unattended(cycle_ids=tuple(sorted(random.sample(stranded, min(len(stranded), AT_ONCE)))))

    @activity.defn
    async def describe_stranded(self, query: StrandedQuery) -> Unattended:
        """What its new workflow begins with; nothing if it runs or has ended, or while nothing values cash."""
        fate = await self.fates.fate(query.cycle_id)
        # Asked in this order: a cycle that ended in between is finished by now.
        cycle = None if fate is None else await self.unfinished_cycles.unfinished_cycle(query.cycle_id)
        if fate is None or cycle is None:
            return Unattended()
        try:
            rate = await own_krw_per_usdt(self.venues[cycle.direction.pair.won], self.bounds)
        except VenueError as error:
            activity.logger.warning("%s is not taken over yet: %s", query.cycle_id, error)
            return Unattended()
        return Unattended(stranded=(_input(cycle, fate, rate, await self.rules.policy()),))


def _input(cycle: UnfinishedCycle, fate: str, krw_per_usdt: Decimal, policy: CyclePolicy) -> StrandedInput:
    return StrandedInput(
        cycle_id=cycle.cycle_id,
        coin=cycle.coin,
        direction=cycle.direction,
        expected_edge=cycle.expected_edge,
        premium=cycle.premium,
        krw_per_usdt=krw_per_usdt,
        detected_at_ms=cycle.detected_at_ms,
        policy=policy,
        why=_why(cycle, fate),
        parked=not cycle.ended,
        takes_over=cycle.takes_over,
        installation=cycle.installation,
    )


def _why(cycle: UnfinishedCycle, fate: str) -> str:
    if not cycle.ended:
        return fate
    return "an order surfaced after its fence" if cycle.takes_over.adopted else "a withdrawal of it is in no book"


def _report(intent: OrderIntent, order: VenueOrder) -> OrderReport:
    return OrderReport(
        client_order_id=intent.client_order_id,
        outcome=OrderOutcome.FILLED,
        venue_order_id=order.venue_order_id,
        fills=order.fills,
    )
