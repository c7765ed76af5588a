"""A server that answers and does not write, as the writer of before a failover: kimp finds the new one by itself."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.migrating import migrate_schema
from kimp.adapters.sql.store import MOVED, UNFIT, Store
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadConfig, StoreUnavailable, Unstorable


class Server:
    """Connections that are open when it is demoted refuse to write; those opened later lead to the new writer."""

    def __init__(self, engine: Any) -> None:
        self.words: tuple[int, str] | None = None
        self.everywhere = False
        self._demoted: set[int] = set()
        self._open: set[int] = set()
        event.listen(engine.sync_engine, "connect", lambda connection, _: self._open.add(id(connection)))
        event.listen(engine.sync_engine, "do_execute", self._execute)

    def fail_over(self, code: int, *, everywhere: bool = False) -> None:
        self.words, self.everywhere = (code, "read-only"), everywhere
        self._demoted = set(self._open)

    def _execute(self, cursor: Any, statement: str, parameters: Any, context: Any) -> None:
        del parameters
        there = context is not None and id(context.root_connection.connection.dbapi_connection) in self._demoted
        if self.words is not None and statement.startswith(("INSERT", "UPDATE")) and (there or self.everywhere):
            raise sqlite3.OperationalError(*self.words)


@pytest.fixture
async def demoted(tmp_path: Path) -> AsyncIterator[tuple[SqlDatabase, Server]]:
    url = f"sqlite+aiosqlite:///{tmp_path}/kimp.db"
    await migrate_schema(url)
    engine = create_engine(url)
    server = Server(engine)
    books = SqlDatabase(Store(engine), "here")
    await books.controls.set_halt_level(HaltLevel.RUN, "before", by="a test")
    yield books, server
    await books.close()


@pytest.mark.parametrize("code", MOVED)
async def test_connections_to_a_server_that_will_not_write_are_let_go(
    demoted: tuple[SqlDatabase, Server], code: int
) -> None:
    books, server = demoted
    server.fail_over(code)
    await books.controls.set_halt_level(HaltLevel.NO_NEW_CYCLES, "after", by="a test")
    assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES


async def test_a_ping_writes_and_leaves_nothing(demoted: tuple[SqlDatabase, Server]) -> None:
    books, server = demoted
    await books.ping()
    assert await books.journal.claim_deposit("ping", "x") is False
    server.fail_over(1290, everywhere=True)
    with pytest.raises(StoreUnavailable, match="read-only"):
        await books.ping()


@pytest.mark.parametrize("code", UNFIT)
async def test_what_nothing_mends_by_itself_is_no_outage(demoted: tuple[SqlDatabase, Server], code: int) -> None:
    books, server = demoted
    server.fail_over(code, everywhere=True)
    with pytest.raises(BadConfig, match="can't do what kimp needs"):
        await books.ping()


async def test_a_value_that_no_column_holds_is_refused_for_good(demoted: tuple[SqlDatabase, Server]) -> None:
    books, _ = demoted
    with pytest.raises(Unstorable):
        await books.controls.set_halt_level(7, "no such level", by="a test")  # type: ignore[arg-type]  # the table's own check
