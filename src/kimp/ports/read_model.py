"""Cycles as people and the initiator look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import CoinState
from kimp.domain.money import Asset


@dataclass(frozen=True, slots=True)
class CycleRow:
    """A cycle as lists show it."""

    cycle_id: str
    coin: Asset
    direction: str
    status: CycleStatus
    waiting_reason: str | None
    waiting_since_ms: int | None
    next_check_ms: int | None
    reason: str | None
    spent: Decimal | None
    returned: Decimal | None
    home_asset: Asset | None
    route: Asset | None
    profit_krw: Decimal | None
    expected_edge: Decimal
    premium: Decimal
    settings_version: int | None
    """Of the trading settings that it lives by; None: the configuration alone."""
    started_ms: int
    updated_ms: int
    closed_ms: int | None


@dataclass(frozen=True, slots=True)
class EndedCycle:
    """What a cycle that ended has earned, or lost."""

    coin: Asset
    closed_ms: int
    profit_krw: Decimal


class CoinStates(Protocol):
    """What an initiator must know before it starts a cycle of a coin."""

    async def coin_states(self) -> Mapping[Asset, CoinState]: ...


class ReadModel(CoinStates, Protocol):
    async def record(self, record: CycleRecord) -> None:
        """Upsert the cycle and book its entries in one transaction; an older sequence changes no status."""
        ...

    async def cycles(
        self,
        *,
        limit: int,
        status: CycleStatus | None = None,
        coin: Asset | None = None,
        since_ms: int = 0,
        unfinished: bool = False,
    ) -> list[CycleRow]:
        """Latest first. `since_ms`: that began then or later; `unfinished`: that have not ended."""
        ...

    async def results(self) -> list[EndedCycle]:
        """Of every cycle that ended with one."""
        ...

    async def cycle(self, cycle_id: str) -> CycleRow | None: ...
