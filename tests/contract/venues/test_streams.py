"""Both venues' streams against the paper exchange: quotes of the given coins, equal to the books, and new ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from decimal import Decimal

import pytest
from contract.venues.bench import SOL, SUI, USDT, XRP, settings_of

from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue.stream import Event, VenueStream
from kimp.domain.market import Quote, Side
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig, StreamTimes, SyntheticMarket
from kimp.paper.server import PaperExchange

COINS = (XRP, SOL, SUI, USDT)
MOVING = SyntheticMarket(ticks_per_second=500)


@pytest.fixture
async def moving(config: PaperConfig) -> AsyncIterator[PaperExchange]:
    async with PaperExchange(config.model_copy(update={"market": MOVING})) as paper:
        yield paper


def stream_of(paper: PaperExchange, venue: Venue) -> VenueStream:
    kind = UpbitStream if venue is Venue.UPBIT else BinanceStream
    return kind(settings_of(paper, venue), SystemClock())


async def collect(stream: VenueStream, coins: tuple[Asset, ...], enough: int, within_s: float = 20) -> list[Quote]:
    """Quotes until there are `enough` of each coin."""
    found: list[Quote] = []
    missing = dict.fromkeys((coin for coin in coins if coin != stream.venue.cash), enough)
    async with asyncio.timeout(within_s), aclosing(stream.updates(coins)) as readings:
        async for quotes, _ in readings:
            assert quotes, "without silence a reading without quotes wakes a reader for nothing"
            found += quotes
            for quote in quotes:
                missing[quote.coin] -= 1
            if max(missing.values()) <= 0:
                break
    return found


async def test_quotes_of_the_given_coins_and_no_others(moving: PaperExchange, venue: Venue) -> None:
    stream = stream_of(moving, venue)
    before_ms = SystemClock().now_ms()
    quotes = await collect(stream, COINS, enough=20)
    assert {quote.coin for quote in quotes} == set(COINS) - {venue.cash}
    assert {quote.venue for quote in quotes} == {venue}
    assert not any(quote.crossed for quote in quotes)
    received = [quote.received_ms for quote in quotes]
    assert received == sorted(received)
    assert before_ms <= received[0] <= received[-1] <= SystemClock().now_ms()
    assert not stream.counts


async def test_a_quote_is_the_book_as_it_is(paper: PaperExchange, venue: Venue) -> None:
    """In a market that stands still, moved once."""
    stream = stream_of(paper, venue)
    symbol = "KRW-XRP" if venue is Venue.UPBIT else "XRPUSDT"
    instrument = paper.world.of(venue, symbol)
    assert instrument is not None
    book = paper.world.book(instrument)
    async with asyncio.timeout(20), aclosing(stream.updates((XRP,))) as readings:
        reading = asyncio.ensure_future(anext(readings))
        while not reading.done():
            paper.world.desks[venue].refresh(symbol, book.bid, book.ask)
            for report in paper.world.on_book[venue]:
                report(instrument)
            ask, bid = book.levels(Side.BUY)[0], book.levels(Side.SELL)[0]
            await asyncio.sleep(0.05)
        quote = (await reading).quotes[-1]
    reported = (quote.bid, quote.bid_size, quote.ask, quote.ask_size)
    assert reported == (bid.price, bid.quantity, ask.price, ask.quantity)
    assert isinstance(quote.bid, Decimal)


async def test_a_restarted_venue_is_read_again(config: PaperConfig, venue: Venue) -> None:
    config = config.model_copy(update={"market": MOVING})
    async with PaperExchange(config) as first:
        ports = {"upbit_port": first.upbit_port, "binance_port": first.binance_port}
        stream = stream_of(first, venue)
        readings = stream.updates((XRP,))
        async with asyncio.timeout(20):
            assert (await anext(readings)).quotes
    reading = asyncio.ensure_future(anext(readings))
    await asyncio.sleep(0.3)
    async with PaperExchange(config.model_copy(update=ports)):
        async with asyncio.timeout(30):
            while SystemClock().now_ms() - (await reading).quotes[-1].received_ms > 1_000:
                reading = asyncio.ensure_future(anext(readings))
        assert stream.counts[Event.RECONNECTED] >= 1
        await readings.aclose()


async def test_a_goodbye_is_followed_to_the_next_connection(config: PaperConfig) -> None:
    """Binance ends every connection after a day, and says so beforehand."""
    short = StreamTimes(binance_max_age_s=0.5, binance_ping_s=0.1)
    async with PaperExchange(config.model_copy(update={"market": MOVING, "streams": short})) as paper:
        stream = stream_of(paper, Venue.BINANCE)
        async with asyncio.timeout(20), aclosing(stream.updates((XRP, SOL))) as readings:
            async for _ in readings:
                if stream.counts[Event.RECONNECTED] >= 3:
                    break
        assert not stream.counts[Event.MALFORMED]
