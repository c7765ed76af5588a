"""How the initiator starts a cycle without knowing Temporal."""

from enum import StrEnum
from typing import Protocol

from kimp.contracts.cycle import CycleInput


class StartOutcome(StrEnum):
    STARTED = "started"
    ALREADY_OPEN = "already_open"
    """Another initiator was first, and that cycle is running."""
    ALREADY_CLOSED = "already_closed"
    """The number is used up: the coin's next cycle has a higher one."""
    OBSERVED = "observed"
    """Nothing is started in this mode: it was only logged."""


class CycleFates(Protocol):
    async def fate(self, cycle_id: str) -> str | None:
        """How the cycle's workflow ended, in words; None while it runs."""
        ...


class CycleStarter(Protocol):
    async def start(self, cycle: CycleInput) -> StartOutcome:
        """Start the cycle unless its id was ever used; at most one caller hears STARTED."""
        ...
