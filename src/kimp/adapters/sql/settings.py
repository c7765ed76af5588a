"""Trading settings that were changed at run time, every version of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import settings_versions
from kimp.domain.errors import BadConfig, BadInput
from kimp.ports.settings import SettingsVersion

LATEST_FIRST = select(settings_versions).order_by(settings_versions.c.version.desc())
LAST = select(func.coalesce(func.max(settings_versions.c.version), 0))


class SqlSettings:
    """The port `SettingsVersions`. Raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def latest(self) -> SettingsVersion | None:
        """What holds now. Raises BadConfig if somebody wrote into the table what kimp does not write."""
        versions = await self.history(1)
        return versions[0] if versions else None

    async def history(self, limit: int) -> Sequence[SettingsVersion]:
        """Latest first."""

        async def work(connection: AsyncConnection) -> Sequence[SettingsVersion]:
            query = LATEST_FIRST.add_columns(self._store.now.label("read_ms")).limit(limit)
            return [_version(row) for row in await connection.execute(query)]

        return await self._store.read(work)

    async def add(self, changes: Mapping[str, Any], reason: str, now_ms: int, *, by: str, after: int) -> int:
        """One transaction; of two that change the same version one is refused, by its number being taken."""
        row = {
            "version": after + 1,
            "changes": json.dumps(changes, sort_keys=True),
            "set_by": by,
            "set_ms": now_ms,
            "reason": reason,
        }

        async def work(connection: AsyncConnection) -> int:
            last = (await connection.execute(LAST)).scalar_one()
            if last != after:
                raise BadInput(
                    f"somebody else made version {last} of the trading settings meanwhile;"
                    " look at it with `kimp settings list`, then try again"
                )
            await connection.execute(insert(settings_versions), row)
            return after + 1

        return await self._store.write(work)


def _version(row: Row[Any]) -> SettingsVersion:
    try:
        changes = json.loads(row.changes)
    except (ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict):
        raise BadConfig(
            f"version {row.version} of the trading settings in the database is no JSON table;"
            " mend or delete its row in settings_versions"
        )
    return SettingsVersion(row.version, changes, row.set_by, row.set_ms, row.reason, row.read_ms)
