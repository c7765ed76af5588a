"""One leg, priced by hand, and each gate that can be closed in its way."""

import pytest
from fakes.market import NOW, XRP, d, instrument, kimchi_quotes, network, quote, rules_of

from kimp.domain.gates import Blocked, Gate
from kimp.domain.legs import LegEstimate, Market, PricedLeg, Way, estimate_leg, price_leg
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView, check_quote, check_wallets

MAX_AGE = 1_000


def rules() -> list[VenueRules]:
    return [
        rules_of(
            Venue.UPBIT,
            [
                instrument(Venue.UPBIT, XRP, fee="0.0005", lot="0.00000001", min_notional="5000"),
                instrument(Venue.UPBIT, USDT, fee="0.0005", lot="0.00000001", min_notional="5000"),
            ],
            [network(Venue.UPBIT, XRP, fee="1"), network(Venue.UPBIT, USDT, fee="1", least="10")],
        ),
        rules_of(
            Venue.BINANCE,
            [instrument(Venue.BINANCE, XRP, fee="0.001", lot="0.1")],
            [network(Venue.BINANCE, XRP, fee="0.2", least="25"), network(Venue.BINANCE, USDT, fee="1", least="10")],
        ),
    ]


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), rules())


def leg(
    view: MarketView, direction: Direction, cash: Money, coin: Asset = XRP, now_ms: int = NOW
) -> LegEstimate | Blocked:
    return estimate_leg(view, coin, direction, cash, now_ms, MAX_AGE)


def gate(answer: LegEstimate | Quote | Blocked) -> Gate:
    assert isinstance(answer, Blocked), answer
    return answer.gate


DOLLARS = Money(d(1001), USDT)
WON = Money(d(1_000_000), KRW)


def test_a_leg_to_upbit() -> None:
    """1001 USDT buy 500.5 XRP at 2; the fee leaves 499.9995, 0.2 stay with the network, 499.7995 are sold at 2828."""
    estimate = leg(market(), Direction.TO_UPBIT, DOLLARS)
    assert isinstance(estimate, LegEstimate)
    assert estimate.spent == DOLLARS
    assert estimate.buy_quantity == d("500.5")
    assert estimate.arrives == d("499.7995")
    assert estimate.proceeds == Money(d("499.7995") * 2828 * d("0.9995"), KRW)


def test_a_leg_to_binance() -> None:
    """1 M won buy 353.18... XRP at 2830 with the fee on top; 1 XRP pays the network; whole lots of 0.1 are sold."""
    estimate = leg(market(), Direction.TO_BINANCE, WON)
    assert isinstance(estimate, LegEstimate)
    assert estimate.buy_quantity == d("353.18030030")  # 1,000,000 / (2830 x 1.0005), eight digits
    assert d(999_999) < estimate.spent.amount <= d(1_000_000)
    assert estimate.arrives == d("352.180300")
    assert estimate.proceeds == Money(d("352.1") * d("1.999") * d("0.999"), USDT)


def test_usdt_needs_no_order_on_binance() -> None:
    estimate = leg(market(), Direction.TO_UPBIT, DOLLARS, USDT)
    assert isinstance(estimate, LegEstimate)
    assert (estimate.spent, estimate.buy_quantity, estimate.arrives) == (DOLLARS, d(1001), d(1000))
    assert estimate.proceeds == Money(d(1000) * 1399 * d("0.9995"), KRW)


def test_usdt_is_bought_on_upbit_and_is_cash_on_arrival() -> None:
    """1,401,700.5 won buy 1000 USDT at 1401 and pay 700.5 won of fee; one USDT pays the network."""
    estimate = leg(market(), Direction.TO_BINANCE, Money(d("1401700.5"), KRW), USDT)
    assert isinstance(estimate, LegEstimate)
    assert estimate.buy_quantity == d(1000)
    assert estimate.proceeds == Money(d(999), USDT)


def test_a_quote_that_never_came() -> None:
    view = market()
    del view.quotes[Venue.BINANCE, XRP]
    assert gate(leg(view, Direction.TO_UPBIT, DOLLARS)) is Gate.QUOTE_MISSING
    assert gate(leg(view, Direction.TO_BINANCE, WON)) is Gate.QUOTE_MISSING


def test_a_quote_may_be_as_old_as_allowed_and_no_older() -> None:
    view = market()
    assert isinstance(check_quote(view, Venue.UPBIT, XRP, NOW + MAX_AGE, MAX_AGE), Quote)
    stale = check_quote(view, Venue.UPBIT, XRP, NOW + MAX_AGE + 1, MAX_AGE)
    assert stale == Blocked(Gate.QUOTE_STALE, "XRP on upbit is 1001 ms old, 1000 allowed")
    assert gate(leg(view, Direction.TO_UPBIT, DOLLARS, now_ms=NOW + MAX_AGE + 1)) is Gate.QUOTE_STALE


def test_a_quote_from_the_future_is_not_fresh() -> None:
    """The feeder's clock is ahead: by it a dead quote would pass for fresh until this clock has caught up."""
    view = market()
    assert isinstance(check_quote(view, Venue.UPBIT, XRP, NOW - MAX_AGE, MAX_AGE), Quote), "clocks differ a little"
    ahead = check_quote(view, Venue.UPBIT, XRP, NOW - MAX_AGE - 1, MAX_AGE)
    assert ahead == Blocked(Gate.QUOTE_STALE, "XRP on upbit is 1001 ms ahead of this clock; set both clocks")


@pytest.mark.parametrize("ask", ["2827", "2828"])
def test_a_book_whose_sides_meet_is_not_traded_on(ask: str) -> None:
    view = MarketView.of([*kimchi_quotes(), quote(Venue.UPBIT, XRP, "2828", ask)], rules())
    answer = check_quote(view, Venue.UPBIT, XRP, NOW, MAX_AGE)
    assert answer == Blocked(Gate.QUOTE_CROSSED, f"XRP on upbit: bid 2828 >= ask {ask}")
    assert gate(leg(view, Direction.TO_UPBIT, DOLLARS)) is Gate.QUOTE_CROSSED


def test_a_market_without_rules_is_not_traded_on() -> None:
    view = market()
    view.instruments = {key: value for key, value in view.instruments.items() if key != (Venue.UPBIT, XRP)}
    assert gate(leg(view, Direction.TO_UPBIT, DOLLARS)) is Gate.RULES_MISSING
    assert gate(leg(view, Direction.TO_BINANCE, WON)) is Gate.RULES_MISSING


def test_a_wallet_that_is_not_known() -> None:
    view = market()
    view.networks = {key: value for key, value in view.networks.items() if key != (Venue.UPBIT, XRP)}
    answer = check_wallets(view, XRP, Direction.TO_UPBIT)
    assert answer == Blocked(Gate.RULES_MISSING, "the XRP wallet of upbit is not known")


@pytest.mark.parametrize(
    ("out", "into", "detail"),
    [(False, True, "binance lets no XRP out"), (True, False, "upbit takes no XRP in")],
)
def test_a_closed_wallet_on_either_side(out: bool, into: bool, detail: str) -> None:  # noqa: FBT001 - wallet states
    view = market()
    view.networks = {
        **view.networks,
        (Venue.BINANCE, XRP): network(Venue.BINANCE, XRP, out=out),
        (Venue.UPBIT, XRP): network(Venue.UPBIT, XRP, into=into),
    }
    assert check_wallets(view, XRP, Direction.TO_UPBIT) == Blocked(Gate.WALLET_CLOSED, detail)
    assert isinstance(check_wallets(view, XRP, Direction.TO_BINANCE), tuple), "the other way is open"
    assert gate(leg(view, Direction.TO_UPBIT, DOLLARS)) is Gate.WALLET_CLOSED


def test_less_cash_than_the_smallest_order() -> None:
    assert gate(leg(market(), Direction.TO_BINANCE, Money(d(5002), KRW))) is Gate.BELOW_MINIMUM
    assert gate(leg(market(), Direction.TO_UPBIT, Money(d(0), USDT))) is Gate.BELOW_MINIMUM


def test_fewer_coins_than_the_smallest_withdrawal() -> None:
    """40 USDT buy 20 XRP, and Binance sends 25 at least."""
    answer = leg(market(), Direction.TO_UPBIT, Money(d(40), USDT))
    assert isinstance(answer, Blocked)
    assert answer == Blocked(Gate.BELOW_MINIMUM, "19.980 XRP is below what binance sends (25)")


def test_what_arrives_must_be_enough_to_sell() -> None:
    """6000 won pay for two XRP on Upbit; one of them pays the network, and the other is below Binance's 5 USDT."""
    answer = leg(market(), Direction.TO_BINANCE, Money(d(6000), KRW))
    assert isinstance(answer, Blocked)
    assert answer.gate is Gate.BELOW_MINIMUM
    assert answer.detail.startswith("sale of XRP on binance: value 2.1989")


@pytest.mark.parametrize(("size", "blocked"), [("500.5", False), ("500.4", True)])
def test_the_top_of_the_source_book_must_carry_the_whole_buy(size: str, blocked: bool) -> None:  # noqa: FBT001 - expectation
    view = MarketView.of([*kimchi_quotes(), quote(Venue.BINANCE, XRP, "1.999", "2", size=d(size))], rules())
    answer = leg(view, Direction.TO_UPBIT, DOLLARS)
    assert isinstance(answer, Blocked) == blocked
    if isinstance(answer, Blocked):
        assert answer == Blocked(Gate.DEPTH, "binance offers 500.4 XRP for 1000.8 USDT, 1001 USDT to spend")


@pytest.mark.parametrize(("size", "blocked"), [("499.7995", False), ("499.7994", True)])
def test_the_top_of_the_destination_book_must_carry_the_whole_sale(size: str, blocked: bool) -> None:  # noqa: FBT001 - expectation
    view = MarketView.of([*kimchi_quotes(), quote(Venue.UPBIT, XRP, "2828", "2830", size=d(size))], rules())
    answer = leg(view, Direction.TO_UPBIT, DOLLARS)
    assert isinstance(answer, Blocked) == blocked
    if isinstance(answer, Blocked):
        assert answer.gate is Gate.DEPTH


def test_fresh_rules_replace_the_old_ones_as_a_whole() -> None:
    view = market()
    view.apply_rules([rules_of(Venue.UPBIT, [instrument(Venue.UPBIT, XRP)], [])])
    assert set(view.instruments) == {(Venue.UPBIT, XRP)}
    assert not view.networks, "a wallet that is no longer told of counts as unknown"


def test_cash_that_lots_leave_over_is_no_sign_of_a_thin_book() -> None:
    """The share that a book carries bounds how large a cycle may be: all of it, where nothing lacked."""
    source, destination = Direction.TO_UPBIT.source, Direction.TO_UPBIT.destination
    view = market()
    way = Way(
        Direction.TO_UPBIT,
        XRP,
        Market(view.quotes[source, XRP], view.instruments[source, XRP]),
        view.networks[source, XRP],
        Market(view.quotes[destination, XRP], view.instruments[destination, XRP]),
    )
    priced = price_leg(way, Money(d("1001.1"), USDT))
    assert isinstance(priced, PricedLeg)
    assert priced.estimate.spent.amount < d("1001.1")
    assert priced.buy.thin is None
    assert priced.buy.share == 1
