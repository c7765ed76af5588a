"""Who this database is among all that may ever trade on the same accounts."""

import secrets

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import installation

ONLY = 1
"""Number of the one row."""
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
LENGTH = 5
"""Longer ones would not fit into a client order id of 36 characters; 28 million are enough for one account."""


class SqlInstallation:
    """Made by whoever asks first. A backup keeps it, and so does a copy: one of the two is to go on, never both."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._make = store.insert_once(installation)

    async def id(self) -> str:
        made = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        make = self._make.values(number=ONLY, id=made, made_ms=self._store.now)

        async def work(connection: AsyncConnection) -> str:
            await connection.execute(make)
            return str((await connection.execute(select(installation.c.id))).scalar_one())

        return await self._store.write(work)
