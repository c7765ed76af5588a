"""How fresh quotes are that reach the bus: over real sockets, with shorter times than the real ones."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal

import pytest
from fakes.proxy import FaultProxy
from websockets.asyncio.server import ServerConnection, serve

from feeder import standing
from feeder.service import Feeder
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue import sockets
from kimp.adapters.venue.stream import VenueStream
from kimp.config import VenueSettings
from kimp.contracts.ticks import decode_batch, encode_batch
from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.domain.view import MarketView, check_quote

XRP, SOL = Asset("XRP"), Asset("SOL")
COINS = (XRP, SOL)
MAX_AGE_MS = 400
LIVED_MS = 1_200
"""Three times as long as any quote may be old."""


def upbit_book(coin: str, bid: int = 800) -> bytes:
    unit = f'{{"ap":{bid + 1},"bp":{bid},"as":5,"bs":4}}'
    return f'{{"ty":"orderbook","cd":"KRW-{coin}","obu":[{unit}],"tms":{time.time_ns() // 10**6}}}'.encode()


def binance_top(coin: str) -> str:
    top = f'{{"u":{time.time_ns()},"s":"{coin}USDT","b":"0.5","B":"1","a":"0.6","A":"1"}}'
    return f'{{"stream":"{coin.lower()}usdt@bookTicker","data":{top}}}'


@dataclass
class Market:
    """A bus of one process, and what an initiator would see."""

    view: MarketView = field(default_factory=MarketView)

    async def publish(self, quotes: Sequence[Quote]) -> None:
        for quote in decode_batch(encode_batch(quotes)):
            self.view.quotes[quote.venue, quote.coin] = quote

    async def publish_rules(self, rules: VenueRules) -> None: ...

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        raise NotImplementedError

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None: ...

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        return {}

    async def latest_rules(self) -> list[VenueRules]:
        raise NotImplementedError

    def batches(self) -> AsyncIterator[bytes]:
        raise NotImplementedError

    async def close(self) -> None: ...

    def gate(self, venue: Venue, coin: Asset) -> Gate | None:
        found = check_quote(self.view, venue, coin, SystemClock().now_ms(), MAX_AGE_MS)
        return found.gate if isinstance(found, Blocked) else None

    async def until(self, question: Callable[[], bool]) -> float:
        """Seconds until it is true."""
        begun = time.monotonic()
        async with asyncio.timeout(10):
            while not question():  # noqa: ASYNC110 - any condition, so there is no event to wait for
                await asyncio.sleep(0.01)
        return time.monotonic() - begun


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sockets, "QUIET_S", 0.1)
    monkeypatch.setattr(sockets, "PONG_S", 0.2)
    monkeypatch.setattr(standing, "RENEW_MS", 50)


@asynccontextmanager
async def fed(
    venue: Venue, behave: Callable[[ServerConnection], Awaitable[None]]
) -> AsyncIterator[tuple["Market", FaultProxy]]:
    """A feeder of a venue that behaves so, through a proxy that can freeze."""
    kind: type[VenueStream] = UpbitStream if venue is Venue.UPBIT else BinanceStream
    async with serve(behave, "127.0.0.1", 0, ping_interval=None) as server:
        port = server.sockets[0].getsockname()[1]
        async with FaultProxy(0, "127.0.0.1", port) as proxy:
            settings = VenueSettings.model_construct(ws_url=f"ws://127.0.0.1:{proxy.listen_port}")
            market = Market()
            feeder = Feeder([kind(settings, SystemClock())], market, {}, COINS, SystemClock())
            running = asyncio.create_task(feeder.run())
            try:
                yield market, proxy
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)


async def reports_each_once(socket: ServerConnection) -> None:
    """Both books, and then nothing for as long as the connection lasts."""
    upbit = socket.request is not None and "streams" not in socket.request.path
    for coin in COINS:
        await socket.send(upbit_book(coin) if upbit else binance_top(coin))
    await socket.wait_closed()


async def stays_open(market: Market, venue: Venue, coin: Asset) -> None:
    await market.until(lambda: market.gate(venue, coin) is None)
    end = time.monotonic() + LIVED_MS / 1000
    while time.monotonic() < end:
        assert market.gate(venue, coin) is None
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("venue", PAIR)
async def test_a_book_that_is_quiet_on_a_healthy_connection_stays_tradable(venue: Venue) -> None:
    """Nothing but answers to pings comes."""
    async with fed(venue, reports_each_once) as (market, _):
        await stays_open(market, venue, XRP)


async def test_another_book_of_the_connection_is_a_sign_of_life_too() -> None:
    async def sends_of_another(socket: ServerConnection) -> None:
        await socket.send(upbit_book(XRP))
        while True:
            await socket.send(upbit_book(SOL))
            await asyncio.sleep(0.05)

    async with fed(Venue.UPBIT, sends_of_another) as (market, _):
        await stays_open(market, Venue.UPBIT, XRP)


@pytest.mark.parametrize("venue", PAIR)
async def test_a_half_open_connection_closes_the_gate_within_the_age_that_is_allowed(venue: Venue) -> None:
    async with fed(venue, reports_each_once) as (market, proxy):
        await market.until(lambda: market.gate(venue, XRP) is None)
        proxy.freeze()
        took_s = await market.until(lambda: market.gate(venue, XRP) is Gate.QUOTE_STALE)
        assert took_s <= MAX_AGE_MS / 1000 + 0.2
        await proxy.heal()
        await market.until(lambda: market.gate(venue, XRP) is None)


async def test_a_book_of_a_connection_that_was_lost_is_not_taken_for_fresh() -> None:
    """The next connection brings only the other one: whether this one changed meanwhile nobody knows."""
    connections = 0

    async def forgets_one(socket: ServerConnection) -> None:
        nonlocal connections
        connections += 1
        await socket.send(upbit_book(SOL))
        if connections == 1:
            await socket.send(upbit_book(XRP))
            await asyncio.sleep(0.3)
            return
        await socket.wait_closed()

    async with fed(Venue.UPBIT, forgets_one) as (market, _):
        await market.until(lambda: market.gate(Venue.UPBIT, XRP) is None)
        await market.until(lambda: market.gate(Venue.UPBIT, XRP) is Gate.QUOTE_STALE)
        await stays_open(market, Venue.UPBIT, SOL)
        assert market.gate(Venue.UPBIT, XRP) is Gate.QUOTE_STALE


async def test_a_frame_that_cannot_be_read_leaves_no_book_before_it_fresh() -> None:
    """It may have been of any of them."""

    async def garbles(socket: ServerConnection) -> None:
        await socket.send(upbit_book(XRP))
        await asyncio.sleep(0.2)
        await socket.send(b"{")
        await socket.send(upbit_book(SOL))
        await socket.wait_closed()

    async with fed(Venue.UPBIT, garbles) as (market, _):
        await market.until(lambda: market.gate(Venue.UPBIT, SOL) is None)
        await market.until(lambda: market.gate(Venue.UPBIT, XRP) is Gate.QUOTE_STALE)
        await stays_open(market, Venue.UPBIT, SOL)
        assert market.gate(Venue.UPBIT, XRP) is Gate.QUOTE_STALE
