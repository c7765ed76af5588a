"""The initiator's ports in memory: a bus that plays messages, a starter that knows which ids were used."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from fakes.caps import RICH

from kimp.contracts.cycle import CycleInput
from kimp.domain.admission import CoinState, HaltLevel
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import Asset
from kimp.ports.controls import Stakes
from kimp.ports.starter import StartOutcome


@dataclass
class PlayedBus:
    """Yields what a test puts on `channel`; `last` and `rules` are the values a late joiner finds."""

    rules: list[VenueRules] = field(default_factory=list)
    last: list[Quote] = field(default_factory=list)
    usual: dict[Asset, Decimal] = field(default_factory=dict)
    channel: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    async def publish(self, quotes: Sequence[Quote]) -> None: ...

    async def publish_rules(self, rules: VenueRules) -> None: ...

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        return [quote for quote in self.last if quote.coin in coins]

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None: ...

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        return self.usual

    async def latest_rules(self) -> list[VenueRules]:
        return self.rules

    async def batches(self) -> AsyncIterator[bytes]:
        while True:
            yield await self.channel.get()

    async def close(self) -> None: ...


@dataclass
class KnowingStarter:
    """Like Temporal: an id starts once, whoever asks. `faults` are raised first, one per call."""

    used: dict[str, bool] = field(default_factory=dict)
    """Cycle id -> whether it is still open."""
    asked: list[CycleInput] = field(default_factory=list)
    faults: deque[Exception] = field(default_factory=deque)
    gate: asyncio.Event | None = None

    async def start(self, cycle: CycleInput) -> StartOutcome:
        self.asked.append(cycle)
        if self.gate is not None:
            await self.gate.wait()
        if self.faults:
            raise self.faults.popleft()
        if cycle.cycle_id in self.used:
            return StartOutcome.ALREADY_OPEN if self.used[cycle.cycle_id] else StartOutcome.ALREADY_CLOSED
        self.used[cycle.cycle_id] = True
        return StartOutcome.STARTED

    @property
    def ids(self) -> list[str]:
        return [cycle.cycle_id for cycle in self.asked]


@dataclass
class StatedBooks:
    """Read model and kill switch as a test sets them; `away` makes every reading fail."""

    states: Mapping[Asset, CoinState] = field(default_factory=dict)
    level: HaltLevel = HaltLevel.RUN
    at_stake: Stakes = RICH
    away: Exception | None = None
    readings: int = 0
    halts: list[str] = field(default_factory=list)

    async def coin_states(self) -> Mapping[Asset, CoinState]:
        self.readings += 1
        if self.away is not None:
            raise self.away
        return self.states

    async def stakes(self) -> Stakes:
        return self.at_stake

    async def halt_level(self) -> HaltLevel:
        return self.level

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        self.level = max(self.level, level)
        self.halts.append(reason)
