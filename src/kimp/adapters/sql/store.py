"""Transactions: whole or not at all, repeated when the database asks for it, failures in kimp's own words."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Executable, Insert, Table, event
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from kimp.adapters.cancellation import cancellation_kept
from kimp.adapters.sql.engine import WRITES
from kimp.adapters.sql.instant import MYSQL, SQLITE, Instant
from kimp.domain.errors import BadConfig, KimpError, StoreUnavailable, Unstorable

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

PAUSES_S = (0.005, 0.02, 0.1, 0.3)
"""Before each repetition of a transaction; then the caller hears of it."""
DUPLICATE = 1062
BUSY = {1205: "lock wait timeout", 1213: "deadlock", 5: "SQLITE_BUSY", 6: "SQLITE_LOCKED"}
REFUSED = {1044, 1045, 1049, 1698, 26}
"""Wrong user, password or database name, or a file that is no database: a person must mend the URL."""

MOVED = {
    1290: "read-only by an option of the server",
    1792: "a read-only transaction",
    1836: "in read-only mode",
    3100: "refused by a plugin of the server",
    1047: "a Galera node that is not in its cluster",
    1053: "shutting down",
    1927: "the connection was killed",
    3169: "the session was killed",
}
"""The server answers and does not write, as one that a failover made a reader: a new connection finds the writer."""
UNFIT = {
    1071: "a key is too long",
    1118: "a row is too long",
    1709: "an indexed column is too long",
    1142: "the user lacks a right",
    1143: "the user lacks a right to a column",
    1227: "the user lacks a privilege",
    1370: "the user lacks the right to a routine",
}
"""Nothing passes here by itself."""
FAILURES = (StatementError, PoolTimeout, OSError, TimeoutError, EOFError)
"""What a statement may raise: SQLAlchemy wraps most, but not every broken socket."""


def error_code(error: BaseException) -> int | None:
    """MySQL's error number, or SQLite's primary result code."""
    cause = error.orig if isinstance(error, StatementError) else None
    code: Any = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return int(code) & 0xFF  # the higher bits say which kind of busy
    args = cause.args if cause is not None else ()
    return args[0] if args and isinstance(args[0], int) else None


def _may_pass(error: Exception) -> bool:
    """Worth a repetition: all work is idempotent by key, so one whose COMMIT got no answer may be repeated too."""
    code = error_code(error)
    if code in BUSY or code == DUPLICATE:  # two inserted the same key at once: the second now finds it
        return True
    if isinstance(error, DBAPIError):
        lost = error.connection_invalidated or isinstance(error, InterfaceError)
        away = isinstance(error, OperationalError) and _is_mysql_client_code(code)
        return code not in REFUSED | UNFIT.keys() and (lost or away)
    return isinstance(error, OSError | TimeoutError | EOFError)


def _is_mysql_client_code(code: int | None) -> bool:
    return code is not None and 2000 <= code < 3000  # noqa: PLR2004 - the range of "can't connect", "gone away", "lost"


def in_our_words(error: Exception, place: str) -> Exception:
    """The same failure as a KimpError where it is one of the database and not of this program."""
    if isinstance(error, StatementError) and isinstance(error.orig, KimpError):
        return error.orig
    message = _message_of(error)
    if error_code(error) in REFUSED:
        return BadConfig(f"the database at {place} refuses kimp: {message}; mend database_url")
    if (unfit := UNFIT.get(error_code(error) or 0)) is not None:
        return BadConfig(
            f"the database at {place} can't do what kimp needs, {unfit}: {message}; MySQL 8 and MariaDB 10.6 or later"
            " do, with tables of ROW_FORMAT=DYNAMIC and all rights on kimp's own schema"
        )
    if isinstance(error, DataError | IntegrityError):
        return Unstorable(f"the database at {place} can't hold it: {message}")
    is_fault = isinstance(error, DBAPIError) and not (
        isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    )
    if is_fault or (isinstance(error, StatementError) and not isinstance(error, DBAPIError)):
        return error
    return StoreUnavailable(f"the database at {place} does not serve: {message}")


def _message_of(error: Exception) -> str:
    """The database's own words, on one line."""
    cause = error.orig if isinstance(error, StatementError) else error
    words = cause.args[-1] if cause is not None and cause.args else cause  # asyncmy: (number, words)
    return " ".join(str(words).split()) or type(error).__name__


def _let_go(context: ExceptionContext) -> None:
    """Of a connection whose server will not write any more, and of all that were opened like it."""
    message = context.original_exception.args
    if message and message[0] in MOVED:
        context.is_disconnect = True


class Store:
    """An engine, and how to run work on it."""

    def __init__(self, engine: AsyncEngine, now: Instant | None = None) -> None:
        """`now`: instead of the database's own clock, for tests that move time."""
        self._engine = engine
        event.listen(engine.sync_engine, "handle_error", _let_go)
        self._writer = engine.execution_options(**{WRITES: True})
        # SQLite lets one write at a time. Waiting here in line is quicker than its own polling for the lock.
        self._turn = asyncio.Lock() if self.is_sqlite else None
        self.now = now if now is not None else SQLITE if self.is_sqlite else MYSQL
        self.place = engine.url.set(query={}).render_as_string(hide_password=True)

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    async def write(self, work: Work[T]) -> T:
        """Run `work` in one transaction, whole and again if need be: it must be idempotent by its keys.

        Raises StoreUnavailable if the database stays away or busy; the transaction may then still have been
        committed. Raises BadConfig if it refuses the user or has no such database.
        """

        async def once() -> T:
            turn: AbstractAsyncContextManager[Any] = self._turn or nullcontext()
            async with turn, self._writer.begin() as connection:
                return await work(connection)

        return await self._repeat(once)

    async def read(self, work: Work[T]) -> T:
        """Run `work`, which only reads. Raises as `write` does."""

        async def once() -> T:
            async with self._engine.connect() as connection:
                return await work(connection)

        return await self._repeat(once)

    async def _repeat(self, once: Callable[[], Awaitable[T]]) -> T:
        for pause in PAUSES_S:
            try:
                with cancellation_kept():
                    return await once()
            except FAILURES as error:
                if not _may_pass(error):
                    raise in_our_words(error, self.place) from None
            await asyncio.sleep(pause)
        try:
            with cancellation_kept():
                return await once()
        except FAILURES as error:
            raise in_our_words(error, self.place) from None

    async def try_write(self, insertion: Insert) -> None:
        """Whether a row can be written, which leaves none. Raises as `write` does."""

        async def once() -> None:
            turn: AbstractAsyncContextManager[Any] = self._turn or nullcontext()
            async with turn, self._writer.connect() as connection, connection.begin() as transaction:
                await connection.execute(insertion)
                await transaction.rollback()

        await self._repeat(once)

    async def execute(self, statement: Executable) -> None:
        """One statement that may be repeated, as a transaction of its own; raises as `write` does."""

        async def work(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self.write(work)

    def insert_once(self, table: Table) -> Insert:
        """An insert that leaves a row with the same primary key as it is. Any other violation still raises.

        MySQL's `INSERT IGNORE` would swallow those too; updating the key to itself does not. How many rows it
        says to have changed is of no use: with the flags that SQLAlchemy sets it is 1 in both cases.
        """
        keys = list(table.primary_key.columns)
        if self.is_sqlite:
            return sqlite.insert(table).on_conflict_do_nothing(index_elements=keys)
        return mysql.insert(table).on_duplicate_key_update({keys[0].name: keys[0]})

    async def close(self) -> None:
        await self._engine.dispose()
