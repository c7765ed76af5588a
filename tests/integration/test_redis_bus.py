"""The tick bus on a real Redis: what is published arrives, what is old vanishes, what breaks mends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.open_redis import OpenRedis
from redis.asyncio import Redis

from kimp.adapters.redis.bus import RedisTickBus, last_key, rules_key
from kimp.contracts.ticks import CHANNEL, decode_batch
from kimp.domain.errors import BadConfig, BadMessage, BusUnavailable
from kimp.domain.market import Instrument, Network, Quote, TickBand, VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue

XRP, SOL = Asset("XRP"), Asset("SOL")
NOW = 1_790_000_000_000
POISON = [b"", b"no JSON", b"[1,[]]", b"{}", b"[2,[[]]]", b"\xff\xfe", b"[" * 10_000]


def quote(number: int, venue: Venue = Venue.UPBIT, coin: Asset = XRP) -> Quote:
    return Quote(
        venue, coin, Decimal(f"3240.{number}"), Decimal("1E-8"), Decimal(3250), Decimal("123456789.123456789"), NOW
    )  # fmt: skip


def rules(venue: Venue, read_ms: int = NOW) -> VenueRules:
    instrument = Instrument(
        venue=venue,
        coin=XRP,
        tick_bands=(TickBand(Decimal(1_000), Decimal(1)), TickBand(Decimal(0), Decimal("0.1"))),
        lot=Decimal("1E-8"),
        min_quantity=Decimal("1E-8"),
        min_notional=Decimal(5_000),
        max_notional=Decimal(1_000_000_000),
        taker_fee=Decimal("0.0005"),
    )
    network = Network(venue, XRP, "XRP", Decimal(1), Decimal(2), Decimal("0.000001"), True, False, True)  # noqa: FBT003
    return VenueRules(venue, read_ms, (instrument,), (network,))


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A plain client, and no keys of earlier tests."""
    client = Redis.from_url(redis_url)
    for venue in PAIR:
        await client.delete(rules_key(venue), *(last_key(venue, coin) for coin in (XRP, SOL)))
    yield client
    await client.aclose()


@pytest.fixture
async def bus(redis: Redis, redis_url: str) -> AsyncIterator[RedisTickBus]:
    bus = RedisTickBus(redis_url)
    yield bus
    await bus.close()


async def true(question: Callable[[], object], within_s: float = 15) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while not question():
        assert asyncio.get_running_loop().time() < deadline, "still not true"
        await asyncio.sleep(0.01)


class Listener:
    """Reads the channel in a task of its own, as the initiator does."""

    def __init__(self, bus: RedisTickBus) -> None:
        self.messages: list[bytes] = []
        self._task = asyncio.create_task(self._listen(bus))

    async def _listen(self, bus: RedisTickBus) -> None:
        async for message in bus.batches():
            self.messages.append(message)

    @property
    def quotes(self) -> list[Quote]:
        return [quote for message in self.messages for quote in decode_batch(message)]

    async def until(self, count: int) -> None:
        await true(lambda: len(self.messages) >= count)

    async def stop(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def subscribers(redis: Redis, count: int) -> None:
    deadline = asyncio.get_running_loop().time() + 15
    while dict(await redis.pubsub_numsub(CHANNEL))[CHANNEL.encode()] < count:
        assert asyncio.get_running_loop().time() < deadline, "nobody subscribed"
        await asyncio.sleep(0.01)


@pytest.fixture
async def listener(bus: RedisTickBus, redis: Redis) -> AsyncIterator[Listener]:
    listener = Listener(bus)
    await subscribers(redis, 1)
    yield listener
    await listener.stop()


async def test_what_is_published_arrives_exact_and_in_order(bus: RedisTickBus, listener: Listener) -> None:
    sent = [[quote(n), quote(n, Venue.BINANCE, SOL)] for n in range(50)]
    for batch in sent:
        await bus.publish(batch)
    await listener.until(50)
    assert [decode_batch(message) for message in listener.messages] == sent
    assert [str(q.bid_size) for q in listener.quotes[:2]] == ["1E-8", "1E-8"]


async def test_every_subscriber_hears_everything(
    bus: RedisTickBus, redis: Redis, redis_url: str, listener: Listener
) -> None:
    elsewhere = RedisTickBus(redis_url)
    second = Listener(elsewhere)
    await subscribers(redis, 2)
    await bus.publish([quote(1)])
    await asyncio.gather(listener.until(1), second.until(1))
    assert listener.messages == second.messages
    await second.stop()
    await elsewhere.close()


async def test_nothing_is_published_for_no_quotes(bus: RedisTickBus, listener: Listener) -> None:
    await bus.publish([])
    await bus.publish([quote(1)])
    await listener.until(1)
    assert listener.quotes == [quote(1)]


async def test_a_late_joiner_gets_the_last_value_of_each_book(bus: RedisTickBus) -> None:
    await bus.publish([quote(1), quote(2), quote(3, Venue.BINANCE)])
    await bus.publish([quote(4, coin=SOL)])
    held = await bus.latest([XRP, SOL, Asset("TRX")])
    assert sorted(held) == sorted([quote(2), quote(3, Venue.BINANCE), quote(4, coin=SOL)])
    assert await bus.latest([]) == []


async def test_last_values_and_rules_have_a_lifetime(bus: RedisTickBus, redis: Redis) -> None:
    await bus.publish([quote(1)])
    await bus.publish_rules(rules(Venue.UPBIT))
    for key, longest in ((last_key(Venue.UPBIT, XRP), 10_000), (rules_key(Venue.UPBIT), 120_000)):
        assert longest - 5_000 < await redis.pttl(key) <= longest
        await redis.pexpire(key, 30)
    await asyncio.sleep(0.06)
    assert await bus.latest([XRP]) == []
    assert await bus.latest_rules() == []


async def test_rules_come_back_as_they_were_the_newest_of_each_venue(bus: RedisTickBus) -> None:
    assert await bus.latest_rules() == []
    for reading in (rules(Venue.UPBIT), rules(Venue.UPBIT, NOW + 1), rules(Venue.BINANCE)):
        await bus.publish_rules(reading)
    assert sorted(await bus.latest_rules(), key=lambda r: r.venue) == [
        rules(Venue.BINANCE),
        rules(Venue.UPBIT, NOW + 1),
    ]


async def test_poison_on_the_channel_is_handed_on_and_the_loop_goes_on(
    bus: RedisTickBus, redis: Redis, listener: Listener
) -> None:
    """Decoding is the reader's: each bad message is one BadMessage of one line, and the next good one arrives."""
    for poison in POISON:
        await redis.publish(CHANNEL, poison)
    await bus.publish([quote(1)])
    await listener.until(len(POISON) + 1)
    for message in listener.messages[:-1]:
        with pytest.raises(BadMessage) as refusal:
            decode_batch(message)
        assert "\n" not in str(refusal.value)
    assert decode_batch(listener.messages[-1]) == [quote(1)]
    assert bus.counts["reconnect"] == 0


@pytest.mark.parametrize("poison", POISON)
async def test_a_bad_last_value_is_counted_and_left_out(bus: RedisTickBus, redis: Redis, poison: bytes) -> None:
    await bus.publish([quote(1), quote(2, coin=SOL)])
    await bus.publish_rules(rules(Venue.BINANCE))
    await redis.set(last_key(Venue.UPBIT, XRP), poison)
    await redis.set(rules_key(Venue.UPBIT), poison)
    assert await bus.latest([XRP, SOL]) == [quote(2, coin=SOL)]
    assert await bus.latest_rules() == [rules(Venue.BINANCE)]
    assert bus.counts == {"bad_last_value": 1, "bad_rules": 1}


async def test_a_key_of_another_kind_is_left_out(bus: RedisTickBus, redis: Redis) -> None:
    await bus.publish([quote(1, coin=SOL)])
    await redis.rpush(last_key(Venue.UPBIT, XRP), "a list")
    assert await bus.latest([XRP, SOL]) == [quote(1, coin=SOL)]


async def test_a_dropped_connection_is_made_again(bus: RedisTickBus, redis: Redis, listener: Listener) -> None:
    await bus.publish([quote(1)])
    await listener.until(1)
    await redis.client_kill_filter(_type="pubsub")
    await true(lambda: bus.counts["reconnect"])
    await subscribers(redis, 1)
    await bus.publish([quote(2)])
    await listener.until(2)
    assert listener.quotes == [quote(1), quote(2)]


async def test_away_from_the_start_is_one_clear_line_without_the_password() -> None:
    secret = "s3cret" + "-word"
    bus = RedisTickBus(f"redis://user:{secret}@127.0.0.1:9/0")
    with pytest.raises(BusUnavailable, match=r"no Redis answers at redis://127\.0\.0\.1:9 ") as refusal:
        await bus.check_reading()
    assert secret not in str(refusal.value)
    assert "\n" not in str(refusal.value)
    await bus.close()


@pytest.mark.parametrize("url", ["http://127.0.0.1", "127.0.0.1:6379", "", "redis://127.0.0.1:port/0"])
async def test_a_url_that_is_none_is_named_at_once(url: str) -> None:
    with pytest.raises(BadConfig, match=r"redis_url: .*use redis://"):
        RedisTickBus(url)


async def test_publishing_and_listening_go_on_when_redis_returns(tmp_path: Path) -> None:
    server = OpenRedis(tmp_path)
    await server.start()
    bus = RedisTickBus(server.url)
    await bus.check_publishing()
    listener = Listener(bus)
    async with aclosing(Redis.from_url(server.url)) as redis:
        await subscribers(redis, 1)
    await bus.publish([quote(1)])
    await listener.until(1)
    await server.stop()
    for call in (bus.publish([quote(2)]), bus.publish_rules(rules(Venue.UPBIT)), bus.latest([XRP]), bus.latest_rules()):
        with pytest.raises(BusUnavailable, match=rf"^no Redis serves at redis://127\.0\.0\.1:{server.port} \(\w+\)$"):
            await call
    with pytest.raises(BusUnavailable, match="no Redis answers"):
        await bus.check_reading()
    again = OpenRedis(tmp_path, port=server.port)
    await again.start()
    async with aclosing(Redis.from_url(again.url)) as redis:
        await subscribers(redis, 1)
    await bus.check_listening()
    await bus.publish([quote(3)])
    await listener.until(2)
    assert listener.quotes == [quote(1), quote(3)]
    assert await bus.latest([XRP]) == [quote(3)]
    assert bus.counts["reconnect"] >= 1
    await listener.stop()
    await bus.close()
    await again.stop()


async def test_a_redis_that_is_frozen_is_away_too(tmp_path: Path) -> None:
    """Its connections stay open and answer nothing."""
    async with OpenRedis(tmp_path) as server:
        bus = RedisTickBus(server.url)
        listener = Listener(bus)
        await bus.publish([quote(1)])
        assert server.pid is not None
        os.kill(server.pid, signal.SIGSTOP)
        try:
            for call in (bus.publish([quote(2)]), bus.latest([XRP])):
                with pytest.raises(BusUnavailable, match=r"\(TimeoutError\)"):
                    await call
            await true(lambda: bus.counts["reconnect"] >= 2, within_s=30)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        async with aclosing(Redis.from_url(server.url)) as redis:
            await subscribers(redis, 1)
        listener.messages.clear()
        await bus.publish([quote(3)])
        await listener.until(1)
        assert quote(3) in listener.quotes
        await listener.stop()
        await bus.close()


async def test_a_cancellation_is_never_swallowed(bus: RedisTickBus) -> None:
    """Whoever stops a feeder must not wait for a publication that goes on."""
    for turns in range(60):
        for call in (bus.publish([quote(1)]), bus.publish_rules(rules(Venue.UPBIT)), bus.latest([XRP])):
            work = asyncio.ensure_future(call)
            for _ in range(turns):
                await asyncio.sleep(0)
            if work.cancel():
                with pytest.raises(asyncio.CancelledError):
                    await work
    await bus.publish([quote(2)])
    assert await bus.latest([XRP]) == [quote(2)]
