"""kimp's tables without rows, migrated once for all tests of a process."""

from functools import cache
from pathlib import Path

from sqlalchemy import make_url

from kimp.adapters.sql.engine import SQLITE_DRIVER
from kimp.adapters.sql.migrating import migrate_schema


async def make_tables(url: str) -> None:
    """In an empty database: in the place of `migrate_schema`, which takes ten times as long as most tests."""
    address = make_url(url)
    if address.drivername != SQLITE_DRIVER:
        await migrate_schema(url)
        return
    file, kept = Path(address.database or ""), _kept()
    if not kept:
        await migrate_schema(url)
        kept.append(file.read_bytes())
    file.write_bytes(kept[0])


@cache
def _kept() -> list[bytes]:
    """The first file, once there is one."""
    return []
