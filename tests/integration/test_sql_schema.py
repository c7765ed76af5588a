"""Migrations lead to the tables that the code expects; what can't work is said in one line."""

import asyncio
import sys
import traceback
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.ddl.mysql import MySQLImpl
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text
from sqlalchemy.schema import ExecutableDDLElement

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.database import connect_database
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.sql.schema import REVISION, check_schema
from kimp.adapters.sql.tables import metadata
from kimp.domain.errors import BadConfig, KimpError, StoreUnavailable

SECRET = "s3cret" + "-word"
REVISIONS = ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0008", "0009", "0010", "0011", "0012", "0013"]
MIGRATE = """
import asyncio, sys
from kimp.adapters.sql.migrating import migrate_schema
sys.stdin.readline()
print(*asyncio.run(migrate_schema(sys.argv[1])))
"""


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def execute(url: str, statement: str) -> None:
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_migrating_twice_applies_each_revision_once(url: str) -> None:
    assert await migrate_schema(url) == REVISIONS
    assert REVISIONS[-1] == REVISION
    assert await migrate_schema(url) == []
    await check_schema(url)


async def test_migrated_tables_are_those_of_the_code(url: str) -> None:
    await migrate_schema(url)
    engine = create_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()


class Died(Exception):
    """As a process that is killed, or a server that goes away."""


def dying(monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Migrations die behind each such change of a table that is made for the first time."""
    real = MySQLImpl._exec
    made: set[str] = set()

    def once(impl: MySQLImpl, statement: Any, *args: Any, **options: Any) -> object:
        done = real(impl, statement, *args, **options)
        if isinstance(statement, ExecutableDDLElement):
            words = str(statement.compile(dialect=impl.dialect))
            news = words not in made
            made.add(words)
            if news and len(made) % every == 0:
                raise Died
        return done

    monkeypatch.setattr(MySQLImpl, "_exec", once)


async def test_a_migration_that_died_behind_any_of_its_steps_is_run_again(url: str) -> None:
    if url.startswith("sqlite"):
        pytest.skip("there a migration is one transaction")
    deaths = 0
    with pytest.MonkeyPatch.context() as patch:
        dying(patch, every=3)
        while True:
            try:
                await migrate_schema(url)
            except Died:
                deaths += 1
            else:
                break
    assert deaths > len(REVISIONS)
    await check_schema(url)
    assert await migrate_schema(url) == []
    engine = create_engine(url)
    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
        formats = await connection.execute(
            text(
                "SELECT DISTINCT row_format FROM information_schema.tables WHERE table_schema = DATABASE()"
                " AND table_name <> 'alembic_version'"
            )
        )
        assert formats.scalars().all() == ["Dynamic"]
    await engine.dispose()


async def test_two_processes_migrate_at_once(url: str) -> None:
    both = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", MIGRATE, url, stdin=PIPE, stdout=PIPE)
        for _ in range(2)
    ]
    results = await asyncio.gather(*(process.communicate(b"go\n") for process in both))
    assert [process.returncode for process in both] == [0, 0]
    assert [revision for out, _ in results for revision in out.decode().split()] == REVISIONS


async def test_an_empty_database_is_refused_until_it_is_migrated(url: str) -> None:
    with pytest.raises(BadConfig, match="`kimp migrate`") as refusal:
        await connect_database(url)
    assert "\n" not in str(refusal.value)
    await migrate_schema(url)
    books = await connect_database(url)
    await books.ping()
    await books.close()


async def test_the_schema_of_a_later_kimp_is_refused(url: str) -> None:
    await migrate_schema(url)
    await execute(url, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(BadConfig, match="9999"):
        await check_schema(url)
    with pytest.raises(BadConfig, match="upgrade kimp"):
        await migrate_schema(url)


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("", "no database URL"),
        (f"kimp:{SECRET}", "no database URL"),
        (f"mysql+asyncmy://kimp:{SECRET}@host:port/kimp", "its port is no number"),
        (f"mysql://kimp:{SECRET}@host/kimp", "names 'mysql'"),
        (f"postgresql+asyncpg://kimp:{SECRET}@host/kimp", "names 'postgresql"),
        (f"mysql+asyncmy://kimp:{SECRET}@host", "lacks a database"),
        (f"mysql+asyncmy://kimp:{SECRET}@host/kimp?pool={SECRET}", "options that kimp does not know"),
        ("sqlite+aiosqlite://", "lacks a file"),
        ("sqlite+aiosqlite:///:memory:", "lacks a file"),
    ],
)
async def test_a_url_that_can_not_work_is_refused_in_one_line(bad: str, why: str) -> None:
    with pytest.raises(BadConfig, match=why) as refusal:
        await connect_database(bad)
    assert "\n" not in str(refusal.value)
    assert SECRET not in "".join(traceback.format_exception(refusal.value))


async def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    url = f"mysql+asyncmy://kimp:{SECRET}@127.0.0.1:{free_port()}/kimp"
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1") as failure:
        await connect_database(url)
    assert "\n" not in str(failure.value)
    assert SECRET not in "".join(traceback.format_exception(failure.value)) + repr(failure.value)


async def test_a_wrong_password_is_said_without_it(url: str) -> None:
    if make_url(url).get_backend_name() == "sqlite":
        pytest.skip("a file has no password")
    wrong = make_url(url).set(password=SECRET).render_as_string(hide_password=False)
    with pytest.raises(BadConfig, match="mend database_url") as refusal:
        await connect_database(wrong)
    assert SECRET not in "".join(traceback.format_exception(refusal.value)) + repr(refusal.value)


async def test_a_folder_that_is_not_there_is_made(tmp_path: Path) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/a/b/kimp.db"
    assert await migrate_schema(url) == REVISIONS


@pytest.mark.parametrize("name", ["file/kimp.db", "file"])
async def test_a_path_that_can_not_be_a_database_is_said_in_one_line(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"this is no database at all " * 100)
    with pytest.raises(KimpError) as refusal:
        await migrate_schema(f"sqlite+aiosqlite:///{tmp_path}/{name}")
    assert "\n" not in str(refusal.value)
    assert isinstance(refusal.value, BadConfig)
