"""What a database's refusal means, by its number: an outage that passes, a person's case, or a value for no column."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout

from kimp.adapters.sql import engine as engines
from kimp.adapters.sql.copying import _require_another, check_source
from kimp.adapters.sql.engine import create_engine, parse_url
from kimp.adapters.sql.store import FAILURES, PAUSES_S, Store, _let_go, error_code, in_our_words
from kimp.domain.errors import BadAmount, BadConfig, StoreUnavailable, Unstorable

PLACE = "here"


def mysql(code: int, kind: type[DBAPIError] = OperationalError, *, lost: bool = False) -> DBAPIError:
    return kind("INSERT", {}, Exception(code, "words of\nthe server"), connection_invalidated=lost)


def sqlite(code: int) -> DBAPIError:
    cause = Exception("words")
    cause.sqlite_errorcode = code  # type: ignore[attr-defined]
    return OperationalError("INSERT", {}, cause)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Nobody waits between two attempts."""
    monkeypatch.setattr("kimp.adapters.sql.store.PAUSES_S", (0.0,) * len(PAUSES_S))
    return Store(create_engine(f"sqlite+aiosqlite:///{tmp_path / 'kimp.db'}"))


PASSING = [1205, 1213, 1062, 2000, 2002, 2003, 2006, 2013, 2999]
FINAL = [
    1044, 1045, 1049, 1698, 1071, 1118, 1709, 1142, 1143, 1227, 1370,  # a person must mend them
    1054, 1064, 1146, 1364, 1999, 3000,  # this program's own, or nobody's
]  # fmt: skip
"""A new connection is tried for those of a server that does not write any more only where SQLAlchemy let the old go."""


@pytest.mark.parametrize("error", [*map(mysql, PASSING), *map(sqlite, (5, 6, 261, 262, 517))], ids=str)
async def test_what_may_pass_is_tried_again_before_anybody_hears_of_it(store: Store, error: Exception) -> None:
    assert await _attempts(store, error) == 1 + len(PAUSES_S)


@pytest.mark.parametrize("error", [*map(mysql, FINAL), *map(sqlite, (1, 8, 11, 13, 26))], ids=str)
async def test_what_does_not_pass_is_tried_once(store: Store, error: Exception) -> None:
    assert await _attempts(store, error) == 1


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (OSError(104, "reset"), 1 + len(PAUSES_S)),
        (TimeoutError(), 1 + len(PAUSES_S)),
        (EOFError(), 1 + len(PAUSES_S)),
        (mysql(1290, lost=True), 1 + len(PAUSES_S)),
        (mysql(1045, lost=True), 1),
        (mysql(1142, lost=True), 1),
        (mysql(0, InterfaceError), 1 + len(PAUSES_S)),
        (PoolTimeout(), 1),
        (StatementError("no", "INSERT", {}, BadAmount("19 decimals")), 1),
    ],
    ids=str,
)
async def test_a_lost_connection_is_tried_again_and_a_refused_user_never(
    store: Store, error: Exception, attempts: int
) -> None:
    assert await _attempts(store, error) == attempts


async def _attempts(store: Store, error: Exception) -> int:
    made = 0

    async def work(_: Any) -> None:
        nonlocal made
        made += 1
        raise error

    with pytest.raises(Exception) as ended:
        await store.read(work)
    assert str(ended.value)
    await store.close()
    return made


async def test_an_attempt_that_succeeds_ends_the_repetition(store: Store) -> None:
    failures = [mysql(1213), mysql(2013)]

    async def work(_: Any) -> str:
        if failures:
            raise failures.pop()
        return "done"

    assert await store.read(work) == "done"
    await store.close()


@pytest.mark.parametrize("code", [1044, 1045, 1049, 1698])
def test_a_refused_user_or_schema_is_the_urls(code: int) -> None:
    reported = in_our_words(mysql(code), PLACE)
    assert type(reported) is BadConfig
    assert str(reported) == "the database at here refuses kimp: words of the server; mend database_url"


def test_a_file_that_is_no_database_is_the_urls() -> None:
    assert type(in_our_words(sqlite(26), PLACE)) is BadConfig


@pytest.mark.parametrize(
    ("code", "what"),
    [
        (1071, "a key is too long"), (1118, "a row is too long"), (1709, "an indexed column is too long"),
        (1142, "the user lacks a right"), (1143, "the user lacks a right to a column"),
        (1227, "the user lacks a privilege"), (1370, "the user lacks the right to a routine"),
    ],
)  # fmt: skip
def test_a_server_that_can_not_do_it_is_a_persons_case(code: int, what: str) -> None:
    reported = in_our_words(mysql(code), PLACE)
    assert type(reported) is BadConfig
    assert str(reported).startswith(f"the database at here can't do what kimp needs, {what}: words of the server;")


@pytest.mark.parametrize("kind", [DataError, IntegrityError])
def test_a_value_for_no_column_is_refused_for_good(kind: type[DBAPIError]) -> None:
    assert type(in_our_words(mysql(1264, kind), PLACE)) is Unstorable


@pytest.mark.parametrize(
    "error",
    [mysql(1213), mysql(2013), mysql(9, InterfaceError), mysql(1064, ProgrammingError, lost=True), EOFError()],
    ids=str,
)
def test_an_outage_is_told_as_one(error: Exception) -> None:
    reported = in_our_words(error, PLACE)
    assert type(reported) is StoreUnavailable
    assert str(reported).startswith("the database at here does not serve: ")


@pytest.mark.parametrize(
    "error", [mysql(1064, ProgrammingError), StatementError("no", "INSERT", {}, KeyError("x"))], ids=str
)
def test_a_fault_of_this_program_is_left_as_it_is(error: Exception) -> None:
    assert in_our_words(error, PLACE) is error


def test_what_kimp_itself_refused_on_the_way_is_told_as_that() -> None:
    own = BadAmount("19 decimals")
    assert in_our_words(StatementError("no", "INSERT", {}, own), PLACE) is own


def test_the_number_is_mysqls_or_sqlites_primary_one() -> None:
    assert [error_code(error) for error in (mysql(1213), sqlite(5), sqlite(261), OSError(5, "x"))] == [1213, 5, 5, None]
    assert error_code(OperationalError("INSERT", {}, Exception("words alone"))) is None


@pytest.mark.parametrize("code", [1290, 1792, 1836, 3100, 1047, 1053, 1927, 3169])
def test_connections_to_a_server_that_will_not_write_are_let_go(code: int) -> None:
    assert _is_let_go(code)


@pytest.mark.parametrize("code", [1213, 1062, 1142, 1046, 1048, 10470])
def test_others_are_kept(code: int) -> None:
    assert not _is_let_go(code)


def _is_let_go(code: int) -> bool:
    context = SimpleNamespace(original_exception=Exception(code, "words"), is_disconnect=False)
    _let_go(cast("Any", context))
    return bool(context.is_disconnect)


def test_failures_are_what_a_broken_socket_may_raise() -> None:
    assert {StatementError, PoolTimeout, OSError, TimeoutError, EOFError} == set(FAILURES)


MYSQL = "mysql+asyncmy://kimp:secret@db.example/kimp"


@pytest.mark.parametrize(
    "source",
    [
        MYSQL,
        "mysql+asyncmy://other:key@DB.Example/kimp",
        "mysql+asyncmy://kimp@db.example:3306/kimp",
        "mariadb+asyncmy://kimp@db.example/kimp",
    ],
)
async def test_a_schema_is_not_copied_into_itself(source: str) -> None:
    with pytest.raises(BadConfig) as error:
        await check_source(source, MYSQL)
    assert str(error.value) == "--copy-from: names the database to copy into; name another"


@pytest.mark.parametrize("source", ["x", "sqlite+aiosqlite://", "postgresql://there/kimp", "mysql+asyncmy://there"])
async def test_a_source_that_cannot_be_is_told_as_the_options(source: str) -> None:
    with pytest.raises(BadConfig) as error:
        await check_source(source, MYSQL)
    assert str(error.value).startswith(
        ("--copy-from: is no database URL", "--copy-from: names ", "--copy-from: lacks ")
    )
    assert "database_url" not in str(error.value)


async def test_another_file_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="--copy-from: there is no file"):
        await check_source(f"sqlite+aiosqlite:///{tmp_path}/old.db", MYSQL)
    assert not list(tmp_path.iterdir()), "nor is one made"


def test_a_file_that_is_there_may_be_copied(tmp_path: Path) -> None:
    (tmp_path / "old.db").touch()
    _require_another(parse_url(f"sqlite+aiosqlite:///{tmp_path}/old.db"), parse_url(MYSQL))


@pytest.mark.parametrize("answer_s", [None, 30])
def test_each_answer_of_a_server_has_a_time_limit(monkeypatch: pytest.MonkeyPatch, answer_s: int | None) -> None:
    """But for a copy, whose one statement may take long."""
    asked: dict[str, Any] = {}
    monkeypatch.setattr(engines, "create_async_engine", lambda _, **options: asked.update(options["connect_args"]))
    create_engine(MYSQL, answer_s=answer_s)
    assert asked["read_timeout"] == answer_s
    assert asked["connect_timeout"] == 5
    assert "innodb_lock_wait_timeout = 5" in asked["init_command"]


async def test_what_is_committed_is_kept_when_kimp_is_killed_and_no_commit_waits_for_the_disk(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite+aiosqlite:///{tmp_path}/kimp.db")
    async with engine.connect() as connection:
        found = [(await connection.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
                 for name in ("journal_mode", "synchronous", "foreign_keys")]  # fmt: skip
    await engine.dispose()
    normal = 1
    assert found == ["wal", normal, 1]
