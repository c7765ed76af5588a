"""Which coin brings the cash home at the least cost."""

from collections.abc import Iterable

from kimp.domain.gates import Blocked
from kimp.domain.legs import LegEstimate, estimate_leg
from kimp.domain.money import Asset, Money, exact
from kimp.domain.venues import Direction
from kimp.domain.view import MarketView


@exact
def rank_routes(
    view: MarketView,
    coins: Iterable[Asset],
    direction: Direction,
    cash: Money,
    now_ms: int,
    max_age_ms: int,
) -> list[LegEstimate]:
    """Every open way to move `cash`, the one that brings home the most first; ties by coin name."""
    estimates = (estimate_leg(view, coin, direction, cash, now_ms, max_age_ms) for coin in coins)
    routes = [estimate for estimate in estimates if not isinstance(estimate, Blocked)]
    return sorted(routes, key=lambda route: (-route.proceeds.amount, route.coin))


def choose_route(routes: Iterable[LegEstimate], least: Money) -> LegEstimate | None:
    """The first route that brings home at least `least`; None if none does."""
    return next((route for route in routes if not route.proceeds < least), None)
