"""Waiting for a good enough way home."""

from datetime import timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from kimp.contracts.cycle import RouteQuery, RouteReport
    from kimp.domain.compensation import loss_bound
    from kimp.domain.legs import LegEstimate
    from kimp.domain.market import Venue
    from kimp.domain.money import Money, exact
    from kimp.domain.routing import choose_route
    from kimp.domain.sizing import cash_of

from workflows.policies import MARKET
from workflows.steps import StepFailed, answered
from workflows.story import CycleStory


async def await_route(story: CycleStory, cash: Money) -> LegEstimate:
    """The route to take: at once if it keeps enough of the profit, after the deadline if its loss is bearable.

    When the cycle is undone, what is bearable grows step by step over the same time. Raises Stopped.
    """
    policy = story.cycle.policy
    spent = story.spent
    if spent is None:
        raise StepFailed("nothing was spent, so there is nothing to bring home")
    pause = timedelta(seconds=policy.rebalance_poll_s)
    began = workflow.now()
    while True:
        story.control.check()
        report = await _find_routes(story, cash)
        if report.krw_per_usdt is not None:
            story.krw_per_usdt = report.krw_per_usdt
        least = _least(story, int((workflow.now() - began).total_seconds()))
        # Undoing counts from what there is to bring home: the loss that led here is no reason to wait.
        route = choose_route(report.routes, _worth_home(story, cash) if story.control.undoing else spent, least)
        if route is not None:
            await story.wait(None)
            return route
        reason = f"a way home that keeps {least:.2%}"
        await story.wait(reason, pause)
        await story.control.sleep(pause, "until the routes are looked at again")


def _least(story: CycleStory, elapsed_s: int) -> Decimal:
    policy = story.cycle.policy
    if story.control.undoing:
        last = policy.compensation_loss_limit
        return loss_bound(policy.rebalance_loss_limit, last, elapsed_s, policy.rebalance_deadline_s)
    return policy.rebalance_loss_limit if elapsed_s >= policy.rebalance_deadline_s else policy.rebalance_floor


@exact
def _worth_home(story: CycleStory, cash: Money) -> Money:
    """The cash in home's own, at the last known rate."""
    home = story.cycle.direction.source
    rate = story.krw_per_usdt
    return cash_of(home, cash.amount * rate if home is Venue.UPBIT else cash.amount / rate)


async def _find_routes(story: CycleStory, cash: Money) -> RouteReport:
    return await answered(
        story,
        MARKET,
        MarketActivities.find_routes,
        RouteQuery(
            cycle_id=story.cycle.cycle_id,
            direction=story.cycle.direction.opposite,
            cash=cash,
            coins=story.cycle.policy.route_coins,
            max_quote_age_ms=story.cycle.policy.max_quote_age_ms,
        ),
        summary=f"ways home for {cash}",
    )
