"""The initiator on a real Redis that is away when it starts, comes, goes and comes again."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.caps import RICH, WIDE
from fakes.open_redis import OpenRedis

from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.config import TradingSettings
from kimp.contracts.cycle import CycleInput
from kimp.domain.admission import CoinState, HaltLevel
from kimp.domain.decision import Rules
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.ports.controls import Stakes
from kimp.ports.starter import StartOutcome

XRP = Asset("XRP")


class NoCycles:
    """Read model, controls and starter of a system in which nothing ever runs."""

    async def coin_states(self) -> Mapping[Asset, CoinState]:
        return {}

    async def halt_level(self) -> HaltLevel:
        return HaltLevel(0)

    async def stakes(self) -> Stakes:
        return RICH

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None: ...

    async def start(self, cycle: CycleInput) -> StartOutcome:
        raise AssertionError("one venue's quotes are no opportunity")


def make(bus: RedisTickBus) -> Initiator:
    trading, none = TradingSettings(coins=("XRP",)), NoCycles()
    settings = InitiatorSettings(
        pair=PAIR,
        coins=trading.assets,
        rules=Rules(trading.limits(), WIDE, cooldown_ms=0),
        policy=trading.policy(WIDE),
        start_within_ms=trading.start_within_ms,
        installation="k7m2p",
    )

    async def unchanged() -> InitiatorSettings:
        return settings

    return Initiator(bus, none, none, none, none, SystemClock(), settings, unchanged)


def quotes() -> Sequence[Quote]:
    now_ms = SystemClock().now_ms()
    return [Quote(Venue.UPBIT, XRP, Decimal(3_000), Decimal(10), Decimal(3_001), Decimal(10), now_ms)]


@pytest.fixture
def server(tmp_path: Path) -> OpenRedis:
    """Not started yet."""
    return OpenRedis(tmp_path)


@pytest.fixture
async def bus(server: OpenRedis) -> AsyncIterator[RedisTickBus]:
    bus = RedisTickBus(server.url)
    yield bus
    await bus.close()


async def until(question: Callable[[], object], work: "asyncio.Task[None]", within_s: float = 20) -> None:
    deadline = asyncio.get_running_loop().time() + within_s
    while not question():
        assert not work.done(), work
        assert asyncio.get_running_loop().time() < deadline, "still not true"
        await asyncio.sleep(0.01)


async def test_the_initiator_outlives_redis(bus: RedisTickBus, server: OpenRedis) -> None:
    initiator = make(bus)
    work = asyncio.create_task(initiator.run())
    await until(lambda: initiator.counts["read_failed"], work)
    for _ in range(2):
        async with server:
            initiator.counts.clear()

            def received() -> bool:
                return initiator.counts["quotes"] >= 5

            async def publish() -> None:
                while True:
                    await bus.publish(quotes())
                    await asyncio.sleep(0.05)

            publishing = asyncio.create_task(publish())
            await until(received, work)
            publishing.cancel()
        initiator.counts.clear()
        await until(lambda: initiator.counts["read_failed"], work)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
