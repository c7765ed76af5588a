"""Walking any book, and the largest cycle that any books allow."""

from decimal import Decimal

from fakes.market import NOW, TRX, XRP, instrument, network
from hypothesis import given, settings
from hypothesis import strategies as st

from kimp.domain.cycle_size import largest_cycle, net_edge
from kimp.domain.depth import Level, coins_for, levels_text, walk
from kimp.domain.gates import Blocked
from kimp.domain.legs import Market, Way, price_leg
from kimp.domain.market import Quote, Side
from kimp.domain.money import ONE, USDT, Asset, Money, exact
from kimp.domain.venues import Direction, Venue

SIZES = st.decimals("0", "5000", places=2)
STEPS = st.decimals("0.0001", "0.02", places=4)
FEES = st.decimals("0", "0.002", places=4)
THRESHOLD = Decimal("0.004")


@st.composite
def sides(draw: st.DrawFn, best: Decimal, sign: int) -> list[Level]:
    """Up to eight levels from `best` on, each worse than the last by some ratio."""
    found, price = [], best
    for size, step in draw(st.lists(st.tuples(SIZES, STEPS), min_size=1, max_size=8)):
        found.append(Level(price, size))
        price = (price * (1 + sign * step)).quantize(Decimal("0.000001"))
    return found


@st.composite
def books(draw: st.DrawFn, venue: Venue, coin: Asset, price: str) -> Quote:
    near = Decimal(price) * draw(st.decimals("0.99", "1.01", places=4))
    bids, asks = draw(sides(near, -1)), draw(sides(near * Decimal("1.0005"), 1))
    return Quote(venue, coin, *bids[0], *asks[0], NOW, levels_text(bids[1:]), levels_text(asks[1:]))


def levels_of(best: Level, behind: str) -> list[Level]:
    rest = [text.split(":") for text in behind.split()]
    return [best, *(Level(Decimal(price), Decimal(size)) for price, size in rest)]


@given(books(Venue.UPBIT, XRP, "2800"), SIZES.filter(bool), st.sampled_from(Side))
@exact
def test_a_walk_is_the_sum_of_its_levels(book: Quote, wanted: Decimal, side: Side) -> None:
    buying = side is Side.BUY
    best = Level(book.ask, book.ask_size) if buying else Level(book.bid, book.bid_size)
    shown = levels_of(best, book.asks_behind if buying else book.bids_behind)
    taken = walk(book, side, wanted)
    assert taken.quantity == min(wanted, sum(level.size for level in shown))
    better = [level for level in shown if (level.price < taken.worst if buying else level.price > taken.worst)]
    whole = sum(level.size for level in better)
    assert taken.funds == sum(level.size * level.price for level in better) + (taken.quantity - whole) * taken.worst


@given(books(Venue.UPBIT, XRP, "2800"), st.decimals("1", "10000000", places=2))
@exact
def test_cash_buys_no_more_coins_than_it_pays_for(book: Quote, funds: Decimal) -> None:
    coins, carried = coins_for(book, funds)
    cost = walk(book, Side.BUY, coins).funds
    assert cost <= funds * (ONE + Decimal("1E-30"))
    assert not carried or cost >= funds * (ONE - Decimal("1E-30"))


@st.composite
def ways(draw: st.DrawFn, coin: Asset, direction: Direction) -> Way:
    prices = {Venue.UPBIT: "2800" if coin == XRP else "350", Venue.BINANCE: "2" if coin == XRP else "0.25"}
    fee = str(draw(FEES))

    def market(venue: Venue) -> Market | None:
        if coin == venue.cash:
            return None
        quote = draw(books(venue, coin, "1400" if coin == USDT else prices[venue]))
        return Market(quote, instrument(venue, coin, fee=fee, lot="0.0001", min_quantity="0.0001", min_notional="1"))

    out = network(direction.source, coin, fee=str(draw(st.decimals("0", "2", places=2))), step="0.0001")
    return Way(direction, coin, market(direction.source), out, market(direction.destination))


def edge_at(out: Way, homes: list[Way], cash: Money) -> Decimal | None:
    """The best edge of a cycle of exactly that cash; None where the books don't carry it."""
    leg_one = price_leg(out, cash)
    if isinstance(leg_one, Blocked) or leg_one.buy.thin or leg_one.sale.thin:
        return None
    routes = [price_leg(home, leg_one.estimate.proceeds) for home in homes]
    whole = [route for route in routes if not isinstance(route, Blocked) and not (route.buy.thin or route.sale.thin)]
    return max((net_edge(leg_one.estimate, route.estimate) for route in whole), default=None)


@settings(max_examples=60)
@given(
    ways(XRP, Direction.TO_UPBIT),
    ways(TRX, Direction.TO_BINANCE),
    ways(USDT, Direction.TO_BINANCE),
    st.decimals("50", "5000", places=0),
)
@exact
def test_no_cycle_larger_than_the_one_that_was_found_pays(out: Way, trx: Way, usdt: Way, most: Decimal) -> None:
    """Against every twentieth part of the configured size, but for the half percent that the search may miss."""
    homes = [trx, usdt]
    search = largest_cycle(out, homes, Money(most, USDT), THRESHOLD)
    size = Decimal(0)
    if search.found is not None:
        assert search.found.edge is not None
        assert search.found.edge >= THRESHOLD
        size = search.found.size.amount
        assert size <= most
    margin = Decimal("0.0002")
    for part in range(1, 21):
        cash = most * part / 20
        edge = edge_at(out, homes, Money(cash, USDT))
        if cash > size * Decimal("1.006") and edge is not None:
            assert edge < THRESHOLD + margin, (cash, size)
