"""All rows from one database to another, e.g. from SQLite to MySQL. Names that were used stay used that way."""

from sqlalchemy import Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.schema import check_schema
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import metadata
from kimp.domain.errors import BadInput

AT_ONCE = 1_000


async def copy_all(source_url: str, target_url: str) -> dict[str, int]:
    """Rows copied per table, in one transaction. No process of kimp may run on either meanwhile.

    Raises BadInput if the target holds anything, BadConfig unless both have this version's schema.
    """
    for url in (source_url, target_url):
        await check_schema(url)
    source, target = Store(create_engine(source_url)), Store(create_engine(target_url, answer_s=None))
    try:
        return await source.read(lambda reading: target.write(lambda writing: _copy(reading, writing)))
    finally:
        await source.close()
        await target.close()


async def _copy(reading: AsyncConnection, writing: AsyncConnection) -> dict[str, int]:
    copied: dict[str, int] = {}
    for table in metadata.sorted_tables:
        if (await writing.execute(select(func.count()).select_from(table))).scalar_one():
            raise BadInput(f"the database to copy into holds rows in {table.name}; name an empty one in database_url")
        copied[table.name] = await _copy_table(table, reading, writing)
    return copied


async def _copy_table(table: Table, reading: AsyncConnection, writing: AsyncConnection) -> int:
    count = 0
    rows = await reading.stream(select(table).order_by(*table.primary_key.columns))
    async for part in rows.mappings().partitions(AT_ONCE):
        await writing.execute(insert(table), [dict(row) for row in part])
        count += len(part)
    return count
