"""Which coin brings the cash home at the least cost."""

from collections.abc import Iterable
from decimal import Decimal

from kimp.domain.gates import Blocked
from kimp.domain.legs import LegEstimate, estimate_leg
from kimp.domain.money import Asset, Money, exact
from kimp.domain.venues import Direction
from kimp.domain.view import MarketView, premium_gate


@exact
def rank_routes(
    view: MarketView,
    coins: Iterable[Asset],
    direction: Direction,
    cash: Money,
    now_ms: int,
    max_age_ms: int,
    premium_band: Decimal,
) -> list[LegEstimate]:
    """Every open way to move `cash`, the one that brings home the most first; ties by coin name.

    A coin whose premium is beyond the band is no way: what it seems to bring home is another coin's price.
    """
    sane = (coin for coin in coins if premium_gate(view, direction.pair, coin, premium_band) is None)
    estimates = (estimate_leg(view, coin, direction, cash, now_ms, max_age_ms) for coin in sane)
    routes = [estimate for estimate in estimates if not isinstance(estimate, Blocked)]
    return sorted(routes, key=lambda route: (-route.proceeds.amount, route.coin))


def choose_route(routes: Iterable[LegEstimate], least: Money) -> LegEstimate | None:
    """The first route that brings home at least `least`; None if none does."""
    return next((route for route in routes if not route.proceeds < least), None)
