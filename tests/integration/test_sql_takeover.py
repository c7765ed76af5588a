"""A cycle has one run that may send: no permit and no takeover ever both succeed, whichever comes first."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.market import XRP
from sqlalchemy.ext.asyncio import create_async_engine

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.store import Store
from kimp.contracts.cycle import CycleRecord, Journalled, JournalQuery, TakeOver
from kimp.contracts.orders import Opening, OrderIntent
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import Superseded
from kimp.domain.ledger import Entry, fill_entry, opening_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import USDT, Money
from kimp.domain.venues import Direction, Venue

STANDS_STILL_S = 0.15


def record(run_id: str, sequence: int, cycle_id: str = "XRP-1", **changes: Any) -> CycleRecord:
    facts: dict[str, Any] = {
        "cycle_id": cycle_id,
        "workflow_run_id": run_id,
        "coin": XRP,
        "direction": Direction.TO_UPBIT,
        "status": CycleStatus.STARTED,
        "sequence": sequence,
        "expected_edge": Decimal("0.01"),
        "premium": Decimal("0.01"),
        "detected_at_ms": 1,
        "at_ms": sequence,
    }
    return CycleRecord(**{**facts, **changes})


def takeover(of: str, by: str, cycle_id: str = "XRP-1", sequence: int = 9) -> CycleRecord:
    over = TakeOver(run_id=of, sequence=sequence - 1, adopted=())
    return record(by, sequence, cycle_id, status=CycleStatus.COMPENSATING, takes_over=over)


def sale(cycle_id: str = "XRP-1", run_id: str = "run-1", part: int = 1) -> OrderIntent:
    name = f"{cycle_id}-1S{part}-1"
    return intents.order(cycle_id=cycle_id, run_id=run_id, client_order_id=name, side=Side.SELL)


def opening(cycle_id: str = "XRP-1", run_id: str = "run-1") -> OrderIntent:
    terms = Opening(reserve=Money(Decimal(100), USDT), stake_krw=140_000, caps=WIDE)
    return intents.order(cycle_id=cycle_id, run_id=run_id, client_order_id=f"{cycle_id}-1B1-1", opening=terms)


async def left(books: SqlDatabase, run_id: str, cycle_id: str = "XRP-1", skip: int = 0) -> Journalled:
    return await books.unfinished_cycles.journalled(JournalQuery(cycle_id=cycle_id, run_id=run_id, skip=skip))


@pytest.fixture
async def books(books: SqlDatabase) -> SqlDatabase:
    await books.ledger.book([opening_entry(Venue.BINANCE, {USDT: Decimal(100_000)})])
    return books


async def test_a_run_that_was_taken_over_is_let_send_nothing(books: SqlDatabase) -> None:
    await books.read_model.record(record("run-1", 1))
    await books.read_model.record(takeover("run-1", "run-2"))
    with pytest.raises(Superseded, match="run-2 has taken cycle XRP-1 over"):
        await books.journal.ask_order(sale())
    with pytest.raises(Superseded):
        await books.journal.ask_withdrawal(intents.withdrawal())
    with pytest.raises(Superseded):
        await books.journal.ask_order(opening())
    assert (await left(books, "run-2")).orders == (), "nothing was journalled"
    assert (await books.capital.stakes()).exposure.open_cycles == 0, "and no cash set aside"
    assert (await books.journal.ask_order(sale(run_id="run-2"))).first
    assert (await books.journal.ask_withdrawal(intents.withdrawal(run_id="run-2"))) is not None


async def test_what_the_run_before_was_let_send_is_found_by_the_one_after_and_looked_up_by_both(
    books: SqlDatabase,
) -> None:
    await books.read_model.record(record("run-1", 1))
    assert (await books.journal.ask_order(sale())).first
    assert (await books.journal.ask_withdrawal(intents.withdrawal())) is not None
    await books.read_model.record(takeover("run-1", "run-2"))
    found = await left(books, "run-2")
    assert [order.client_order_id for order in found.orders] == ["XRP-1-1S1-1"]
    assert [sent.transfer_id for sent in found.withdrawals] == ["XRP-1-1W-1"]
    assert not (await books.journal.ask_order(sale())).first
    with pytest.raises(Superseded):
        await left(books, "run-1")


async def test_a_takeover_of_a_run_that_has_the_cycle_no_longer_changes_nothing(books: SqlDatabase) -> None:
    """An attempt of a workflow that was terminated meanwhile comes late: it must not fence the one that lives."""
    await books.read_model.record(record("run-1", 1))
    await books.read_model.record(takeover("run-1", "run-2"))
    await books.read_model.record(takeover("run-2", "run-3"))
    await books.read_model.record(takeover("run-1", "run-2"))
    assert (await books.journal.ask_order(sale(run_id="run-3"))).first
    with pytest.raises(Superseded):
        await left(books, "run-2")


async def test_the_last_record_of_a_run_that_was_taken_over_frees_nothing(books: SqlDatabase) -> None:
    assert (await books.journal.ask_order(opening())).first
    await books.read_model.record(record("run-1", 1))
    await books.read_model.record(takeover("run-1", "run-2"))
    await books.read_model.record(record("run-1", 2, status=CycleStatus.COMPLETED, profit_krw=Decimal(1)))
    assert await books.unfinished_cycles.unfinished() == ["XRP-1"]
    assert (await books.capital.stakes()).free[Venue.BINANCE].amount == Decimal(99_900)


async def test_entries_are_read_piece_by_piece(books: SqlDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kimp.adapters.sql.unfinished_cycles.AT_ONCE", 2)
    entries = tuple(bought(number) for number in range(5))
    await books.read_model.record(record("run-1", 1, entries=entries))
    pieces = [await left(books, "run-1", skip=skip) for skip in (0, 2, 4)]
    assert [piece.more for piece in pieces] == [True, True, False]
    assert [entry for piece in pieces for entry in piece.entries] == list(entries)


def bought(number: int) -> Entry:
    fill = Fill(f"t{number}", Decimal(2), Decimal(1), Decimal(0), USDT)
    return fill_entry("XRP-1-1B1-1", "XRP-1", Venue.BINANCE, XRP, Side.BUY, fill)


@asynccontextmanager
async def repeatable(url: str) -> AsyncIterator[SqlDatabase]:
    """As a server gives it by itself: what a transaction has seen once it sees again, whatever was written since."""
    engine = create_engine(url)
    if engine.dialect.name != "sqlite":
        await engine.dispose()
        engine = create_async_engine(url, isolation_level="REPEATABLE READ")
    books = SqlDatabase(Store(engine), "here")
    yield books
    await books.close()


Ask = Callable[[SqlDatabase, str], Awaitable[Any]]


async def _asks_to_sell(books: SqlDatabase, cycle_id: str) -> Any:
    return await books.journal.ask_order(sale(cycle_id))


async def _asks_to_withdraw(books: SqlDatabase, cycle_id: str) -> Any:
    name = f"{cycle_id}-1W-1"
    return await books.journal.ask_withdrawal(intents.withdrawal(cycle_id=cycle_id, transfer_id=name, coin=cycle_id))


async def _asks_to_open(books: SqlDatabase, cycle_id: str) -> Any:
    return await books.journal.ask_order(opening(cycle_id))


async def _permit(ask: Ask, books: SqlDatabase) -> bool:
    try:
        return (await ask(books, "XRP-1")).first is True
    except Superseded:
        return False


async def _take_over(books: SqlDatabase) -> list[str]:
    """What the run that has the cycle from now on finds in the journal."""
    await books.read_model.record(takeover("run-1", "run-2"))
    found = await left(books, "run-2")
    return [*(one.client_order_id for one in found.orders), *(one.transfer_id for one in found.withdrawals)]


def hold_up(monkeypatch: pytest.MonkeyPatch, what: str, rival: Callable[[], asyncio.Task[Any]]) -> None:
    """The transaction that calls `what` first stands still behind it, with all it has locked, while `rival` runs."""
    module, name = what.rsplit(".", 1)
    real = getattr(import_module(module), name)
    held: list[asyncio.Task[Any]] = []

    async def slow(*args: Any, **options: Any) -> None:
        await real(*args, **options)
        if not held:
            held.append(rival())
            await asyncio.wait(held, timeout=STANDS_STILL_S)

    monkeypatch.setattr(what, slow)


@pytest.mark.parametrize("ask", [_asks_to_sell, _asks_to_withdraw, _asks_to_open])
@pytest.mark.parametrize("recorded", [True, False], ids=["with a row", "before the first record"])
@pytest.mark.parametrize("repeats", [False, True], ids=["as kimp reads", "repeatable reads"])
class TestAtOnce:
    """Nothing is ever let go out of which the run that has the cycle from then on finds nothing in the journal."""

    async def test_a_takeover_waits_for_a_permit_that_is_being_given_and_then_knows_of_it(
        self, url: str, books: SqlDatabase, monkeypatch: pytest.MonkeyPatch, *, ask: Ask, recorded: bool, repeats: bool
    ) -> None:
        async with repeatable(url) as others:
            used = others if repeats else books
            if recorded:
                await books.read_model.record(record("run-1", 1))
            rivals: list[asyncio.Task[list[str]]] = []

            def rival() -> asyncio.Task[list[str]]:
                rivals.append(asyncio.create_task(_take_over(used)))
                return rivals[0]

            hold_up(monkeypatch, "kimp.adapters.sql.journal.require_own", rival)
            assert await _permit(ask, used)
            assert len(await rivals[0]) == 1

    async def test_a_permit_waits_for_a_takeover_that_is_being_written_and_is_not_given(
        self, url: str, books: SqlDatabase, monkeypatch: pytest.MonkeyPatch, *, ask: Ask, recorded: bool, repeats: bool
    ) -> None:
        async with repeatable(url) as others:
            used = others if repeats else books
            if recorded:
                await books.read_model.record(record("run-1", 1))
            rivals: list[asyncio.Task[bool]] = []

            def rival() -> asyncio.Task[bool]:
                rivals.append(asyncio.create_task(_permit(ask, used)))
                return rivals[0]

            hold_up(monkeypatch, "kimp.adapters.sql.read_model.book_entries", rival)
            assert await _take_over(used) == []
            assert not await rivals[0]
