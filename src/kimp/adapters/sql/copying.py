"""All rows from one database to another, e.g. from SQLite to MySQL. Names that were used stay used that way."""

from pathlib import Path

from sqlalchemy import Table, func, insert, select
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.engine import SQLITE_DRIVER, create_engine, parse_url
from kimp.adapters.sql.schema import check_schema
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import metadata
from kimp.domain.errors import BadConfig, BadInput, StoreUnavailable

AT_ONCE = 1_000
MYSQL_PORT = 3306


async def check_source(source_url: str, target_url: str) -> None:
    """Before the target is touched: can rows be copied from there? Makes nothing, where SQLite would make a file.

    Raises BadConfig if not, StoreUnavailable if the source does not serve.
    """
    target = parse_url(target_url)
    try:
        _require_another(parse_url(source_url), target)
        await check_schema(source_url)
    except (BadConfig, StoreUnavailable) as error:
        message = str(error).removeprefix("database_url ").replace("database_url", "its URL")
        raise type(error)(f"--copy-from: {message}") from None


def _require_another(source: URL, target: URL) -> None:
    if _place(source) == _place(target):
        raise BadConfig("names the database to copy into; name another")
    if source.drivername == SQLITE_DRIVER and not Path(source.database or "").is_file():
        raise BadConfig(f"there is no file {source.database}")


def _place(url: URL) -> tuple[str, int, str]:
    """Host, port and name, or the file."""
    if url.drivername == SQLITE_DRIVER:
        return "", 0, str(Path(url.database or "").resolve())
    return (url.host or "localhost").lower(), url.port or MYSQL_PORT, url.database or ""


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
