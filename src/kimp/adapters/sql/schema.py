"""Which tables this kimp works with, and refusing to work on others."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.engine import create_engine, place_of, require_file
from kimp.adapters.sql.store import Store
from kimp.domain.errors import BadConfig

REVISION = "0013"
"""The newest migration's, which a test compares: every process asks at its start, and Alembic takes long to import."""
VERSIONS = "alembic_version"


async def check_schema(url: str) -> None:
    """Raises BadConfig unless the database is there, with tables of exactly the revision that this kimp needs."""
    require_file(url)
    async with store_of(url) as store:
        found = await store.read(_revisions)
    if found != [REVISION]:
        stands = ", ".join(found) or "empty"
        raise BadConfig(f"the schema of {place_of(url)} is {stands}, this kimp needs {REVISION}; run `kimp migrate`")


async def _revisions(connection: AsyncConnection) -> list[str]:
    if not await connection.run_sync(lambda plain: inspect(plain).has_table(VERSIONS)):
        return []
    return sorted((await connection.execute(text(f"SELECT version_num FROM {VERSIONS}"))).scalars())  # noqa: S608


@asynccontextmanager
async def store_of(url: str, *, answer_s: int | None = 30) -> AsyncIterator[Store]:
    """The database's, closed at the end; `answer_s`: how long it may say nothing."""
    store = Store(create_engine(url, answer_s=answer_s))
    try:
        yield store
    finally:
        await store.close()
