"""Undoing a cycle: from whatever it holds to cash on the venue where it started, at the least cost.

The plan follows from the inventory, not from the list of steps taken, so it is right after partial fills, odd fees and
a compensation that was itself interrupted.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.gates import Blocked
from kimp.domain.ledger import Held, Holder
from kimp.domain.legs import estimate_return, estimate_sale
from kimp.domain.money import ONE, ZERO, Asset, Money, exact
from kimp.domain.routing import rank_routes
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView

DUST_KRW = Decimal(10_000)
"""Cash worth less is left abroad: twice Upbit's least order (5,000 KRW), below which no route exists."""
STEPS = 10
"""In how many equal steps a loss bound is raised to its last value."""


@dataclass(frozen=True, slots=True)
class Position:
    """Something that a cycle holds and that is not cash at home."""

    account: Holder
    asset: Asset
    amount: Decimal

    @property
    def venue(self) -> Venue | None:
        """Where it can be traded; None while it is in transit."""
        return self.account if isinstance(self.account, Venue) else None

    @property
    def place(self) -> str:
        """For people."""
        return "in transit" if self.venue is None else f"on {self.venue}"

    def __str__(self) -> str:
        return f"{self.amount:f} {self.asset} {self.place}"


def positions(held: Held, home: Venue) -> list[Position]:
    """What is still to be undone, latest first: what travels, coins abroad, cash abroad, coins at home."""
    found = [
        Position(account, asset, amount)
        for (account, asset), amount in held.items()
        if amount > ZERO and (account, asset) != (home, home.cash)
    ]
    return sorted(found, key=lambda position: (_rank(position, home), position.asset))


def debts(held: Held, coins: Collection[Asset]) -> list[tuple[Venue, Asset, Decimal]]:
    """Coins that the cycle gave away and never had, and how many: an order that surfaced late sold them once more.

    They are somebody else's. `coins`: those that there are markets for; cash is settled by what is left at home.
    """
    return [
        (venue, asset, -amount)
        for (venue, asset), amount in sorted(held.items())
        if isinstance(venue, Venue) and amount < ZERO and asset in coins and asset != venue.cash
    ]


def _rank(position: Position, home: Venue) -> int:
    if position.venue is None:
        return 0
    if position.venue is home:
        return 3
    return 2 if position.asset == position.venue.cash else 1


@dataclass(frozen=True, slots=True)
class WaysBack:
    """What coins abroad bring home, in home's cash; None for a way that is closed or can't be priced."""

    returned: Money | None
    """Sent back and sold at home."""
    finished: Money | None
    """Sold where they are, the cash brought home by the best route."""

    @property
    def send_back(self) -> bool:
        """Selling at once is the choice when nothing is known: it ends the price risk."""
        if self.returned is None:
            return False
        return self.finished is None or self.finished < self.returned


@exact
def ways_back(
    view: MarketView,
    coin: Asset,
    amount: Decimal,
    direction: Direction,
    coins: Iterable[Asset],
    now_ms: int,
    max_age_ms: int,
    premium_band: Decimal,
) -> WaysBack:
    """Compare finishing forward with returning, for `amount` coins on `direction.source`; home is its destination."""
    returned = estimate_return(view, coin, amount, direction, now_ms, max_age_ms)
    cash = estimate_sale(view, coin, direction.source, amount, now_ms, max_age_ms)
    routes = (
        [] if isinstance(cash, Blocked) else rank_routes(view, coins, direction, cash, now_ms, max_age_ms, premium_band)
    )
    return WaysBack(
        returned=None if isinstance(returned, Blocked) else returned,
        finished=routes[0].proceeds if routes else None,
    )


@exact
def loss_bound(first: Decimal, last: Decimal, elapsed_s: int, over_s: int) -> Decimal:
    """The result that a way home must keep, as a ratio: from `first` to `last` in equal steps while time goes by."""
    passed = ONE if elapsed_s >= over_s else Decimal(elapsed_s * STEPS // over_s) / STEPS
    return first + (last - first) * passed
