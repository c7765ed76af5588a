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
    from kimp.domain.reasons import Kind, Reason
    from kimp.domain.won import from_won, in_won

from workflows.page import turn_page_if_full
from workflows.policies import ROUTES
from workflows.steps import LOOK_AGAIN, LOOK_AGAIN_AT_MOST, Ended, StepFailed, fails, look_again, until_answered
from workflows.story import CycleStory


async def await_route(story: CycleStory, cash: Money, since: datetime) -> LegEstimate:
    """The route to take: at once if it keeps enough of the profit, after the deadline if its loss is bearable.

    When the cycle is undone, what is bearable grows step by step over the same time. `since`: when the cash was first
    to go home. Raises Stopped.
    """
    look_for, pause = timedelta(), LOOK_AGAIN
    waited = away = False
    while True:
        if waited:
            turn_page_if_full()
        story.control.check()
        elapsed_s = int((workflow.now() - since).total_seconds())
        ratio = _least_ratio(story, elapsed_s)
        least = _least(story, cash, ratio)
        try:
            report = await story.control.unless_asked(_find_route(story, cash, least, look_for))
        except _Away as why:
            away = True
            pause = await look_again(story, why.reason, min(pause, _until_raised(story, elapsed_s)))
            continue
        if report is None:
            continue
        if away:
            away, pause = False, LOOK_AGAIN
            await story.wait(None)
        if report.krw_per_usdt is not None:
            story.krw_per_usdt = report.krw_per_usdt
        if report.route is not None:
            if waited:  # else what keeps a buy from being sent is still waited for
                await story.wait(None)
            return report.route
        look_for = _how_long(story, look_for, elapsed_s)
        await story.wait(Reason(f"a way home that keeps {ratio:.2%}{_left_out(story)}", Kind.NO_ROUTE), look_for)
        waited = True


def _left_out(story: CycleStory) -> str:
    refused = ", ".join(f"{coin} on {venue}" for venue, coin in sorted(story.refused))
    return f", without what the account may not trade ({refused}); retry tries that again" if refused else ""


def _how_long(story: CycleStory, last: timedelta, elapsed_s: int) -> timedelta:
    """For how long the activity looks by itself: longer each time, but not beyond where the bound is raised."""
    return min(min(last * 2, LOOK_AGAIN_AT_MOST) or LOOK_AGAIN, _until_raised(story, elapsed_s))


def _until_raised(story: CycleStory, elapsed_s: int) -> timedelta:
    """How long the present bound holds."""
    deadline_s = story.cycle.policy.rebalance_deadline_s
    if elapsed_s >= deadline_s:
        return LOOK_AGAIN_AT_MOST
    step_s = max(deadline_s // STEPS if story.control.undoing else deadline_s, 1)
    return timedelta(seconds=step_s - elapsed_s % step_s)


def _least_ratio(story: CycleStory, elapsed_s: int) -> Decimal:
    policy = story.cycle.policy
    if story.control.undoing:
        last = policy.compensation_loss_limit
        return loss_bound(policy.rebalance_loss_limit, last, elapsed_s, policy.rebalance_deadline_s)
    return policy.rebalance_loss_limit if elapsed_s >= policy.rebalance_deadline_s else policy.rebalance_floor


@exact
def _least(story: CycleStory, cash: Money, ratio: Decimal) -> Money:
    """Proceeds at home that keep `ratio` of the cash spent; when undoing, of what there is to bring home."""
    if story.spent is None and not story.control.undoing:
        raise StepFailed("nothing was spent, so there is nothing to bring home")
    base = _worth_home(story, cash) if story.control.undoing or story.spent is None else story.spent
    return base * (ONE + ratio)


def _worth_home(story: CycleStory, cash: Money) -> Money:
    """The cash in home's own, at the last known rate: the loss that led here is no reason to wait."""
    rate = story.krw_per_usdt
    return from_won(in_won(cash, rate), story.cycle.direction.source.cash, rate)


class _Away(Ended):
    """Nobody answers what ways home there are: it is asked again, by the bound of that time."""


def _asks_anew(error: str, why: Reason) -> None:
    fails(error, why)
    raise _Away(why.text, why.kind)


async def _find_route(story: CycleStory, cash: Money, least: Money, look_for: timedelta) -> RouteReport:
    return await until_answered(
        story,
        ROUTES,
        MarketActivities.find_route,
        RouteQuery(
            cycle_id=story.cycle.cycle_id,
            direction=story.cycle.direction.opposite,
            cash=cash,
            least=least,
            coins=story.route_coins,
            max_quote_age_ms=story.cycle.policy.max_quote_age_ms,
            look_every_s=story.cycle.policy.rebalance_poll_s,
            look_for_s=int(look_for.total_seconds()),
        ),
        refusal=_asks_anew,
        summary=f"a way home for {cash.amount:,.2f} {cash.asset} that brings {least.amount:,.2f} {least.asset}",
    )
