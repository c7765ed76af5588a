"""How large a cycle may be: the largest size, up to the configured one, at which the whole of it pays enough.

What a cycle brings rises with its size ever more slowly, as each further level is worse than those before it. So the
sizes that pay enough lie together, and the largest of them is where the tangent leads from any size that is too large
(Newton's method): each step stays above it, and a handful of steps ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.gates import Blocked
from kimp.domain.legs import LegEstimate, PricedLeg, Way, price_leg
from kimp.domain.money import ONE, ZERO, Money, exact

STEPS = 16
SHRINK = Decimal("0.995")
"""Each step makes it smaller by half a percent at least: lots and least steps of withdrawals are no smooth curve."""


@dataclass(frozen=True, slots=True)
class Sized:
    """A cycle at one size."""

    leg_one: PricedLeg
    route: PricedLeg | None
    """The way home that brings the most; None where no book of any carries it, or leg one's sale finds too few bids."""
    edge: Decimal | None
    """Expected result over the cash spent; None without a route."""
    smaller: Decimal | None
    """No size between this one and that can pay enough; None: none below this one can."""

    @property
    def size(self) -> Money:
        """Cash that leg one spends."""
        return self.leg_one.estimate.spent


@dataclass(frozen=True, slots=True)
class Search:
    """What was tried, largest first."""

    tried: tuple[Sized, ...]
    found: Sized | None
    """The largest that pays enough."""
    blocked: Blocked | None
    """A size that is below a venue's minimum, where the search ended at one."""

    @property
    def smaller(self) -> bool:
        """Whether what was found is smaller than was asked for, by more than lots leave over."""
        return self.found is not None and (len(self.tried) > 1 or self.found.leg_one.buy.thin is not None)


@exact
def net_edge(leg_one: LegEstimate, route: LegEstimate) -> Decimal:
    """What comes home over what went out, less one.

    Cash that whole lots leave over on the way home stays the account's own: the two legs' yields are multiplied.
    """
    out = leg_one.proceeds.amount / leg_one.spent.amount
    home = route.proceeds.amount / route.spent.amount
    return out * home - ONE


@exact
def largest_cycle(out: Way, ways_home: Sequence[Way], cash: Money, threshold: Decimal) -> Search:
    """The largest cycle of at most `cash` whose edge is at least `threshold`."""
    tried: list[Sized] = []
    while len(tried) < STEPS:
        sized = _size(out, ways_home, cash, threshold)
        if isinstance(sized, Blocked):
            return Search(tuple(tried), None, sized)
        tried.append(sized)
        if sized.edge is not None and sized.edge >= threshold:
            return Search(tuple(tried), sized, None)
        if sized.smaller is None:
            break
        cash = Money(min(sized.smaller, sized.size.amount * SHRINK), cash.asset)
    return Search(tuple(tried), None, None)


def _size(out: Way, ways_home: Sequence[Way], cash: Money, threshold: Decimal) -> Sized | Blocked:
    leg_one = price_leg(out, cash)
    if isinstance(leg_one, Blocked):
        return leg_one
    spent = leg_one.estimate.spent.amount
    if leg_one.sale.thin is not None:
        return Sized(leg_one, None, None, spent * leg_one.sale.share)
    routes = [
        route
        for route in (price_leg(way, leg_one.estimate.proceeds) for way in ways_home)
        if not isinstance(route, Blocked)
    ]
    whole = [route for route in routes if route.buy.thin is None and route.sale.thin is None]
    best = min(whole, key=_rank, default=None)
    edge = None if best is None else net_edge(leg_one.estimate, best.estimate)
    if edge is not None and edge >= threshold:
        return Sized(leg_one, best, edge, None)
    tangents = [_tangent(leg_one, route, threshold) for route in whole]
    carried = [spent * r.buy.share * r.sale.share for r in routes if r.buy.thin is not None or r.sale.thin is not None]
    smaller = max((size for size in (*tangents, *carried) if size is not None), default=None)
    return Sized(leg_one, best, edge, smaller)


def _rank(route: PricedLeg) -> tuple[Decimal, str]:
    return -route.estimate.proceeds.amount, route.estimate.coin


def _tangent(leg_one: PricedLeg, route: PricedLeg, threshold: Decimal) -> Decimal | None:
    """Where the cycle would pay enough if all below this size brought as little as the last unit of it does."""
    lacking = threshold - net_edge(leg_one.estimate, route.estimate)
    last_loses = ONE + threshold - leg_one.marginal * route.marginal
    if last_loses <= ZERO or lacking >= last_loses:
        return None
    return leg_one.estimate.spent.amount * (ONE - lacking / last_loses)
