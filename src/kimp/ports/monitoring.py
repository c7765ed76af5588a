"""The database, as a person on call looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.caps import Exposure
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


@dataclass(frozen=True, slots=True)
class OpenCycle:
    """What matters of a cycle that has not ended."""

    status: CycleStatus
    waiting_reason: str | None
    waiting_since_ms: int | None
    reason_kind: str | None
    """What it waits or is parked for; see `kimp.domain.reasons`."""
    updated_ms: int


@dataclass(frozen=True, slots=True)
class MonitoringSnapshot:
    """What a person on call wants to know, as of one moment."""

    cycles: tuple[OpenCycle, ...]
    unknown: Mapping[Venue, int]
    """Orders without an outcome after their fence, and withdrawals without an answer."""
    in_transit: Mapping[Asset, Decimal]
    unexplained: int
    """Entries of the last day that book what nobody could explain."""
    halt: HaltLevel
    exposure: Exposure


class Monitoring(Protocol):
    async def snapshot(self) -> MonitoringSnapshot: ...
