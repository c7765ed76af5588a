"""Bringing the tables up to date. Apart from `schema`, as Alembic takes a while to import and only this needs it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.migrations import steps
from kimp.adapters.sql.schema import store_of
from kimp.domain.errors import BadConfig, StoreUnavailable

RERUNNABLE = (steps.RerunnableMySQL, steps.RerunnableMariaDB)
"""Named here so that they are defined before Alembic looks for them."""
LOCK = "kimp_migrate"
LOCK_S = 60


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


async def migrate_schema(url: str) -> list[str]:
    """Bring the database up to date; the revisions that were applied, oldest first, none if it was.

    Several processes may do this at once: one works, the others wait and find nothing left to do.
    Raises BadConfig for a URL that can't be used or a schema of a later kimp, StoreUnavailable if the database does
    not serve.
    """
    async with store_of(url, answer_s=None) as store:
        return await store.write(_upgrade)


async def _upgrade(connection: AsyncConnection) -> list[str]:
    if connection.dialect.name == "sqlite":  # `write` began the transaction as the only writer, and DDL is part of it
        return await connection.run_sync(_run)
    if (await connection.execute(text("SELECT GET_LOCK(:lock, :wait)"), {"lock": LOCK, "wait": LOCK_S})).scalar() != 1:
        raise StoreUnavailable(f"another process has been migrating the database for {LOCK_S} s; try again")
    # The driver logs warnings; MySQL's only one here is that it ignores the name of Alembic's own primary key.
    await connection.execute(text("SET SESSION max_error_count = 0"))
    try:
        return await connection.run_sync(_run)
    finally:
        await connection.execute(text("SELECT RELEASE_LOCK(:lock)"), {"lock": LOCK})


def _run(connection: Connection) -> list[str]:
    config = _config()
    config.attributes["connection"] = connection
    stands, script = _revisions(connection), ScriptDirectory.from_config(config)
    unknown = set(stands) - {known.revision for known in script.walk_revisions()}
    if unknown:
        raise BadConfig(f"the database's schema is {', '.join(unknown)}, which a later kimp made; upgrade kimp")
    missing = [step.revision for step in script.iterate_revisions("heads", stands or "base")]
    command.upgrade(config, "heads")
    return missing[::-1]


def _revisions(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()
