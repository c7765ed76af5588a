"""`kimp migrate --copy-from`: a database moves, and everything in it stays what it was."""

import os
import subprocess
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.command import KIMP
from sqlalchemy import select

from kimp.adapters.sql.copying import copy_all
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import metadata
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.domain.ledger import opening_entry
from kimp.domain.money import KRW, USDT, Asset
from kimp.domain.venues import Direction, Venue


@pytest.fixture
async def source(tmp_path: Path) -> str:
    """What one machine has: SQLite, with something in it."""
    url = f"sqlite+aiosqlite:///{tmp_path / 'kimp.db'}"
    await migrate_schema(url)
    books = SqlDatabase(Store(create_engine(url)), "here")
    await books.ledger.book([opening_entry(Venue.UPBIT, {KRW: Decimal("100000000.12345678"), USDT: Decimal("0.1")})])
    await books.controls.set_halt_level(HaltLevel.NO_NEW_CYCLES, "moving", by="a test")
    await books.read_model.record(
        CycleRecord(
            cycle_id="XRP-7",
            workflow_run_id="run-1",
            coin=Asset("XRP"),
            direction=Direction.TO_UPBIT,
            status=CycleStatus.REJECTED,
            sequence=1,
            expected_edge=Decimal("0.004"),
            premium=Decimal("0.01"),
            detected_at_ms=1,
            at_ms=2,
        )
    )
    await books.close()
    return url


async def rows(url: str) -> dict[str, list[tuple[object, ...]]]:
    engine = create_engine(url)
    async with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
            for table in metadata.sorted_tables
        }
    await engine.dispose()
    return found


async def test_every_row_is_copied_and_nothing_is_copied_twice(source: str, new_database: Callable[[], str]) -> None:
    target = new_database()
    await migrate_schema(target)
    copied = await copy_all(source, target)
    assert (copied["cycles"], copied["ledger_postings"], copied["halts"]) == (1, 4, 1)
    assert await rows(target) == await rows(source)
    with pytest.raises(BadInput, match="holds rows in"):
        await copy_all(source, target)
    assert await rows(target) == await rows(source)


def migrated(folder: Path, source: str, target: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("KIMP_")}
    return subprocess.run(
        [KIMP, "migrate", "--copy-from", source],
        env=environment | {"KIMP_DATABASE_URL": target},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("from_where", "words"),
    [
        ("nonsense", "is no database URL"),
        ("postgresql://somewhere/kimp", "names 'postgresql'"),
        ("sqlite+aiosqlite:///nowhere/kimp.db", "there is no file nowhere/kimp.db"),
        ("sqlite+aiosqlite:///empty.db", "empty.db is empty, this kimp needs"),
        ("sqlite+aiosqlite:///notes.db", "database"),
        ("mysql+asyncmy://kimp@127.0.0.1:1/kimp", "database"),
        ("sqlite+aiosqlite:///elsewhere/../target/kimp.db", "names the database to copy into"),
    ],
)
def test_a_source_of_no_use_is_told_before_the_target_is_touched(tmp_path: Path, from_where: str, words: str) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "notes.db").write_text("no database, but a file of some length " * 100)
    before = set(tmp_path.iterdir())
    ran = migrated(tmp_path, from_where, "sqlite+aiosqlite:///target/kimp.db")
    assert ran.returncode in {1, 2}
    assert ran.stdout == ""
    (line,) = ran.stderr.splitlines()
    assert line.startswith("kimp: --copy-from: ")
    assert words in line
    assert "database_url" not in line
    assert {path for path in tmp_path.iterdir() if not path.name.endswith(("-wal", "-shm"))} == before


def test_the_command_says_what_it_copied(source: str, new_database: Callable[[], str], tmp_path: Path) -> None:
    ran = migrated(tmp_path, source, new_database())
    assert ran.returncode == 0, ran.stderr
    assert "1 cycles" in ran.stdout
