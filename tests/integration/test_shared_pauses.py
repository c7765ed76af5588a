"""A venue's ban that one process was told of holds up the others' calls too, by a real Redis."""

import asyncio
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from kimp.adapters.redis import pauses
from kimp.adapters.redis.bus import PAUSES_KEY, RedisTickBus
from kimp.adapters.redis.pauses import SharedPauses
from kimp.adapters.venue.back_off import BackOff, back_off_of
from kimp.bootstrap.parts import open_bus, shared_pauses
from kimp.config import Settings
from kimp.domain.errors import Unavailable
from kimp.domain.venues import Venue

PLACE = "banned.example:443"
NOBODY = "redis://127.0.0.1:1/0"


class Process:
    """What each of kimp's processes has of its own."""

    def __init__(self, url: str, place: str = PLACE) -> None:
        self.bus, self.back_off = RedisTickBus(url), BackOff()
        self.pauses = SharedPauses(self.bus, {Venue.BINANCE: (place, self.back_off)})

    def reported(self, seconds: int) -> None:
        self.back_off.begin(Venue.BINANCE, seconds, "-1003")

    def waits_s(self) -> int:
        try:
            self.back_off.check(Venue.BINANCE)
        except Unavailable as held:
            return held.retry_after or 0
        return 0


@pytest.fixture
async def forgotten(redis_url: str) -> str:
    """The address of a Redis that no test has told of a pause."""
    bus = RedisTickBus(redis_url)
    await bus._redis.delete(PAUSES_KEY)
    await bus.close()
    return redis_url


async def test_a_process_that_starts_during_a_ban_sends_nothing_into_it(forgotten: str) -> None:
    banned, starting = Process(forgotten), Process(forgotten)
    banned.reported(120)
    await banned.pauses.exchange()
    await starting.pauses.exchange()
    assert 115 < starting.waits_s() <= 120


async def test_a_ban_is_of_one_address(forgotten: str) -> None:
    banned, elsewhere = Process(forgotten), Process(forgotten, "another.example")
    banned.reported(120)
    await banned.pauses.exchange()
    await elsewhere.pauses.exchange()
    assert elsewhere.waits_s() == 0


async def test_a_limit_of_a_moment_is_nobody_elses(forgotten: str) -> None:
    limited, other = Process(forgotten), Process(forgotten)
    limited.reported(1)
    await limited.pauses.exchange()
    await other.pauses.exchange()
    assert other.waits_s() == 0


async def test_the_longest_of_two_pauses_is_kept(forgotten: str) -> None:
    long, short, third = Process(forgotten), Process(forgotten), Process(forgotten)
    long.reported(300)
    short.reported(60)
    await long.pauses.exchange()
    await short.pauses.exchange()
    await third.pauses.exchange()
    assert 290 < third.waits_s() <= 300
    assert 290 < short.waits_s() <= 300


async def test_what_was_heard_is_not_passed_on(forgotten: str) -> None:
    """So that a person who removes a pause from Redis has removed it."""
    banned, other, third = Process(forgotten), Process(forgotten), Process(forgotten)
    banned.reported(120)
    await banned.pauses.exchange()
    await other.pauses.exchange()
    await other.bus._redis.delete(PAUSES_KEY)
    await other.pauses.exchange()
    await third.pauses.exchange()
    assert third.waits_s() == 0


async def test_without_redis_each_process_goes_by_what_it_was_told_itself(caplog: pytest.LogCaptureFixture) -> None:
    alone = Process(NOBODY)
    for _ in range(3):
        await alone.pauses.exchange()
    assert alone.waits_s() == 0
    alone.reported(120)
    await alone.pauses.exchange()
    assert alone.waits_s() == 120
    assert len([line for line in caplog.messages if "each learns it by itself" in line]) == 1


async def test_each_service_tells_and_hears_while_it_runs(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses, "EVERY_S", 0.01)
    settings = Settings(redis_url=SecretStr(forgotten))
    place = urlsplit(settings.binance.rest_url).netloc
    here, elsewhere = back_off_of(settings.binance.rest_url), Process(forgotten, place)
    async with open_bus(settings) as bus, shared_pauses(settings, bus):
        here.begin(Venue.BINANCE, 120, "-1003")
        async with asyncio.timeout(10):
            while not elsewhere.waits_s():
                await elsewhere.pauses.exchange()
    back_off_of.cache_clear()
