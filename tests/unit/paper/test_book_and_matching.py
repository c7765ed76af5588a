"""Displayed books, walking them, and price-time priority of resting orders."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.book import BookLevel
from kimp.paper.instruments import PaperInstrument
from kimp.paper.matching import walk_budget, walk_quantity
from kimp.paper.orders import Force, Request, State
from kimp.paper.ticks import EvenLadder, KrwLadder, on_tick
from kimp.paper.world import World

D = Decimal
LEVELS = st.lists(st.decimals("0.001", "1000", places=3), min_size=1, max_size=8).map(
    lambda sizes: [BookLevel(D(100 + i), size) for i, size in enumerate(sizes)]
)


def test_walking_stops_at_the_limit() -> None:
    levels = [BookLevel(D(100), D(1)), BookLevel(D(101), D(2)), BookLevel(D(102), D(3))]
    takes = walk_quantity(levels, Side.BUY, D(101), D(10))
    assert [(take.price, take.quantity) for take in takes] == [(D(100), D(1)), (D(101), D(2))]


@given(levels=LEVELS, wanted=st.decimals("0.001", "5000", places=3))
def test_walking_takes_as_much_as_there_is_and_no_more(levels: list[BookLevel], wanted: Decimal) -> None:
    takes = walk_quantity(levels, Side.BUY, None, wanted)
    assert sum(take.quantity for take in takes) == min(wanted, sum(level.quantity for level in levels))
    assert all(take.quantity <= level.quantity for take, level in zip(takes, levels, strict=False))


@given(levels=LEVELS, budget=st.decimals("0.01", "100000", places=2))
def test_a_budget_is_never_overspent(levels: list[BookLevel], budget: Decimal) -> None:
    lot = D("0.01")
    takes = walk_budget(levels, None, budget, lot)
    spent = sum((take.funds for take in takes), D(0))
    assert spent <= budget
    emptied = len(takes) == len(levels) and all(
        take.quantity == level.quantity for take, level in zip(takes, levels, strict=True)
    )
    next_price = levels[min(len(takes), len(levels) - 1)].price
    assert emptied or budget - spent < next_price * lot or takes[-1].quantity % lot != 0


def instrument(world: World, venue: Venue = Venue.UPBIT, symbol: str = "KRW-XRP") -> PaperInstrument:
    return world.instruments[venue, symbol]


def test_levels_are_stable_until_the_market_moves(world: World) -> None:
    book = world.book(instrument(world))
    shallow = [(level.price, level.quantity) for level in book.levels(Side.BUY, 3)]
    assert [(level.price, level.quantity) for level in book.levels(Side.BUY, 30)][:3] == shallow
    first = book.levels(Side.BUY, 1)[0]
    price, quantity = first.price, first.quantity
    book.take(Side.BUY, price, quantity)
    assert book.levels(Side.BUY, 1)[0].price > price
    book.refresh(book.bid, book.ask, 0)
    assert book.levels(Side.BUY, 1)[0].price == price


def test_levels_keep_to_the_ladder_across_bands(world: World) -> None:
    book = world.book(instrument(world))
    book.refresh(D(10_010), D(10_020), 0)
    bids = [level.price for level in book.levels(Side.SELL)]
    assert bids[:5] == [D(10_010), D(10_000), D(9_995), D(9_990), D(9_985)]
    assert all(on_tick(KrwLadder(), price) for price in bids)


def test_best_price_then_age_is_filled_first(world: World) -> None:
    desk, market = world.desks[Venue.UPBIT], instrument(world)
    book = world.book(market)
    bid = book.bid
    low, old, young = (
        desk.place(Request(market, Side.BUY, Force.REST, None, quantity=D(1_000), limit=price))
        for price in (bid - 100, bid - 50, bid - 50)
    )
    filled: list[int] = []
    desk.on_fill.append(lambda order, _fill: filled.append(order.number))
    # The one ask level that reaches them shows less than they want together.
    while True:
        desk.refresh(market.symbol, bid - 51, bid - 50)
        if young.state is State.FILLED:
            break
    assert filled == sorted(filled)
    assert (old.state, low.state) == (State.FILLED, State.OPEN)
    assert {fill.price for fill in old.fills} == {bid - 50}
    assert all(fill.maker for fill in old.fills + young.fills)


@pytest.mark.parametrize(
    ("price", "tick"),
    [("3245", "1"), ("999999", "500"), ("1000000", "1000"), ("99.9", "0.1"), ("0.00000123", "0.00000001")],
)
def test_won_ticks(price: str, tick: str) -> None:
    assert KrwLadder().tick(D(price)) == D(tick)


@given(st.decimals("0.0001", "3000000", places=4))
def test_steps_up_and_down_meet_again(price: Decimal) -> None:
    for ladder in (KrwLadder(), EvenLadder(D("0.0001"))):
        allowed = price // ladder.tick(price) * ladder.tick(price)
        if allowed > 0:
            assert ladder.next_down(ladder.next_up(allowed)) == allowed
