"""The way home: all that is open, the most cash first."""

from decimal import Decimal

from fakes.market import NOW, SOL, TRX, XRP, d, free_rules, kimchi_quotes, network, quote

from kimp.domain.legs import LegEstimate
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.routing import choose_route, rank_routes
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
WON = Money(d(1_400_000), KRW)
BAND = d("0.2")


def market(*extra_coins: Asset) -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules((*COINS, *extra_coins)))


def home(view: MarketView, *coins: Asset) -> list[LegEstimate]:
    return rank_routes(view, coins or COINS, Direction.TO_BINANCE, WON, NOW, 1_000, BAND)


def test_routes_come_by_what_they_bring_home() -> None:
    """TRX: 4000 x 0.25 = 1000 USDT. USDT: 1,400,000 / 1401 = 999.28. XRP: 494.69 x 1.999 = 988.88."""
    routes = home(market())
    assert [(route.coin, route.proceeds) for route in routes] == [
        (TRX, Money(d(1000), USDT)),
        (USDT, Money(d("999.28"), USDT)),
        (XRP, Money(d("494.69") * d("1.999"), USDT)),
    ]


def test_equal_routes_come_by_name_whatever_the_order_they_were_asked_in() -> None:
    view = market(SOL)
    for venue in PAIR:
        view.quotes[venue, SOL] = view.quotes[venue, TRX]._replace(coin=SOL)
    assert [r.coin for r in home(view, TRX, SOL)] == [SOL, TRX]
    assert [r.coin for r in home(view, SOL, TRX)] == [SOL, TRX]


def test_a_closed_route_is_left_out() -> None:
    view = market()
    view.networks = {**view.networks, (Venue.UPBIT, TRX): network(Venue.UPBIT, TRX, out=False)}
    assert [route.coin for route in home(view)] == [USDT, XRP]


def test_a_coin_of_the_same_name_at_another_price_is_no_way_home() -> None:
    """At a twentieth of its price on the other venue it would seem to bring home twenty times the cash."""
    view = market()
    upbit = view.quotes[Venue.UPBIT, TRX]
    view.quotes[Venue.UPBIT, TRX] = upbit._replace(bid=upbit.bid / 20, ask=upbit.ask / 20)
    assert [route.coin for route in home(view)] == [USDT, XRP]


def test_without_a_fresh_quote_there_is_no_route() -> None:
    view = market()
    assert rank_routes(view, COINS, Direction.TO_BINANCE, WON, NOW + 1_001, 1_000, BAND) == []


def test_usdt_leaves_binance_without_an_order_and_is_sold_on_upbit() -> None:
    routes = rank_routes(market(), [USDT], Direction.TO_UPBIT, Money(d(1000), USDT), NOW, 1_000, BAND)
    assert [route.proceeds for route in routes] == [Money(d(1_399_000), KRW)]


def test_a_network_fee_in_the_coin_can_turn_the_order_around() -> None:
    """Four TRX of fee are one USDT: 999 is less than what the dearer market of USDT brings."""
    view = market()
    view.networks = {**view.networks, (Venue.UPBIT, TRX): network(Venue.UPBIT, TRX, fee="4")}
    assert [route.coin for route in home(view)] == [USDT, TRX, XRP]


def choice(least: str, routes: list[LegEstimate]) -> Asset | None:
    chosen = choose_route(routes, Money(d(1000), USDT) * (1 + Decimal(least)))
    return chosen.coin if chosen else None


def test_a_route_is_taken_from_its_bound_on() -> None:
    routes = home(market())
    assert choice("0", routes) == TRX, "exactly what was spent is enough"
    assert choice("0.0001", routes) is None
    assert choice("-0.01", routes) == TRX


def test_of_no_routes_none_is_taken() -> None:
    assert choice("-1", []) is None


def test_a_bound_only_a_worse_route_fails_does_not_matter() -> None:
    routes = home(market())[1:]
    assert choice("-0.0008", routes) == USDT
    assert choice("-0.0007", routes) is None


def test_the_view_of_a_crossed_book_gives_no_route() -> None:
    view = market()
    view.quotes[Venue.BINANCE, TRX] = quote(Venue.BINANCE, TRX, "0.26", "0.25")
    assert [route.coin for route in home(view)] == [USDT, XRP]
