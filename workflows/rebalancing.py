"""Waiting for a good enough way home."""

from datetime import datetime, timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from kimp.contracts.cycle import RouteQuery, RouteReport
    from kimp.domain.compensation import STEPS, loss_bound
    from kimp.domain.legs import LegEstimate
    from kimp.domain.money import ONE, Money, exact
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.won import from_won, in_won

from workflows.continuing import continue_as_new_if_long
from workflows.policies import ROUTES
from workflows.steps import LOOK_AGAIN, LOOK_AGAIN_AT_MOST, StepEnded, StepFailed, fails, look_again, until_answered
from workflows.tracker import CycleTracker


async def await_route(tracker: CycleTracker, cash: Money, since: datetime) -> LegEstimate:
    """The route to take: at once if it keeps enough of the profit, after the deadline if its loss is bearable.

    When the cycle is undone, what is bearable grows step by step over the same time. `since`: when the cash was first
    to go home. Raises Stopped.
    """
    look_for, pause = timedelta(), LOOK_AGAIN
    waited = away = False
    while True:
        if waited:
            continue_as_new_if_long()
        tracker.control.check()
        elapsed_s = int((workflow.now() - since).total_seconds())
        ratio = _least_ratio(tracker, elapsed_s)
        least = _least(tracker, cash, ratio)
        try:
            report = await tracker.control.unless_interrupted(_find_route(tracker, cash, least, look_for))
        except _Away as why:
            away = True
            pause = await look_again(tracker, why.reason, min(pause, _until_raised(tracker, elapsed_s)))
            continue
        if report is None:
            continue
        if away:
            away, pause = False, LOOK_AGAIN
            await tracker.wait(None)
        if report.krw_per_usdt is not None:
            tracker.krw_per_usdt = report.krw_per_usdt
        if report.route is not None:
            if waited:  # else what keeps a buy from being sent is still waited for
                await tracker.wait(None)
            return report.route
        look_for = _how_long(tracker, look_for, elapsed_s)
        await tracker.wait(
            Reason(f"a way home that keeps {ratio:.2%}{_left_out(tracker)}", ReasonKind.NO_ROUTE), look_for
        )
        waited = True


def _left_out(tracker: CycleTracker) -> str:
    refused = ", ".join(f"{coin} on {venue}" for venue, coin in sorted(tracker.refused))
    return f", without what the account may not trade ({refused}); retry tries that again" if refused else ""


def _how_long(tracker: CycleTracker, last: timedelta, elapsed_s: int) -> timedelta:
    """For how long the activity looks by itself: longer each time, but not beyond where the bound is raised."""
    return min(min(last * 2, LOOK_AGAIN_AT_MOST) or LOOK_AGAIN, _until_raised(tracker, elapsed_s))


def _until_raised(tracker: CycleTracker, elapsed_s: int) -> timedelta:
    """How long the present bound holds."""
    deadline_s = tracker.cycle.policy.rebalance_deadline_s
    if elapsed_s >= deadline_s:
        return LOOK_AGAIN_AT_MOST
    step_s = max(deadline_s // STEPS if tracker.control.undoing else deadline_s, 1)
    return timedelta(seconds=step_s - elapsed_s % step_s)


def _least_ratio(tracker: CycleTracker, elapsed_s: int) -> Decimal:
    policy = tracker.cycle.policy
    if tracker.control.undoing:
        last = policy.compensation_loss_limit
        return loss_bound(policy.rebalance_loss_limit, last, elapsed_s, policy.rebalance_deadline_s)
    return policy.rebalance_loss_limit if elapsed_s >= policy.rebalance_deadline_s else policy.rebalance_floor


@exact
def _least(tracker: CycleTracker, cash: Money, ratio: Decimal) -> Money:
    """Proceeds at home that keep `ratio` of the cash spent; when undoing, of what there is to bring home."""
    if tracker.spent is None and not tracker.control.undoing:
        raise StepFailed("nothing was spent, so there is nothing to bring home")
    base = _worth_home(tracker, cash) if tracker.control.undoing or tracker.spent is None else tracker.spent
    return base * (ONE + ratio)


def _worth_home(tracker: CycleTracker, cash: Money) -> Money:
    """The cash in home's own, at the last known rate: the loss that led here is no reason to wait."""
    rate = tracker.krw_per_usdt
    return from_won(in_won(cash, rate), tracker.cycle.direction.source.cash, rate)


class _Away(StepEnded):
    """Nobody answers what ways home there are: it is asked again, by the bound of that time."""


def _asks_anew(error: str, why: Reason) -> None:
    fails(error, why)
    raise _Away(why.text, why.kind)


async def _find_route(tracker: CycleTracker, cash: Money, least: Money, look_for: timedelta) -> RouteReport:
    return await until_answered(
        tracker,
        ROUTES,
        MarketActivities.find_route,
        RouteQuery(
            cycle_id=tracker.cycle.cycle_id,
            direction=tracker.cycle.direction.opposite,
            cash=cash,
            least=least,
            coins=tracker.route_coins,
            max_quote_age_ms=tracker.cycle.policy.max_quote_age_ms,
            look_every_s=tracker.cycle.policy.rebalance_poll_s,
            look_for_s=int(look_for.total_seconds()),
        ),
        refusal=_asks_anew,
        summary=f"a way home for {cash.amount:,.2f} {cash.asset} that brings {least.amount:,.2f} {least.asset}",
    )
