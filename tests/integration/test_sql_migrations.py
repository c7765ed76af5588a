"""Migrations, one by one, lead to what a new database gets, and keep the meaning of what was there."""

from collections.abc import AsyncIterator, Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from kimp.adapters.sql import migrations
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.tables import capital, cycles, metadata, reservations, stock

BEFORE_CAPITAL = "0002"
BEFORE_ORDER = "0006"
BEFORE_STOCK = "0009"
BEFORE_REFUSED_COIN = "0011"


@pytest.fixture
async def engine(new_database: Callable[[], str]) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(new_database())
    yield engine
    await engine.dispose()


@pytest.fixture
async def other_engine(new_database: Callable[[], str]) -> AsyncIterator[AsyncEngine]:
    engine = create_engine(new_database())
    yield engine
    await engine.dispose()


async def _upgrade(engine: AsyncEngine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__ or "").parent))
    config.set_main_option("path_separator", "os")

    def upgrade(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)

    async with engine.begin() as connection:
        await connection.run_sync(upgrade)


def _shape(connection: Connection) -> dict[str, Any]:
    """Everything that a database tells of its tables, in an order of its own."""
    looked_at = inspect(connection)

    def by_name(reported: Iterable[Any]) -> list[Any]:
        return sorted(reported, key=lambda one: str(one.get("name")))

    return {
        table: {
            "columns": {one["name"]: (str(one["type"]), one["nullable"]) for one in looked_at.get_columns(table)},
            "key": looked_at.get_pk_constraint(table)["constrained_columns"],
            "unique": by_name(looked_at.get_unique_constraints(table)),
            "indexes": by_name(looked_at.get_indexes(table)),
            "foreign keys": by_name(looked_at.get_foreign_keys(table)),
            "checks": sorted(one["sqltext"] for one in looked_at.get_check_constraints(table)),
        }
        for table in looked_at.get_table_names()
        if table != "alembic_version"
    }


async def test_they_lead_to_the_tables_of_the_code_to_the_last_key(
    engine: AsyncEngine, other_engine: AsyncEngine
) -> None:
    await _upgrade(engine, "head")
    async with other_engine.begin() as connection:
        await connection.run_sync(metadata.create_all)
        wanted = await connection.run_sync(_shape)

    async with engine.connect() as connection:
        found = await connection.run_sync(_shape)

    assert found.keys() == wanted.keys()
    for table in wanted:
        assert found[table] == wanted[table], table


async def test_cash_that_the_books_hold_becomes_free(engine: AsyncEngine) -> None:
    await _upgrade(engine, BEFORE_CAPITAL)
    held = [
        ("upbit", "KRW", "1000.5"),
        ("upbit", "KRW", "-0.25"),
        ("binance", "USDT", "70"),
        ("upbit", "XRP", "8"),
        ("upbit", "USDT", "9"),
        ("external", "KRW", "-1000"),
    ]
    async with engine.begin() as connection:
        for number, (account, asset, amount) in enumerate(held):
            entry = {"entry": f"opening-{number}", "account": account, "asset": asset, "amount": amount}
            await connection.execute(text("INSERT INTO ledger_entries (entry_id, booked_ms) VALUES (:entry, 1)"), entry)
            await connection.execute(
                text("INSERT INTO ledger_postings VALUES (:entry, 1, :account, :asset, :amount)"), entry
            )

    await _upgrade(engine, "head")

    async with engine.connect() as connection:
        free = {(row.venue, row.asset): row.free for row in await connection.execute(select(capital))}
    assert free == {("upbit", "KRW"): Decimal("1000.25"), ("binance", "USDT"): Decimal(70)}


async def test_what_was_started_and_ended_before_a_resume_stays_before_it(engine: AsyncEngine) -> None:
    await _upgrade(engine, BEFORE_ORDER)
    times = {"before-all": (5, 8), "across": (10, 25), "after": (30, 35), "open": (20, None)}
    async with engine.begin() as connection:
        for at_ms in (10, 20):
            words = "INSERT INTO halts (level, reason, set_by, set_ms) VALUES (0, '-', 'ann', :at)"
            await connection.execute(text(words), {"at": at_ms})
        for cycle_id, (made_ms, released_ms) in times.items():
            words = (
                "INSERT INTO reservations (cycle_id, venue, asset, amount, stake_krw, made_ms, released_ms)"
                " VALUES (:cycle_id, 'upbit', 'KRW', '1', 1, :made_ms, :released_ms)"
            )
            reported = {"cycle_id": cycle_id, "made_ms": made_ms, "released_ms": released_ms}
            await connection.execute(text(words), reported)

    await _upgrade(engine, "head")

    r = reservations.c
    async with engine.connect() as connection:
        rows = await connection.execute(select(r.cycle_id, r.made_under, r.released_under, r.released_no))
        found = {row.cycle_id: (row.made_under, row.released_under, row.released_no) for row in rows}
    assert found == {
        "before-all": (0, 0, 8),
        "across": (1, 2, 25),
        "after": (2, 2, 35),
        "open": (2, None, None),
    }


async def test_coins_that_the_books_hold_become_stock_but_for_those_of_open_cycles(engine: AsyncEngine) -> None:
    await _upgrade(engine, BEFORE_STOCK)
    held = [
        (None, "upbit", "XRP", "8.5"),
        (None, "upbit", "KRW", "100"),
        ("XRP-1", "upbit", "XRP", "-0.5"),
        ("XRP-2", "upbit", "XRP", "4"),
        (None, "binance", "SOL", "3"),
        (None, "external", "XRP", "-12"),
    ]
    async with engine.begin() as connection:
        for number, (cycle, account, asset, amount) in enumerate(held):
            entry = {"entry": f"e-{number}", "cycle": cycle, "account": account, "asset": asset, "amount": amount}
            await connection.execute(text("INSERT INTO ledger_entries VALUES (:entry, :cycle, 1)"), entry)
            await connection.execute(
                text("INSERT INTO ledger_postings VALUES (:entry, 1, :account, :asset, :amount)"), entry
            )
        for cycle, released in (("XRP-1", 5), ("XRP-2", None)):
            await connection.execute(
                text(
                    "INSERT INTO reservations (cycle_id, venue, asset, amount, stake_krw, made_ms, made_under,"
                    " released_ms) VALUES (:cycle, 'upbit', 'KRW', '5', 5, 1, 0, :released)"
                ),
                {"cycle": cycle, "released": released},
            )

    await _upgrade(engine, "head")

    async with engine.connect() as connection:
        free = {(row.venue, row.coin): row.free for row in await connection.execute(select(stock))}
    assert free == {("upbit", "XRP"): Decimal(8), ("binance", "SOL"): Decimal(3)}


async def test_refusals_of_before_are_read_from_the_words_that_kimp_had_for_them(engine: AsyncEngine) -> None:
    await _upgrade(engine, BEFORE_REFUSED_COIN)
    ends = [
        ("REJECTED", "rejected; binance: not permitted [-2010]"),
        ("COMPENSATED", "selling XRP; sell XRP on upbit with 9 XRP rejected: not permitted"),
        ("COMPENSATED", "selling TRX; sell TRX on binance with 9 TRX rejected: not permitted"),
        ("COMPENSATED", "aborted by ann: rejected: she says"),
        ("REJECTED", "unfilled; gone"),
        ("STARTED", None),
    ]
    async with engine.begin() as connection:
        for number, (status, reason) in enumerate(ends, 1):
            words = (
                "INSERT INTO cycles (cycle_id, coin, number, direction, status, sequence, reason, expected_edge,"
                " premium, workflow_run_id, started_ms, updated_ms)"
                " VALUES (:cycle_id, 'XRP', :number, 'to_upbit', :status, 1, :reason, '0', '0', 'run', 1, 1)"
            )
            row = {"cycle_id": f"XRP-{number}", "number": number, "status": status, "reason": reason}
            await connection.execute(text(words), row)

    await _upgrade(engine, "head")

    async with engine.connect() as connection:
        rows = await connection.execute(select(cycles.c.refused_coin).order_by(cycles.c.number))
        assert rows.scalars().all() == ["XRP", "XRP", None, None, None, None]
