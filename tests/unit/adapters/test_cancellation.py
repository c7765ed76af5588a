"""A cancellation reaches whoever asked the database or Redis, also where the driver's own wait has lost it."""

import asyncio
from pathlib import Path

import pytest

from kimp.adapters.cancellation import cancellation_kept
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.store import Store
from kimp.domain.errors import BadConfig


async def _wait_that_loses_it() -> None:
    """As `asyncio.wait_for` of Python 3.11: the result and the cancellation come at once, and the result wins."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    try:
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        return


async def test_a_loop_on_the_database_ends_when_it_is_cancelled(tmp_path: Path) -> None:
    store = Store(create_engine(f"sqlite+aiosqlite:///{tmp_path}/kimp.db"))

    async def ask_for_ever() -> None:
        while True:
            await store.read(lambda _: _wait_that_loses_it())

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(asyncio.ensure_future(ask_for_ever()), 5)
    await store.close()


async def test_an_error_after_the_cancellation_does_not_replace_it() -> None:
    async def ask() -> None:
        with cancellation_kept():
            await _wait_that_loses_it()
            raise BadConfig("refused")

    with pytest.raises(asyncio.CancelledError):
        await asyncio.ensure_future(ask())


async def test_a_time_limit_inside_stays_one() -> None:
    with pytest.raises(TimeoutError), cancellation_kept():
        async with asyncio.timeout(0):
            await asyncio.sleep(1)


async def test_who_was_cancelled_before_may_still_ask_to_clean_up() -> None:
    async def ask() -> str:
        await _wait_that_loses_it()
        with cancellation_kept():
            await asyncio.sleep(0)
        return "cleaned up"

    assert await asyncio.ensure_future(ask()) == "cleaned up"
