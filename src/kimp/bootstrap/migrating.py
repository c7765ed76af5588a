"""The database's schema, brought up to date; also into a database that is to take another one's place."""

from collections.abc import AsyncIterator

from kimp.adapters.sql.copying import check_source, copy_all
from kimp.adapters.sql.migrating import migrate_schema
from kimp.config import Settings


async def migrated(settings: Settings, copy_from: str | None) -> AsyncIterator[str]:
    """Tells each thing once it is done. `copy_from`: URL of another kimp database, whose rows are copied over.

    Raises BadConfig for a URL that can't be used, StoreUnavailable if a database does not serve.
    """
    if copy_from is not None:
        await check_source(copy_from, settings.sql_url)
    applied = await migrate_schema(settings.sql_url)
    yield f"applied {', '.join(applied)}" if applied else "the schema is up to date"
    if copy_from is not None:
        rows = await copy_all(copy_from, settings.sql_url)
        yield f"copied {', '.join(f'{count} {table}' for table, count in rows.items())}"
