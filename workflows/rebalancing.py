"""Waiting for a good enough way home."""

from datetime import timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.market import MarketActivities
    from kimp.contracts.cycle import RouteQuery, RouteReport
    from kimp.domain.legs import LegEstimate
    from kimp.domain.money import Money
    from kimp.domain.routing import choose_route

from workflows.policies import MARKET
from workflows.steps import StepFailed
from workflows.story import CycleStory


async def await_route(story: CycleStory, cash: Money) -> LegEstimate:
    """The route to take: at once if it keeps enough of the profit, after the deadline if its loss is bearable."""
    policy = story.cycle.policy
    spent = story.spent
    if spent is None:
        raise StepFailed("nothing was spent, so there is nothing to bring home")
    deadline = workflow.now() + timedelta(seconds=policy.rebalance_deadline_s)
    while True:
        report = await _find_routes(story, cash)
        if report.krw_per_usdt is not None:
            story.krw_per_usdt = report.krw_per_usdt
        late = workflow.now() >= deadline
        least = policy.rebalance_loss_limit if late else policy.rebalance_floor
        route = choose_route(report.routes, spent, least)
        if route is not None:
            await story.wait(None)
            return route
        await story.wait(f"a way home that keeps {least:.2%}")
        await workflow.sleep(timedelta(seconds=policy.rebalance_poll_s), summary="until the routes are looked at again")


async def _find_routes(story: CycleStory, cash: Money) -> RouteReport:
    return await MARKET.call(
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
