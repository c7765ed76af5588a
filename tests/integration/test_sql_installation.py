"""A database's own id: one for its whole life, whoever asks, and another than any other database's."""

import asyncio

from kimp.adapters.sql.copying import copy_all
from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.adapters.sql.migrating import migrate_schema


async def test_all_who_ask_at_once_are_told_the_same(books: SqlDatabase) -> None:
    results = await asyncio.gather(*(books.installation.id() for _ in range(8)))
    assert len(set(results)) == 1
    assert await books.installation.id() == results[0]


async def test_a_new_database_is_another_one_and_a_copy_the_same(tmp_path: str) -> None:
    urls = [f"sqlite+aiosqlite:///{tmp_path}/{name}.db" for name in ("first", "second", "copy")]
    for url in urls:
        await migrate_schema(url)
    first, second = [await connect_database(url) for url in urls[:2]]
    mine = await first.installation.id()
    assert await second.installation.id() != mine
    await copy_all(urls[0], urls[2])
    copy = await connect_database(urls[2])
    assert await copy.installation.id() == mine
    await asyncio.gather(*(each.close() for each in (first, second, copy)))
