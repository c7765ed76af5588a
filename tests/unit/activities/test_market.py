"""Books that orders of running cycles are priced by, and ways home that are found by them."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from fakes.caps import FixedRules
from fakes.desk import Desk
from fakes.lab import BOUNDS, COINS, POLICY, TRX, binance, upbit
from fakes.market import NOW, XRP, d
from fakes.venue import FakeVenue

from activities.market import MarketActivities
from kimp.contracts.cycle import MarketNow, QuoteQuery, RouteQuery, RouteReport, WaysBackQuery
from kimp.domain.compensation import WaysBack
from kimp.domain.errors import BusUnavailable, Postponed, Unavailable
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Direction, Venue

QUERY = QuoteQuery(cycle_id="XRP-1", venue=Venue.BINANCE, coin=XRP)


def activities(desk: Desk, venue: FakeVenue) -> MarketActivities:
    return MarketActivities({venue.venue: venue}, None, desk.clock, BOUNDS, FixedRules(POLICY))  # type: ignore[arg-type]  # the bus is not asked


async def test_a_book_comes_with_its_rules(desk: Desk) -> None:
    venue = FakeVenue(Venue.BINANCE, {XRP: (d("1.999"), d(2))})
    now: MarketNow = await desk.run(activities(desk, venue).read_market, QUERY)
    assert (now.quote.bid, now.quote.ask, now.instrument.coin) == (d("1.999"), d(2), XRP)


@pytest.mark.parametrize(("bid", "ask"), [("0", "2"), ("2", "0"), ("0", "0"), ("2", "2"), ("2.1", "2")])
async def test_a_book_without_a_price_is_not_traded_on(desk: Desk, bid: str, ask: str) -> None:
    """An empty side is told as a price of zero; a limit made of it would divide by zero, or be none."""
    venue = FakeVenue(Venue.BINANCE, {XRP: (d(bid), d(ask))})
    with pytest.raises(Unavailable, match="no price in the book of XRP"):
        await desk.run(activities(desk, venue).read_market, QUERY)


async def test_a_market_that_is_not_open_is_waited_for(desk: Desk) -> None:
    with pytest.raises(Postponed):
        await desk.run(activities(desk, FakeVenue(Venue.BINANCE, {})).read_market, QUERY)


class Bus:
    """Tells of venues of its own, which are what somebody makes of them."""

    def __init__(self) -> None:
        self.venues = {Venue.UPBIT: upbit(), Venue.BINANCE: binance()}
        self.usual: dict[Asset, Decimal] = {}
        self.gone = False

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        reported = [top for venue in self.venues.values() for top in (await venue.tops(coins)).values()]
        return [quote._replace(received_ms=NOW) for quote in reported]

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        if self.gone:
            raise BusUnavailable("no Redis serves", "refused")
        return self.usual

    async def latest_rules(self) -> list[VenueRules]:
        return [await venue.rules(tuple(venue.prices)) for venue in self.venues.values()]

    def write(self, venue: Venue, coin: Asset, bid: str, ask: str) -> None:
        self.venues[venue].prices[coin] = d(bid), d(ask)


class Way:
    """1,400,000 won on Upbit, which want to go home as USDT: 1401 won each, 0.5 USDT for the transfer."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.venues = {Venue.UPBIT: upbit(), Venue.BINANCE: binance()}
        self.bus = Bus()
        self.work = MarketActivities(self.venues, self.bus, desk.clock, BOUNDS, FixedRules(POLICY))  # type: ignore[arg-type]  # only what it reads

    async def home(self, least: str, coins: Sequence[Asset] = COINS, *, look_for_s: int = 0) -> RouteReport:
        query = RouteQuery(
            cycle_id="XRP-1",
            direction=Direction.TO_BINANCE,
            cash=Money(d(1_400_000), KRW),
            least=Money(d(least), USDT),
            coins=tuple(coins),
            max_quote_age_ms=2_000,
            look_every_s=5,
            look_for_s=look_for_s,
        )
        report = await self.desk.run(self.work.find_route, query)
        assert isinstance(report, RouteReport)
        return report

    async def back(self) -> WaysBack:
        query = WaysBackQuery(
            cycle_id="XRP-1",
            direction=Direction.TO_BINANCE,
            coin=XRP,
            amount=d(500),
            coins=COINS,
            max_quote_age_ms=2_000,
        )
        ways = await self.desk.run(self.work.find_ways_back, query)
        assert isinstance(ways, WaysBack)
        return ways


@pytest.fixture
def way(desk: Desk) -> Way:
    return Way(desk)


async def test_a_way_home_is_found_when_bus_and_venues_agree(way: Way) -> None:
    report = await way.home("997")
    assert report.route is not None
    assert report.route.coin == USDT
    assert report.krw_per_usdt == d("1400.5")


@pytest.mark.parametrize(("waited_s", "looks_s"), [(0, [5, 5, 2]), (9, [3]), (12, []), (60, [])])
async def test_it_looks_no_longer_than_it_is_told_whoever_looked_before(
    way: Way, monkeypatch: pytest.MonkeyPatch, waited_s: int, looks_s: list[int]
) -> None:
    """Twelve seconds, of which a worker that was stopped may have taken some: the bound is raised after them."""
    slept: list[float] = []

    async def pause(seconds: float) -> None:
        slept.append(seconds)
        way.desk.clock.ms += int(seconds * 1000)

    monkeypatch.setattr("activities.market.pause", pause)
    way.desk.waited = timedelta(seconds=waited_s)
    assert (await way.home("1200", look_for_s=12)).route is None
    assert slept == looks_s


async def test_no_quote_on_the_bus_makes_a_dear_way_home_a_cheap_one(way: Way) -> None:
    """Home by XRP loses 1 %, but is told to gain: what is asked for is what the venues' own books bring."""
    way.bus.write(Venue.BINANCE, XRP, "3", "3.0001")
    assert (await way.home("1200")).route is None
    found = (await way.home("997")).route
    assert found is not None
    assert (found.coin, found.proceeds.amount < d(1001)) == (USDT, True), "the best by the venues, at their prices"


async def test_of_many_ways_home_the_venues_are_asked_for_the_likeliest_and_usdt(way: Way) -> None:
    """The rules of each coin are a call of a venue that allows a few a second."""
    many = tuple(Asset(f"C{n}") for n in range(9))
    for n, coin in enumerate(many):
        for venue in (way.bus.venues, way.venues):
            venue[Venue.UPBIT].prices[coin] = d(2_800), d(2_801)
            venue[Venue.BINANCE].prices[coin] = d(2) + d(n) / 100, d("2.2")
    found = (await way.home("990", (*many, USDT))).route
    assert found is not None
    assert found.coin == many[-1]
    for one in way.venues.values():
        assert set(one.asked_rules) == {*many[-4:], USDT}


async def test_a_coin_far_from_its_usual_premium_is_no_way_home(way: Way) -> None:
    """TRX is 1 % cheap on Upbit, and the better way home, unless it is another coin of that name."""
    for venues in (way.bus.venues, way.venues):
        venues[Venue.UPBIT].prices[TRX] = d("414.9"), d(415)
    for usual, coin in (("0", TRX), ("-0.3", USDT)):
        way.bus.usual = {TRX: d(usual)}
        found = (await way.home("980")).route
        assert found is not None
        assert found.coin == coin


async def test_no_network_fee_on_the_bus_is_believed(way: Way) -> None:
    way.venues[Venue.UPBIT].network_fee = d(50)
    assert (await way.home("997")).route is None


async def test_what_cash_is_worth_is_not_told_by_the_bus(way: Way) -> None:
    way.bus.write(Venue.UPBIT, USDT, "14", "14.01")
    assert (await way.home("2000")).krw_per_usdt == d("1400.5")


@pytest.mark.parametrize(("bid", "ask"), [("400", "401"), ("6000", "6001"), ("0", "0"), ("1400", "1399")])
async def test_a_rate_beyond_bounds_values_nothing(way: Way, bid: str, ask: str) -> None:
    """Not even if the venue says so; the last one is kept."""
    way.venues[Venue.UPBIT].prices[USDT] = (d(bid), d(ask))
    assert (await way.home("2000")).krw_per_usdt is None


async def test_a_venue_that_tells_nothing_leaves_no_way_home_and_no_error(way: Way) -> None:
    for call in ("rules", "tops"):
        way.venues[Venue.UPBIT].faults[call] = deque([Unavailable("busy", venue="upbit")])
    report = await way.home("997")
    assert (report.route, report.krw_per_usdt) == (None, None)
    assert (await way.home("997")).route is not None


async def test_ways_back_are_compared_by_the_venues_own_books(way: Way) -> None:
    honest = await way.back()
    way.bus.write(Venue.UPBIT, XRP, "1", "1.1")
    way.bus.write(Venue.BINANCE, XRP, "30", "30.1")
    assert await way.back() == honest
    assert honest.finished is not None


async def test_a_coin_far_from_its_usual_premium_makes_no_way_back_seem_better(way: Way) -> None:
    """Nor keeps it anybody from going back: USDT stays a way home, and a silent bus rules out nothing."""
    for venues in (way.bus.venues, way.venues):
        venues[Venue.UPBIT].prices[TRX] = d("414.9"), d(415)
    by_trx = (await way.back()).finished
    way.bus.usual = {TRX: d("-0.3")}
    by_usdt = (await way.back()).finished
    assert by_trx is not None
    assert by_usdt is not None
    assert by_usdt < by_trx
    way.bus.gone = True
    assert (await way.back()).finished == by_trx


async def test_a_way_back_that_a_venue_does_not_tell_of_is_none(way: Way) -> None:
    way.venues[Venue.BINANCE].faults["rules"] = deque([Unavailable("busy", venue="binance")])
    assert await way.back() == WaysBack(returned=None, finished=None)
