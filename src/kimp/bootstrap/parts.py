"""Adapters by the settings, opened and closed."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from kimp.adapters.clock import SystemClock
from kimp.adapters.embedded.redis import own_url
from kimp.adapters.redis.refusals import REFUSES_USER
from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.adapters.venue.back_off import back_off_of
from kimp.config import KeyPair, Settings
from kimp.domain.errors import BadConfig, BusUnavailable
from kimp.domain.keys import Right
from kimp.domain.venues import PAIR, Venue
from kimp.operations.keys import KeyInUse, KeyKeeper, VenueKey, kept
from kimp.ports.exchange import Exchange, TickStream

if TYPE_CHECKING:
    from kimp.adapters.redis.bus import RedisTickBus

CLOCK = SystemClock()


def open_stream(settings: Settings, venue: Venue) -> TickStream:
    """The venue's public stream of book tops. Imported here: only a feeder pays for it."""
    from kimp.adapters.binance.stream import BinanceStream  # noqa: PLC0415 - see above
    from kimp.adapters.upbit.stream import UpbitStream  # noqa: PLC0415 - see above

    streams = {stream.venue: stream for stream in (UpbitStream, BinanceStream)}
    return streams[venue](settings.venue(venue), CLOCK)


def open_venue(settings: Settings, venue: Venue, keys: Callable[[], KeyPair] | None = None) -> Exchange:
    """REST access to one exchange, with the key to look unless `keys` names another. Imports ccxt, which takes
    seconds: only processes that call REST pay for it.
    """
    from kimp.adapters.binance.rest import BinanceExchange  # noqa: PLC0415 - see above
    from kimp.adapters.upbit.rest import UpbitExchange  # noqa: PLC0415 - see above

    exchanges = {exchange.venue: exchange for exchange in (UpbitExchange, BinanceExchange)}
    keys = keys or KeyInUse(venue, [Right.READ], settings.venue(venue))
    return exchanges[venue](settings.venue(venue), CLOCK, keys)


def open_keys(settings: Settings, venue: Venue, rights: Sequence[Right]) -> list[VenueKey]:
    """An exchange for each key that these rights need: rights that share a key share its exchange and its limits."""
    groups: list[list[Right]] = []
    for right in rights:
        pair = settings.venue(venue).pair(right)
        together = next((group for group in groups if settings.venue(venue).pair(group[0]) == pair), None)
        if together is None:
            groups.append([right])
        else:
            together.append(right)
    keys = [KeyInUse(venue, group, settings.venue(venue)) for group in groups]
    return [VenueKey(key, open_venue(settings, venue, key)) for key in keys]


@asynccontextmanager
async def open_venues(settings: Settings) -> AsyncIterator[Mapping[Venue, Exchange]]:
    """Both exchanges with the keys to look, closed at the end."""
    async with _held(settings, [Right.READ]) as held:
        yield {one.key.venue: one.exchange for one in held}


@asynccontextmanager
async def open_trusted_venues(
    settings: Settings, rights: Sequence[Right]
) -> AsyncIterator[Mapping[Right, Mapping[Venue, Exchange]]]:
    """Both exchanges for each right that a service needs, with its own key, and the keys looked after meanwhile.

    Raises BadConfig, also later, for a key that may do less or more than its process needs.
    """
    async with _held(settings, rights) as held:
        keeper = KeyKeeper(settings, held, CLOCK, _open_with)
        async with kept(keeper):
            yield {right: {one.key.venue: one.exchange for one in held if right in one.key.rights} for right in rights}


@asynccontextmanager
async def _held(settings: Settings, rights: Sequence[Right]) -> AsyncIterator[list[VenueKey]]:
    async with AsyncExitStack() as stack:
        held = [one for venue in PAIR for one in open_keys(settings, venue, rights)]
        for one in held:
            stack.push_async_callback(one.exchange.close)
        yield held


def _open_with(settings: Settings, key: KeyInUse) -> Exchange:
    return open_venue(settings, key.venue, key)


def bus_url(settings: Settings) -> str:
    """Where Redis is, with its password: never print it."""
    if settings.redis_url is not None:
        return settings.redis_url.get_secret_value()
    return own_url(settings.local.data_dir, settings.local.redis_port)


@asynccontextmanager
async def open_bus(settings: Settings) -> "AsyncIterator[RedisTickBus]":
    """Redis. Imported here: most commands look at the database alone."""
    from kimp.adapters.redis.bus import RedisTickBus  # noqa: PLC0415 - see above

    bus = RedisTickBus(bus_url(settings))
    try:
        yield bus
    finally:
        await bus.close()


async def require_admission(check: Callable[[], Awaitable[None]]) -> None:
    """At a process's start: raises BadConfig where Redis refuses its user, which no waiting mends. One that is away
    comes back.
    """
    try:
        await check()
    except BusUnavailable as error:
        if error.word in REFUSES_USER:
            raise BadConfig(str(error)) from None


@asynccontextmanager
async def shared_pauses(settings: Settings, bus: "RedisTickBus") -> AsyncIterator[None]:
    """What venues tell this process of pauses goes to the others, and theirs come here, from before the first call."""
    from kimp.adapters.redis.pauses import SharedPauses  # noqa: PLC0415 - with the bus

    urls = {venue: settings.venue(venue).rest_url for venue in PAIR}
    pauses = SharedPauses(bus, {venue: (urlsplit(url).netloc, back_off_of(url)) for venue, url in urls.items()})
    await pauses.exchange()
    running = asyncio.create_task(pauses.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[SqlDatabase]:
    books = await connect_database(settings.sql_url, settings.mode)
    try:
        yield books
    finally:
        await books.close()
