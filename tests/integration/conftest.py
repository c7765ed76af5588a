"""A database of each test's own, with kimp's tables and no rows."""

from collections.abc import AsyncIterator, Callable

import pytest
from fakes.desk import Desk
from fakes.tables import make_tables

from kimp.adapters.sql.database import SqlDatabase, connect_database


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
async def books(url: str) -> AsyncIterator[SqlDatabase]:
    await make_tables(url)
    books = await connect_database(url)
    yield books
    await books.close()


@pytest.fixture
def desk() -> Desk:
    return Desk()
