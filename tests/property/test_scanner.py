"""The incremental scanner against the plain calculation over all coins: fed in any order, it hides nothing."""

from decimal import Decimal

from fakes.market import NOW, free_rules
from hypothesis import given, settings
from hypothesis import strategies as st

from initiator.scanner import Scanner
from kimp.domain.legs import LegEstimate, estimate_leg
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset, Money
from kimp.domain.opportunity import ROUTES_PRICED, Limits, Opportunity, evaluate
from kimp.domain.premium import home_rate, out_rate
from kimp.domain.routing import rank_routes
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView

COINS = tuple(Asset(name) for name in ("AAA", "BBB", "CCC", "DDD"))
ASSETS = (*COINS, USDT)
THRESHOLD = Decimal("0.002")
LIMITS = Limits(
    threshold=THRESHOLD,
    notional_krw=Decimal(1_000_000),
    slippage=Decimal("0.001"),
    premium_band=Decimal("0.5"),
    max_quote_age_ms=1_000_000,
)
SIZES = st.sampled_from([Decimal(100), Decimal(1_000_000)])
"""Enough and too little: the coins cost about two dollars, a cycle moves about 350 of them."""


@st.composite
def quotes(draw: st.DrawFn) -> Quote:
    """A top of a book near 2 USDT or 2800 won: premiums of up to one percent either way, spreads that are smaller."""
    venue, coin = draw(st.sampled_from(PAIR)), draw(st.sampled_from(ASSETS))
    if coin == USDT:
        venue, middle = Venue.UPBIT, draw(st.integers(13_900, 14_100)) / Decimal(10)
    elif venue is Venue.UPBIT:
        middle = Decimal(draw(st.integers(2_772, 2_828)))
    else:
        middle = draw(st.integers(19_900, 20_100)) / Decimal(10_000)
    half = middle * draw(st.integers(1, 20)) / 10_000
    return Quote(venue, coin, middle - half, draw(SIZES), middle + half, draw(SIZES), NOW)


def judge(scanner: Scanner, coin: Asset, direction: Direction, routes: list[Asset]) -> bool:
    return isinstance(evaluate(scanner.view, coin, direction, routes, LIMITS, NOW), Opportunity)


def brute_force(scanner: Scanner) -> set[tuple[Asset, Direction]]:
    """Every coin, either way, with every way home."""
    return {(c, way) for c in COINS for way in PAIR.directions if judge(scanner, c, way, list(ASSETS))}


def offered(scanner: Scanner, quote: Quote) -> set[tuple[Asset, Direction]]:
    """What the initiator would start upon this quote."""
    candidates = scanner.feed(quote)
    return {(c, way) for c, way in candidates if judge(scanner, c, way, list(scanner.route_coins(way.opposite)))}


def new_scanner() -> Scanner:
    scanner = Scanner(PAIR, COINS, THRESHOLD)
    scanner.apply_rules(free_rules(ASSETS))
    return scanner


@settings(max_examples=200, deadline=None)
@given(st.lists(quotes(), min_size=1, max_size=40))
def test_everything_that_pays_is_offered_by_the_quote_that_makes_it_pay(stream: list[Quote]) -> None:
    scanner = new_scanner()
    before: set[tuple[Asset, Direction]] = set()
    for quote in stream:
        found = offered(scanner, quote)
        paying = brute_force(scanner)
        assert found <= paying
        assert paying - before <= found, "no later quote is waited for"
        own = {(coin, way) for coin, way in paying if coin == quote.coin}
        assert own <= found, "a coin's own quote offers all that it can start"
        before = paying


@given(st.lists(quotes(), min_size=1, max_size=40))
def test_rates_are_those_of_the_last_quotes(stream: list[Quote]) -> None:
    scanner = new_scanner()
    for quote in stream:
        scanner.feed(quote)
    view = scanner.view
    pairs = {
        coin: (view.quotes[Venue.UPBIT, coin], view.quotes[Venue.BINANCE, coin])
        for coin in COINS
        if (Venue.UPBIT, coin) in view.quotes and (Venue.BINANCE, coin) in view.quotes
    }
    out = {coin: out_rate(*pair) for coin, pair in pairs.items()}
    home = {coin: home_rate(*pair) for coin, pair in pairs.items()}
    if won := view.quotes.get((Venue.UPBIT, USDT)):
        out[USDT], home[USDT] = won.bid, won.ask
    assert (scanner._out, scanner._home) == (out, home)
    assert len(ASSETS) > ROUTES_PRICED
    assert USDT in scanner.route_coins(Direction.TO_UPBIT)


CASH = st.sampled_from([Money(Decimal(1_000_000), Venue.UPBIT.cash), Money(Decimal(700), USDT)])


@given(st.lists(quotes(), max_size=20), CASH, st.permutations(ASSETS))
def test_routes_are_ranked_by_their_result_whatever_order_they_are_asked_in(
    stream: list[Quote], cash: Money, asked: list[Asset]
) -> None:
    view = MarketView.of(stream, free_rules(ASSETS))
    direction = Direction.TO_BINANCE if cash.asset == Venue.UPBIT.cash else Direction.TO_UPBIT
    ranked = rank_routes(view, asked, direction, cash, NOW, 1_000, Decimal(100))
    estimates = [estimate_leg(view, coin, direction, cash, NOW, 1_000) for coin in ASSETS]
    open_ = [estimate for estimate in estimates if isinstance(estimate, LegEstimate)]
    assert ranked == sorted(open_, key=lambda route: (-route.proceeds.amount, route.coin))
    assert {(route.direction, route.proceeds.asset) for route in ranked} <= {(direction, direction.destination.cash)}
