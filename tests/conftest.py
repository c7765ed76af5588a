"""Servers that tests share: started when a test first asks for one, once per process, so unit tests start none.

`KIMP_TEST_REDIS_URL` (one, or one for each process that runs tests side by side, with spaces between) and
`KIMP_TEST_DATABASE_URL` put servers of yours in the place of the embedded ones, and `KIMP_TEST_TEMPORAL_ADDRESS` does
for the tests of the whole system. The fixtures are plain functions with a loop of their own: a session-wide async
fixture would bind tests to its loop.
"""

import asyncio
import logging
import os
import sys
import traceback
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pytest
from fakes.open_redis import OpenRedis
from hypothesis import HealthCheck, settings
from sqlalchemy import text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.devserver_binary import find_binary

T = TypeVar("T")

# A busy machine is slow to draw examples, which says nothing about kimp.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

EXCHANGEABLE = frozenset({"named_redis", "new_database"})

if sys.version_info < (3, 12):
    # To place its carets a traceback parses the line, and Python 3.11 counts the depth of all parsing together: one
    # that a finalizer renders while pytest parses ends that by "recursion depth mismatch" (SystemError; gh-106905).
    traceback._extract_caret_anchors_from_line_segment = lambda _line: None  # type: ignore[attr-defined]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what another Redis or another database can make behave differently, for `-m exchanged`.

    Processes that run tests side by side have a database each, and a Redis each where as many are named; channels are
    the same in all databases of one. With fewer, one process runs all tests that touch it.
    """
    shared = 0 < len(named_redises()) < int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    for item in items:
        if isinstance(item, pytest.Function) and not EXCHANGEABLE.isdisjoint(item.fixturenames):
            item.add_marker("exchanged")
            if shared and "named_redis" in item.fixturenames:
                item.add_marker(pytest.mark.xdist_group("redis"))


def named_redises() -> list[str]:
    return os.environ.get("KIMP_TEST_REDIS_URL", "").split()


def run(work: Coroutine[object, object, T]) -> T:
    """Like asyncio.run, which would also take away the loop that pytest-asyncio has set."""
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(work)
    finally:
        loop.close()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sets up the logging of its process, which is the tests' own where a test calls it by `main`."""
    root, temporalio = logging.getLogger(), logging.getLogger("temporalio")
    handlers, levels = root.handlers[:], (root.level, temporalio.level)
    yield
    root.handlers[:] = handlers
    root.setLevel(levels[0])
    temporalio.setLevel(levels[1])


@pytest.fixture(scope="session")
def temporal_binary() -> Path:
    """The Temporal CLI. Not fetched here: that takes minutes, and a test's time is limited."""
    found = find_binary()
    if found is None:
        pytest.fail("no Temporal server on this machine; `make test` gets one, or `make tools` alone", pytrace=False)
    return found.path


@pytest.fixture(scope="session")
def temporal_server(temporal_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevServer]:
    """A dev server with namespace and search attributes, on free ports; workflows may skip time."""
    server = DevServer(
        temporal_binary,
        tmp_path_factory.mktemp("temporal"),
        port=free_port(),
        ui_port=free_port(),
        dynamic_config=["frontend.WorkflowTimeSkippingEnabled=true"],
    )
    run(server.start())
    yield server
    run(server.stop())


@pytest.fixture(scope="session")
def named_redis() -> str | None:
    """The one to use in the place of an embedded one: this process's own where several are named."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    named = named_redises()
    return named[number % len(named)] if named else None


@pytest.fixture(scope="session")
def redis_url(named_redis: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if named_redis:
        yield named_redis
        return
    server = OpenRedis(tmp_path_factory.mktemp("redis"))
    run(server.start())
    yield server.url
    run(server.stop())


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], str]]:
    """Makes one more empty database and returns its URL: SQLite files, or schemas of the server that is named."""
    named = os.environ.get("KIMP_TEST_DATABASE_URL")
    if not named:
        folder = tmp_path_factory.mktemp("database")
        yield lambda: f"sqlite+aiosqlite:///{folder / uuid4().hex}.db"
        return
    server = make_url(named)
    made: list[str] = []

    def create() -> str:
        name = f"kimp_test_{uuid4().hex[:12]}"
        # In a thread, since an async fixture that asks has a running loop, beside which no other may run.
        with ThreadPoolExecutor(max_workers=1) as aside:
            aside.submit(run, _execute(server, f"CREATE DATABASE {name}")).result()
        made.append(name)
        return server.set(database=name).render_as_string(hide_password=False)

    yield create
    for name in made:
        run(_execute(server, f"DROP DATABASE {name}"))


@pytest.fixture(scope="session")
def database_url(new_database: Callable[[], str]) -> str:
    """One empty database for the whole process."""
    return new_database()


async def _execute(server: URL, statement: str) -> None:
    engine = create_async_engine(server, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            await connection.execute(text(statement))
    finally:
        await engine.dispose()
