"""Books that orders of running cycles are priced by."""

import pytest
from fakes.desk import Desk
from fakes.market import XRP, d
from fakes.venue import FakeVenue

from activities.market import MarketActivities
from kimp.contracts.cycle import MarketNow, QuoteQuery
from kimp.domain.errors import Postponed, Unavailable
from kimp.domain.market import Venue

QUERY = QuoteQuery(cycle_id="XRP-1", venue=Venue.BINANCE, coin=XRP)


def activities(desk: Desk, venue: FakeVenue) -> MarketActivities:
    return MarketActivities({venue.venue: venue}, None, desk.clock)  # type: ignore[arg-type]  # the bus is not asked


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
