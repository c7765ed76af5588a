"""One engine per database, with the settings that money needs. Nothing connects before the first statement."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kimp.config.urls import options_fault, server_fault
from kimp.domain.errors import BadConfig

SQLITE_DRIVER = "sqlite+aiosqlite"
MYSQL_DRIVERS = ("mysql+asyncmy", "mariadb+asyncmy")
FORMS = f"`{SQLITE_DRIVER}:///path/to/kimp.db` or `{MYSQL_DRIVERS[0]}://user:password@host:3306/kimp`"
TLS = {f"ssl_{name}" for name in ("ca", "capath", "cert", "key", "cipher", "check_hostname")}
OPTIONS = {SQLITE_DRIVER: set[str](), **dict.fromkeys(MYSQL_DRIVERS, TLS | {"charset"})}
"""What may follow the `?`: any other name would reach the driver, which fails on it with a traceback."""
SHOWN = 20
BUSY_S = 5
CONNECT_S = 5
ANSWER_S = 30
"""A server that says nothing for so long is gone, though its socket may look open."""

WRITES = "kimp_writes"
"""Execution option of connections that will write; `store` sets it."""

SQL_MODE = "STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,NO_ZERO_DATE,NO_ZERO_IN_DATE"


def parse_url(text: str) -> URL:
    """Raises BadConfig, without the text, which holds a password."""
    if "://" in text and not text.startswith(SQLITE_DRIVER) and (fault := server_fault(text)):
        raise BadConfig(f"database_url: {fault}")
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise BadConfig(f"database_url is no database URL; write {FORMS}") from None
    if url.drivername not in (SQLITE_DRIVER, *MYSQL_DRIVERS):
        raise BadConfig(f"database_url names {url.drivername[:SHOWN]!r}; kimp speaks {FORMS}")
    if not url.database or (url.drivername == SQLITE_DRIVER and ":memory:" in url.database):
        missing = "a file: every process must see the same one" if url.drivername == SQLITE_DRIVER else "a database"
        raise BadConfig(f"database_url lacks {missing}; write {FORMS}")
    if fault := options_fault(text, OPTIONS[url.drivername]):
        raise BadConfig(f"database_url: {fault}")
    return url


def place_of(text: str) -> str:
    """Where that database is, for people; without user and password."""
    url = parse_url(text)
    if url.drivername == SQLITE_DRIVER:
        return str(Path(url.database or "").absolute())
    return f"{url.database} at {url.host}"


def require_file(text: str) -> None:
    """Opening a SQLite file would make it, and whoever only looks, or halts, meant another one. Raises BadConfig."""
    url = parse_url(text)
    if url.drivername == SQLITE_DRIVER and not Path(url.database or "").exists():
        raise BadConfig(
            f"kimp has not run here yet: there is no database at {place_of(text)}; `kimp up` runs kimp and makes one,"
            " `kimp migrate` makes it alone, or name yours in database_url"
        )


def create_engine(text: str, *, answer_s: int | None = ANSWER_S) -> AsyncEngine:
    """Raises BadConfig for a URL that kimp can't use. `answer_s` bounds each answer of a MySQL server."""
    url = parse_url(text)
    try:
        return _sqlite(url) if url.drivername == SQLITE_DRIVER else _mysql(url, answer_s)
    except (SQLAlchemyError, OSError, TypeError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else type(error).__name__
        raise BadConfig(f"the database that database_url names can't be set up: {why}; mend it") from None


def _mysql(url: URL, answer_s: int | None) -> AsyncEngine:
    return create_async_engine(
        url,
        hide_parameters=True,
        isolation_level="READ COMMITTED",  # fewer gap locks, so fewer deadlocks; the kill switch is read fresh
        # Neither a ping before nor a rollback after each use: two round trips on the way to the first order. `store`
        # repeats what met a dead connection, and ends each transaction itself.
        pool_pre_ping=False,
        pool_reset_on_return=None,
        pool_size=20,
        pool_timeout=10,
        connect_args={
            "charset": "utf8mb4",
            "connect_timeout": CONNECT_S,
            "read_timeout": answer_s,
            "init_command": f"SET SESSION sql_mode = '{SQL_MODE}', innodb_lock_wait_timeout = {BUSY_S}",
        },
    )


def _sqlite(url: URL) -> AsyncEngine:
    file = Path(url.database or "")
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_async_engine(
        url,
        hide_parameters=True,
        # None: the driver never begins a transaction by itself, `_begin` does, and before the first *read* too.
        connect_args={"isolation_level": None, "timeout": BUSY_S},
    )
    event.listen(engine.sync_engine, "do_connect", lambda *_: _make_private(file))
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin)
    return engine


def _make_private(file: Path) -> None:
    """SQLite itself would let everybody read a new file, and so its journals."""
    if not file.exists():
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))


def _set_pragmas(connection: DBAPIConnection, record: Any) -> None:
    del record
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # What is committed survives kill -9 of kimp. A power cut may take the last commits with it, and so the memory
    # that an order was sent. Where money is real use MySQL, or FULL here, which waits for the disk at each commit.
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can't wait for another writer: SQLite fails it at once.
    writes = connection.get_execution_options().get(WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
