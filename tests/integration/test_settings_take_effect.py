"""An initiator that runs takes up what a person changes in the database, and what it can't read changes nothing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from fakes.initiator import KnowingStarter, PlayedBus, StatedBooks
from fakes.market import TRX, XRP, ManualClock, free_rules, kimchi_quotes

from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.sql.database import SqlDatabase
from kimp.bootstrap.services import initiator_settings
from kimp.config import Settings
from kimp.contracts.ticks import encode_batch
from kimp.domain.errors import StoreUnavailable
from kimp.domain.money import USDT
from kimp.operations.settings import SettingsInForce

CONFIGURED = Settings(
    trading={"coins": (XRP, TRX), "threshold": "0.02", "notional_krw": 1_400_000, "rebalance_floor": 0},  # type: ignore[arg-type]  # as sources give it
)
"""The quotes make one percent: too little."""


@dataclass
class Running:
    """An initiator with a real database behind its settings, and quotes that go on coming."""

    books: SqlDatabase
    starter: KnowingStarter = field(default_factory=KnowingStarter)
    away: Exception | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Initiator]:
        rules = SettingsInForce(CONFIGURED, self.books.settings)

        async def latest() -> InitiatorSettings:
            if self.away is not None:
                raise self.away
            return initiator_settings(await rules.read(), "k7m2p")

        quotes = kimchi_quotes()
        bus, stated = PlayedBus(rules=free_rules((XRP, TRX, USDT)), last=quotes), StatedBooks()
        made = Initiator(bus, self.starter, stated, stated, stated, ManualClock(), await latest(), latest)

        async def play() -> None:
            while True:
                bus.channel.put_nowait(encode_batch(quotes))
                await asyncio.sleep(0.05)

        tasks = [asyncio.create_task(made.run()), asyncio.create_task(play())]
        try:
            yield made
        finally:
            for task in tasks:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task

    async def change(self, changes: dict[str, Any]) -> None:
        latest = await self.books.settings.latest()
        await self.books.settings.add(changes, "a test", 1, by="a test", after=latest.version if latest else 0)


@pytest.fixture
def scene(books: SqlDatabase) -> Running:
    return Running(books)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - any condition, so there is no event to wait for
            await asyncio.sleep(0.01)


async def judged(initiator: Initiator, times: int) -> None:
    initiator.counts.clear()
    await until(lambda: initiator.counts["quotes"] >= times)


async def test_a_lower_threshold_starts_cycles_that_tell_its_version(scene: Running) -> None:
    async with scene.running() as initiator:
        await judged(initiator, 40)
        assert scene.starter.ids == []
        await scene.change({"trading.threshold": "0.005"})
        await until(lambda: "XRP-1" in scene.starter.ids)
    cycle = next(cycle for cycle in scene.starter.asked if cycle.coin == XRP)
    assert cycle.policy.settings_version == 1


async def test_a_coin_that_was_taken_out_starts_no_cycle(scene: Running) -> None:
    await scene.change({"trading.threshold": "0.005", "trading.coins": ["TRX"]})
    async with scene.running() as initiator:
        await judged(initiator, 40)
        assert XRP not in {cycle.coin for cycle in scene.starter.asked}
        await scene.change({"trading.threshold": "0.005"})
        await until(lambda: "XRP-1" in scene.starter.ids)
    assert next(cycle for cycle in scene.starter.asked if cycle.coin == XRP).policy.settings_version == 2


async def test_settings_that_can_not_be_read_stay_as_they_were(scene: Running) -> None:
    async with scene.running() as initiator:
        scene.away = StoreUnavailable("the database at x does not serve: gone")
        await scene.change({"trading.threshold": "0.005"})
        await until(lambda: initiator.counts["read_failed"] >= 2)
        await judged(initiator, 40)
        assert scene.starter.ids == []
        scene.away = None
        await until(lambda: "XRP-1" in scene.starter.ids)
