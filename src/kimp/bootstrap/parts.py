"""Adapters by the settings, opened and closed."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager

from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.adapters.sql.books import SqlBooks, open_books
from kimp.adapters.upbit.stream import UpbitStream
from kimp.config import Settings
from kimp.domain.market import Venue
from kimp.ports.exchange import Exchange, TickStream


def open_stream(settings: Settings, venue: Venue) -> TickStream:
    """The venue's public stream of book tops."""
    stream = UpbitStream if venue is Venue.UPBIT else BinanceStream
    return stream(settings.venue(venue), SystemClock())


def open_venue(settings: Settings, venue: Venue) -> Exchange:
    """REST access to one exchange. Imports ccxt, which takes seconds: only processes that call REST pay for it."""
    if venue is Venue.UPBIT:
        from kimp.adapters.upbit.rest import UpbitExchange  # noqa: PLC0415 - see above

        return UpbitExchange(settings.upbit, SystemClock())
    from kimp.adapters.binance.rest import BinanceExchange  # noqa: PLC0415 - see above

    return BinanceExchange(settings.binance, SystemClock())


@asynccontextmanager
async def open_venues(settings: Settings) -> AsyncIterator[Mapping[Venue, Exchange]]:
    """Both exchanges, closed at the end."""
    async with AsyncExitStack() as stack:
        venues: dict[Venue, Exchange] = {}
        for venue in Venue:
            venues[venue] = open_venue(settings, venue)
            stack.push_async_callback(venues[venue].close)
        yield venues


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[RedisTickBus]:
    bus = RedisTickBus(settings.bus_url)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[SqlBooks]:
    books = await open_books(settings.sql_url)
    try:
        yield books
    finally:
        await books.close()
