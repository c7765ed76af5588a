"""Trading settings that people change while kimp runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from kimp.contracts.cycle import CyclePolicy


@dataclass(frozen=True, slots=True)
class SettingsVersion:
    """All that one version says, whoever said it first; the configuration holds for the rest."""

    version: int
    changes: Mapping[str, Any]
    """Name of the setting -> its value as JSON writes it."""
    set_by: str
    set_ms: int
    reason: str
    read_ms: int
    """When it was read, by the database's clock: a change may end by itself."""


class SettingsVersions(Protocol):
    async def latest(self) -> SettingsVersion | None:
        """None if nothing was ever changed."""
        ...

    async def history(self, limit: int) -> Sequence[SettingsVersion]:
        """Latest first."""
        ...

    async def add(self, changes: Mapping[str, Any], reason: str, now_ms: int, *, by: str, after: int) -> int:
        """The number of the new version. Raises BadInput if `after` (0: none) is not the latest any more."""
        ...


class TradingRules(Protocol):
    """The trading settings in force at this moment; those read last while the database can't be read."""

    async def policy(self) -> CyclePolicy: ...

    async def premium_band(self) -> Decimal: ...

    async def unexplained_krw(self) -> Decimal: ...
