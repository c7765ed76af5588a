"""The trading settings in force: the configuration, and what people have changed in the database since."""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kimp.config import Loaded, Settings
from kimp.config.run_time import (
    NAMES,
    Changes,
    InForce,
    as_typed,
    bounds,
    checked,
    ends_ms,
    in_force,
    timed,
    unchangeable,
    value_of,
)
from kimp.contracts.cycle import CyclePolicy
from kimp.contracts.ranges import LAST_MS
from kimp.domain.errors import BadConfig, BadInput, KimpError
from kimp.ports.clock import Clock
from kimp.ports.settings import SettingsVersion, SettingsVersions

HOUR_MS = 3_600_000

log = logging.getLogger(__name__)
Differences = Mapping[str, tuple[str, str]]
"""Name of a setting -> how it was, and how it is from then on, in words."""


class SettingsInForce:
    """The port `TradingRules`."""

    def __init__(self, configured: Settings, versions: SettingsVersions) -> None:
        self._configured = configured
        self._versions = versions
        self._last: InForce | None = None

    async def read(self) -> InForce:
        """Raises StoreUnavailable if the database does not serve, BadConfig for a version that is not valid."""
        self._last = await read_in_force(self._configured, self._versions)
        return self._last

    async def policy(self) -> CyclePolicy:
        """Raises as `read` does while nothing was ever read."""
        return (await self._now()).policy()

    async def premium_band(self) -> Decimal:
        """Raises as `read` does while nothing was ever read."""
        return (await self._now()).settings.trading.premium_band

    async def unexplained_krw(self) -> Decimal:
        """Raises as `read` does while nothing was ever read."""
        return (await self._now()).settings.caps.unexplained_krw

    async def _now(self) -> InForce:
        try:
            return await self.read()
        except KimpError as error:
            if self._last is None:
                raise
            log.warning("%s; the trading settings that were read last stay in force", error)
            return self._last


async def read_in_force(configured: Settings, versions: SettingsVersions) -> InForce:
    """Raises StoreUnavailable if the database does not serve, BadConfig for a version that is not valid."""
    return _in_force(configured, await versions.latest())


def _in_force(configured: Settings, latest: SettingsVersion | None) -> InForce:
    if latest is None:
        return InForce(configured, None)
    try:
        return in_force(configured, latest.changes, latest.version, latest.read_ms)
    except BadInput as error:
        raise BadConfig(
            f"version {latest.version} of the trading settings in the database: {error};"
            " mend all of them with one `kimp settings set`"
        ) from None


@dataclass(frozen=True, slots=True)
class Setting:
    """One that may be changed while kimp runs, in words."""

    value: str
    """In force."""
    source: str
    configured: str
    bound: str
    """What it may be."""


@dataclass(frozen=True, slots=True)
class SettingsNow:
    """All that may be changed."""

    version: int | None
    """None: nothing was ever changed."""
    settings: Mapping[str, Setting]


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change."""

    version: int | None
    """In force from now on; None: the configuration alone."""
    changes: Differences
    new: bool
    """False: the settings said so already, and nothing was written."""


async def settings_now(loaded: Loaded[Settings], versions: SettingsVersions) -> SettingsNow:
    """What is in force, where each came from, and how far it may go."""
    configured, latest = loaded.settings, await versions.latest()
    changes: Changes = {} if latest is None else latest.changes
    now, within = _in_force(configured, latest).settings, bounds(configured)
    if latest is not None:
        changes = {name: change for name, change in changes.items() if (ends_ms(change) or LAST_MS) > latest.read_ms}
    return SettingsNow(
        None if latest is None else latest.version,
        {
            name: Setting(
                value=as_typed(value_of(now, name)),
                source=_source(changes[name]) if name in changes else loaded.origin(*name.split(".")),
                configured=as_typed(value_of(configured, name)),
                bound=within[name].words,
            )
            for name in NAMES
        },
    )


async def change_settings(
    configured: Settings,
    versions: SettingsVersions,
    asked: Mapping[str, Any],
    *,
    note: str,
    by: str,
    clock: Clock,
    hours: int | None = None,
) -> Changed:
    """For all that run. `asked`: name -> value, None for one that is given back to the configuration. After so many
    `hours` the change ends by itself.

    Raises BadInput for what may not be set, or where somebody else was faster.
    """
    latest = await versions.latest()
    before: Changes = {} if latest is None else latest.changes
    if unknown := [name for name in asked if name not in {*NAMES, *before}]:
        raise unchangeable(unknown)
    wanted = {name: value for name, value in {**before, **asked}.items() if value is not None}
    # What was allowed once, and is held at its ceiling today, is no mistake of this change.
    new = checked(configured, {name: wanted[name] for name in asked if name in wanted}, ending=hours is not None)
    after = {**wanted, **(new if hours is None else timed(new, clock.now_ms() + hours * HOUR_MS))}
    in_force(configured, after, None)
    version = 0 if latest is None else latest.version
    if after != before:
        version = await versions.add(after, note, clock.now_ms(), by=by, after=version)
    return Changed(version or None, _differences(before, after, asked), after != before)


def _source(change: Any) -> str:
    return "database" if ends_ms(change) is None else f"database, {as_typed(change).partition(' ')[2]}"


async def settings_history(versions: SettingsVersions, limit: int) -> list[tuple[SettingsVersion, Differences]]:
    """Each version with what it changed against the one before it, latest first."""
    found = await versions.history(limit + 1)
    reported: list[tuple[SettingsVersion, Differences]] = []
    for number, version in enumerate(found[:limit]):
        before: Changes = found[number + 1].changes if number + 1 < len(found) else {}
        names = [n for n in {**before, **version.changes} if before.get(n) != version.changes.get(n)]
        reported.append((version, _differences(before, version.changes, names)))
    return reported


def _differences(before: Changes, after: Changes, names: Iterable[str]) -> Differences:
    return {name: (_shown_or_configured(before, name), _shown_or_configured(after, name)) for name in names}


def _shown_or_configured(changes: Changes, name: str) -> str:
    """The word stands for whatever the configuration said at that time."""
    return as_typed(changes[name]) if name in changes else "as configured"
