"""The real feeder between the paper exchange's streams and a real Redis."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.open_redis import OpenRedis
from pydantic import SecretStr
from redis.asyncio import Redis

from feeder.service import Feeder
from kimp.adapters.binance.rest import BinanceExchange
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus, last_key, rules_key
from kimp.adapters.upbit.rest import UpbitExchange
from kimp.adapters.upbit.stream import UpbitStream
from kimp.adapters.venue.stream import Event, VenueStream
from kimp.config import PAPER_NETWORKS, VenueSettings
from kimp.config.venues import BinanceSettings, UpbitSettings
from kimp.contracts.ticks import decode_batch
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig, RateLimits, SyntheticMarket
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import Exchange, StreamUpdate

XRP, SOL = Asset("XRP"), Asset("SOL")
COINS = (XRP, SOL, USDT)
BOOKS = {(Venue.UPBIT, coin) for coin in COINS} | {(Venue.BINANCE, coin) for coin in COINS if coin != USDT}
CONFIG = PaperConfig(
    upbit_port=0,
    binance_port=0,
    admin_port=0,
    market=SyntheticMarket(ticks_per_second=500),
    limits=RateLimits(upbit_ws_connects=1_000),
)


@dataclass
class Line:
    """A feeder at work, and somebody who listens to what it publishes."""

    feeder: Feeder
    streams: dict[Venue, VenueStream]
    exchanges: list[Exchange]
    bus: RedisTickBus
    received: list[Quote] = field(default_factory=list)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def listen(self) -> None:
        async for message in self.bus.batches():
            self.received += decode_batch(message)

    def start(self) -> None:
        self.tasks += [asyncio.create_task(self.listen()), asyncio.create_task(self.feeder.run())]

    async def until(self, question: Callable[[], object], within_s: float = 30) -> None:
        deadline = asyncio.get_running_loop().time() + within_s
        while not question():
            assert not any(task.done() for task in self.tasks), self.tasks
            assert asyncio.get_running_loop().time() < deadline, f"still not true: {self.feeder.totals}"
            await asyncio.sleep(0.01)

    async def receive_all_again(self) -> None:
        """Every book, from now on."""
        self.received.clear()
        await self.until(lambda: {(quote.venue, quote.coin) for quote in self.received} >= BOOKS)

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.gather(*(exchange.close() for exchange in self.exchanges))
        await self.bus.close()


def settings(port: int, venue: Venue) -> VenueSettings:
    kind = UpbitSettings if venue is Venue.UPBIT else BinanceSettings
    return kind(
        rest_url=f"http://127.0.0.1:{port}",
        ws_url=f"ws://127.0.0.1:{port}" + ("/websocket/v1" if venue is Venue.UPBIT else ""),
        access_key=SecretStr(f"paper-{venue}"),
        secret_key=SecretStr(f"paper-{venue}-secret"),
        networks=PAPER_NETWORKS,
    )


def make_line(paper: PaperExchange, redis_url: str, **turned: VenueStream) -> Line:
    """`turned`: streams in the place of the real ones, by venue."""
    upbit, binance = settings(paper.upbit_port, Venue.UPBIT), settings(paper.binance_port, Venue.BINANCE)
    clock, bus = SystemClock(), RedisTickBus(redis_url)
    streams: dict[Venue, VenueStream] = {
        Venue.UPBIT: turned.get("upbit") or UpbitStream(upbit, clock),
        Venue.BINANCE: turned.get("binance") or BinanceStream(binance, clock),
    }
    sources: dict[Venue, Exchange] = {
        Venue.UPBIT: UpbitExchange(upbit, clock, lambda: upbit.single),
        Venue.BINANCE: BinanceExchange(binance, clock, lambda: binance.single),
    }
    feeder = Feeder(list(streams.values()), bus, sources, COINS, clock)
    return Line(feeder, streams, list(sources.values()), bus)


@pytest.fixture
async def paper() -> AsyncIterator[PaperExchange]:
    async with PaperExchange(CONFIG) as paper:
        yield paper


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client, and nothing left of earlier tests."""
    client = Redis.from_url(redis_url)
    for venue in PAIR:
        await client.delete(rules_key(venue), *(last_key(venue, coin) for coin in COINS))
    yield client
    await client.aclose()


@pytest.fixture
async def line(paper: PaperExchange, redis: Redis, redis_url: str) -> AsyncIterator[Line]:
    line = make_line(paper, redis_url)
    line.start()
    yield line
    await line.stop()


async def test_every_book_is_published_and_kept_for_late_joiners(line: Line) -> None:
    await line.receive_all_again()
    assert {(quote.venue, quote.coin) for quote in line.received} == BOOKS
    kept = await line.bus.latest(COINS)
    assert {(quote.venue, quote.coin) for quote in kept} == BOOKS
    now_ms = SystemClock().now_ms()
    assert all(quote.age_ms(now_ms) < 5_000 for quote in kept)
    assert not any(quote.crossed for quote in line.received)
    assert line.feeder.totals["rejected"] == 0


async def test_the_last_value_is_the_last_one_published(line: Line) -> None:
    await line.receive_all_again()
    feeding = line.tasks.pop()
    feeding.cancel()
    with suppress(asyncio.CancelledError):
        await feeding
    await asyncio.sleep(0.2)  # what is on the way arrives
    newest = {(quote.venue, quote.coin): quote for quote in line.received}
    assert {(q.venue, q.coin): q for q in await line.bus.latest(COINS)} == newest


async def test_rules_of_both_venues_are_there_for_late_joiners(line: Line) -> None:
    found = []
    for _ in range(500):
        found = await line.bus.latest_rules()
        if len(found) == 2:
            break
        await asyncio.sleep(0.02)
    assert {rules.venue for rules in found} == set(PAIR)
    for rules in found:
        assert {(rules.venue, i.coin) for i in rules.instruments} == {book for book in BOOKS if book[0] is rules.venue}
        assert {network.coin for network in rules.networks} == set(COINS)


async def test_quotes_are_counted_as_they_are_heard(line: Line) -> None:
    await line.receive_all_again()
    await line.until(lambda: min(line.feeder.totals[venue] for venue in PAIR) > 50)
    totals = line.feeder.totals
    assert 0 < totals["published"] <= totals[Venue.UPBIT] + totals[Venue.BINANCE]
    assert totals["failures"] == 0


async def test_a_feeder_that_is_stopped_stops(paper: PaperExchange, redis: Redis, redis_url: str) -> None:
    for _ in range(10):
        line = make_line(paper, redis_url)
        line.start()
        await line.receive_all_again()
        async with asyncio.timeout(10):
            await line.stop()


async def test_dropped_connections_are_made_again(paper: PaperExchange, line: Line) -> None:
    """The venues go and come back on the same ports; nothing of the feeder is restarted for it."""
    ports = {"upbit_port": paper.upbit_port, "binance_port": paper.binance_port}
    await line.receive_all_again()
    await paper.stop()
    await line.until(lambda: all(stream.counts[Event.RECONNECTED] for stream in line.streams.values()))
    await asyncio.sleep(0.2)
    line.received.clear()
    await asyncio.sleep(0.3)
    assert line.received == []
    async with PaperExchange(CONFIG.model_copy(update=ports)):
        await line.receive_all_again()


class Spoilt(UpbitStream):
    """After each batch four quotes that no market can mean."""

    async def updates(self, coins: Sequence[Asset]) -> AsyncGenerator[StreamUpdate]:
        async for reading in super().updates(coins):
            yield reading
            if not reading.quotes:
                continue
            good = reading.quotes[-1]
            bad = [
                good._replace(bid=good.ask + 1),
                good._replace(bid=Decimal(0)),
                good._replace(bid=Decimal("NaN")),
                good._replace(bid=good.bid * 9, ask=good.ask * 9),
            ]
            yield StreamUpdate(bad, reading.unbroken)


async def test_what_no_market_can_mean_is_counted_and_not_published(
    paper: PaperExchange, redis: Redis, redis_url: str
) -> None:
    stream = Spoilt(settings(paper.upbit_port, Venue.UPBIT), SystemClock())
    line = make_line(paper, redis_url, upbit=stream)
    line.start()
    try:
        await line.receive_all_again()
        await line.until(lambda: line.feeder.totals["rejected"] >= 100)
        sane = [q for q in line.received if q.bid.is_finite() and 0 < q.bid < q.ask]
        assert line.received == sane
        prices = {q.coin: [p.ask for p in sane if (p.venue, p.coin) == (q.venue, q.coin)] for q in sane}
        assert all(max(asks) < 2 * min(asks) for asks in prices.values())
        assert line.feeder.totals["rejected"] % 4 == 0
        assert line.feeder.totals["failures"] == 0
    finally:
        await line.stop()


async def test_redis_that_was_away_gets_what_is_newest_when_it_returns(paper: PaperExchange, tmp_path: Path) -> None:
    server = OpenRedis(tmp_path)
    line = make_line(paper, server.url)
    line.start()
    try:
        await line.until(lambda: line.feeder.totals["failures"] >= 3)
        async with server:
            await line.receive_all_again()
        failures = line.feeder.totals["failures"]
        await line.until(lambda: line.feeder.totals["failures"] > failures)
        async with server:
            back_ms = SystemClock().now_ms()
            await line.receive_all_again()
            await line.until(lambda: line.received[-1].received_ms > back_ms)
    finally:
        await line.stop()
