"""What is free to trade with, and the kill switch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from kimp.domain.admission import HaltLevel
from kimp.domain.arming import Armed
from kimp.domain.caps import Exposure
from kimp.domain.money import Asset, Money
from kimp.domain.venues import Venue


@dataclass(frozen=True, slots=True)
class Stakes:
    """What may be staked, and what is."""

    free: Mapping[Venue, Money]
    """Cash that no cycle counts on; a venue whose account was never read is missing."""
    exposure: Exposure
    now_ms: int
    """When that was so, by the database's clock."""
    stock: Mapping[tuple[Venue, Asset], Decimal] = field(default_factory=dict)
    """Coins that no cycle counts on."""
    armed: Armed | None = None
    """What a person has allowed to trade, if anything."""


class Capital(Protocol):
    async def stakes(self) -> Stakes: ...


@dataclass(frozen=True, slots=True)
class Halt:
    """One setting of the kill switch."""

    level: HaltLevel
    reason: str
    set_by: str
    set_ms: int


class Controls(Protocol):
    async def halt_level(self) -> HaltLevel: ...

    async def halt_at_least(self, level: HaltLevel, reason: str) -> None:
        """Raise the level, never lower it: for kimp itself, which may stop but not resume."""
        ...


class KillSwitch(Controls, Protocol):
    """The controls in a person's hands, who may loosen what kimp has pulled."""

    async def halt_in_force(self) -> Halt | None:
        """The setting that holds, a resume included; None if there never was one."""
        ...

    async def set_halt_level(self, level: HaltLevel, reason: str, *, by: str) -> None:
        """For every process, from its next send on; kept with who and why."""
        ...


class Arming(Protocol):
    """Leave to trade real money."""

    async def armed(self) -> Armed | None:
        """What is in force; None once its time is over, it was taken back, or anything has halted trading since."""
        ...

    async def arm(self, cap_krw: int, seconds: int, note: str, *, by: str) -> None:
        """From now on for so long, by the database's clock; in the place of what was in force."""
        ...

    async def disarm(self, note: str, *, by: str) -> None:
        """No cycle starts from now on; those that are open come home."""
        ...
