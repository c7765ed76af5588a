"""Whatever either side of a pair fills, and whatever comes of each order that closes the difference: position and cash
balance in the end.
"""

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal

from fakes.market import XRP, instrument
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain import sizing
from kimp.domain.difference import BothSides, came_to_nothing, closings, too_little
from kimp.domain.legs import Market
from kimp.domain.market import Quote, Side
from kimp.domain.money import ONE, ZERO, Asset, exact, round_down
from kimp.domain.venues import PAIR, Direction, Venue

RATE = Decimal(1400)
LOT = Decimal("0.01")
QUANTITY = Decimal(100)
CELLS = st.sampled_from(["filled", "partial", "nothing"])
SHARES = st.integers(1, 99).map(lambda percent: Decimal(percent) / 100)
TRAVEL = st.sampled_from([ZERO, Decimal("0.5"), Decimal(3)])
FEES = st.sampled_from([ZERO, Decimal("0.0005"), Decimal("0.001")])
USDT_PRICES = st.decimals("1.5", "2.5", places=4)
SIZES = st.sampled_from([Decimal(0), Decimal(7), Decimal("33.33"), Decimal(10_000)])


class World:
    """Cash and coins of both venues, moved by each fill as a venue would."""

    def __init__(self, both: BothSides, fees: dict[Venue, Decimal]) -> None:
        self.both = both
        self.moved: defaultdict[tuple[Venue, Asset], Decimal] = defaultdict(Decimal)
        self.rules = {
            venue: instrument(venue, fee=str(fees[venue]), min_notional="5000" if venue is PAIR.won else "5")
            for venue in PAIR
        }

    @exact
    def fill(self, venue: Venue, side: Side, quantity: Decimal, price: Decimal) -> None:
        if not quantity:
            return
        rules, funds = self.rules[venue], price * quantity
        if side is Side.BUY:
            coins, cash = sizing.bought(quantity, rules), -sizing.paid(funds, rules)
        else:
            coins, cash = -quantity, sizing.received(funds, rules)
        self.moved[venue, XRP] += coins
        self.moved[venue, venue.cash] += cash
        both, at = self.both, abs(cash / coins)
        if venue is both.direction.source:
            self.both = replace(both, bought=both.bought + coins, bought_at=both.bought_at or at)
        else:
            self.both = replace(both, sold=both.sold - coins, sold_at=both.sold_at or at)


def share(cell: str, partial: Decimal) -> Decimal:
    return {"filled": ONE, "partial": partial, "nothing": ZERO}[cell]


def quotes(venue: Venue, price: Decimal, size: Decimal) -> Quote:
    bid = price * (RATE if venue is PAIR.won else 1)
    return Quote(venue, XRP, bid, size, bid * Decimal("1.001"), size, 0)


@dataclass(frozen=True)
class Moment:
    """What the books are, per venue, and how much of the order that is sent then fills."""

    prices: tuple[Decimal, Decimal]
    sizes: tuple[Decimal, Decimal]
    fills: Decimal

    def books(self, world: "World") -> dict[Venue, Market]:
        shown = zip(PAIR, self.prices, self.sizes, strict=True)
        return {venue: Market(quotes(venue, price, size), world.rules[venue]) for venue, price, size in shown}


MOMENTS = st.builds(
    Moment,
    st.tuples(USDT_PRICES, USDT_PRICES),
    st.tuples(SIZES, SIZES),
    st.sampled_from([ZERO, Decimal("0.5"), ONE]),
)
SOUND = Moment((Decimal(2), Decimal(2)), (Decimal(10_000), Decimal(10_000)), ONE)


@given(
    st.sampled_from(PAIR.directions),
    st.tuples(CELLS, SHARES),
    st.tuples(CELLS, SHARES),
    TRAVEL,
    st.tuples(FEES, FEES),
    st.lists(MOMENTS, max_size=5),
)
@exact
def test_every_cell_of_the_table_ends_with_nothing_open(
    direction: Direction,
    buy: tuple[str, Decimal],
    sale: tuple[str, Decimal],
    travel: Decimal,
    fees: tuple[Decimal, Decimal],
    moments: list[Moment],
) -> None:
    source, destination = direction.source, direction.destination
    world = World(BothSides(direction, travel, ZERO, ZERO, ZERO, ZERO), {source: fees[0], destination: fees[1]})
    world.fill(source, Side.BUY, QUANTITY * share(*buy), quotes(source, Decimal(2), ONE).bid)
    arrives = sizing.bought(QUANTITY, world.rules[source]) - travel
    world.fill(
        destination, Side.SELL, round_down(arrives * share(*sale), LOT), quotes(destination, Decimal(2), ONE).bid
    )
    for moment in [*moments, SOUND, SOUND]:
        offers = closings(world.both, moment.books(world), RATE)
        before = abs(world.both.open)
        if offers:
            quantity = round_down(offers[0].quantity * moment.fills, LOT)
            world.fill(offers[0].venue, offers[0].side, quantity, offers[0].worst)
        assert abs(world.both.open) <= before + LOT, "no closing opens more than it closes"
    assert too_little(world.both, SOUND.books(world)), world.both

    # What the state says is what was really moved, to the last digit.
    assert (world.moved[source, XRP], -world.moved[destination, XRP]) == (world.both.bought, world.both.sold)
    # Once they have travelled the coins of both venues are what they were, but for what is too little to trade.
    travelled = travel if world.both.sold > ZERO else ZERO
    assert world.moved[source, XRP] + world.moved[destination, XRP] - travelled == world.both.open
    if buy[0] == sale[0] == "nothing":
        assert not any(world.moved.values())
        assert came_to_nothing(world.both, SOUND.books(world))
