"""Coins that a pair sells are set aside with the cash that it buys for, in one transaction, or nothing is."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from decimal import Decimal

import pytest
from fakes import intents
from fakes.caps import WIDE
from fakes.tables import make_tables

from kimp.adapters.sql.database import SqlDatabase, connect_database
from kimp.contracts.cycle import CycleRecord, JournalQuery
from kimp.contracts.orders import Opening, OrderOutcome, OrderPair, OrderReport, PairReport
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import Superseded
from kimp.domain.gates import Gate
from kimp.domain.ledger import Entry, fill_entry, opening_entry, unexplained_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Direction, Venue
from kimp.operations.catch_up import catch_up
from kimp.ports.catching_up import PastActivity, PastRun

XRP = Asset("XRP")
USDT_THERE, XRP_THERE = Decimal(10_000), Decimal(250)
COST = Decimal(201)


@pytest.fixture
async def books(url: str) -> AsyncIterator[SqlDatabase]:
    """Coins on one venue, cash on the other."""
    await make_tables(url)
    books = await connect_database(url)
    await books.ledger.book([opening_entry(Venue.UPBIT, {KRW: Decimal(0), XRP: XRP_THERE})])
    await books.ledger.book([opening_entry(Venue.BINANCE, {USDT: USDT_THERE})])
    yield books
    await books.close()


def pair(number: int = 1, *, coins: str = "100", opens: bool = True, part: int = 1) -> OrderPair:
    facts = {"cycle_id": f"XRP-{number}", "run_id": f"run-{number}", "quantity": Decimal(coins)}
    opening = Opening(reserve=Money(COST, USDT), stake_krw=281_400, caps=WIDE) if opens else None
    return OrderPair(
        buy=intents.order(**facts, client_order_id=f"XRP-{number}-1B{part}-1", opening=opening),
        sell=intents.order(
            **facts,
            client_order_id=f"XRP-{number}-1S{part}-1",
            venue=Venue.UPBIT,
            side=Side.SELL,
            limit_price=Decimal(2800),
            krw_per_cash=Decimal(1),
        ),
    )


def ended(number: int = 1, entries: tuple[Entry, ...] = (), status: CycleStatus = CycleStatus.COMPLETED) -> CycleRecord:
    return CycleRecord(
        cycle_id=f"XRP-{number}",
        workflow_run_id=f"run-{number}",
        coin=XRP,
        direction=Direction.TO_UPBIT,
        status=status,
        sequence=9,
        profit_krw=Decimal(1),
        expected_edge=Decimal(0),
        premium=Decimal(0),
        detected_at_ms=0,
        at_ms=1,
        entries=entries,
    )


def traded(venue: Venue, side: Side, coins: str) -> Entry:
    name = "XRP-1-1B1-1" if side is Side.BUY else "XRP-1-1S1-1"
    return fill_entry(name, "XRP-1", venue, XRP, side, Fill("t1", Decimal(2), Decimal(coins), Decimal(0), venue.cash))


async def free(books: SqlDatabase) -> tuple[Decimal, Decimal]:
    """Cash where the pair buys, coins where it sells."""
    stakes = await books.capital.stakes()
    return stakes.free[Venue.BINANCE].amount, stakes.stock[Venue.UPBIT, XRP]


async def test_coins_that_were_there_at_first_are_free(books: SqlDatabase) -> None:
    assert await free(books) == (USDT_THERE, XRP_THERE)


async def test_cash_and_coins_are_set_aside_once_however_often_it_asks(books: SqlDatabase) -> None:
    permits = await books.journal.ask_pair(pair())
    assert [(one.first, one.refused, one.run_id) for one in permits] == [(True, None, "run-1")] * 2
    again = await books.journal.ask_pair(pair())
    assert [(one.first, one.refused) for one in again] == [(False, None)] * 2
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 100)


async def test_of_calls_at_the_same_moment_one_may_send_both_orders(books: SqlDatabase) -> None:
    results = await asyncio.gather(*(books.journal.ask_pair(pair()) for _ in range(5)))
    assert sorted(tuple(permit.first for permit in permits) for permits in results) == [(False, False)] * 4 + [
        (True, True)
    ]


async def test_pairs_at_the_same_moment_never_sell_the_same_coins(books: SqlDatabase) -> None:
    results = await asyncio.gather(*(books.journal.ask_pair(pair(number)) for number in range(1, 5)))
    assert sum(buy.first for buy, _ in results) == 2
    assert {buy.refused.gate for buy, _ in results if buy.refused} == {Gate.STOCK}
    assert await free(books) == (USDT_THERE - 2 * COST, XRP_THERE - 200)


async def test_too_few_coins_leave_no_trace_of_the_whole_pair(books: SqlDatabase) -> None:
    permits = await books.journal.ask_pair(pair(coins="251"))
    assert {permit.refused.gate for permit in permits if permit.refused} == {Gate.STOCK}
    assert not await books.journal.knows(pair().buy)
    assert not await books.journal.knows(pair().sell)
    assert await free(books) == (USDT_THERE, XRP_THERE)
    assert await books.unfinished_cycles.unfinished() == []


async def test_too_little_cash_leaves_the_coins_free(books: SqlDatabase) -> None:
    costly = pair()
    opening = Opening(reserve=Money(USDT_THERE + 1, USDT), stake_krw=1, caps=WIDE)
    costly = costly.model_copy(update={"buy": costly.buy.model_copy(update={"opening": opening})})
    buy, _ = await books.journal.ask_pair(costly)
    assert buy.refused is not None
    assert buy.refused.gate is Gate.CAPITAL
    assert await free(books) == (USDT_THERE, XRP_THERE)


async def test_the_kill_switch_refuses_a_pair_that_opens_a_cycle(books: SqlDatabase) -> None:
    await books.controls.set_halt_level(HaltLevel.NO_NEW_CYCLES, "a look", by="ann")
    buy, sell = await books.journal.ask_pair(pair())
    assert buy.refused == sell.refused
    assert buy.refused is not None
    assert buy.refused.gate is Gate.KILL_SWITCH


async def test_a_cycle_that_came_to_nothing_gives_both_back(books: SqlDatabase) -> None:
    await books.journal.ask_pair(pair())
    await books.read_model.record(ended(status=CycleStatus.REJECTED))
    assert await free(books) == (USDT_THERE, XRP_THERE)


async def test_what_the_cycle_left_is_free_once_it_has_ended(books: SqlDatabase) -> None:
    """90 coins were sold of the stock, and 89.5 have come back from where they were bought."""
    await books.journal.ask_pair(pair())
    sold = traded(Venue.UPBIT, Side.SELL, "90")
    back = unexplained_entry("XRP-1-1W-1/in", {(Venue.UPBIT, XRP): Decimal("89.5")})
    await books.read_model.record(ended(status=CycleStatus.INITIAL_TRADE_COMPLETED, entries=(sold,)))
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 100), "while it runs nobody else counts on any of it"
    in_cycle = Entry(back.entry_id, "XRP-1", back.postings)
    await books.read_model.record(ended(entries=(in_cycle,)).model_copy(update={"sequence": 10}))
    assert await free(books) == (USDT_THERE, XRP_THERE - Decimal("0.5"))


async def test_a_further_pair_of_a_cycle_sets_coins_aside_and_no_cash(books: SqlDatabase) -> None:
    await books.journal.ask_pair(pair())
    buy, _ = await books.journal.ask_pair(pair(opens=False, part=2, coins="50"))
    assert buy.first
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 150)
    refused, _ = await books.journal.ask_pair(pair(opens=False, part=3, coins="101"))
    assert refused.refused is not None
    assert refused.refused.gate is Gate.STOCK
    await books.read_model.record(ended())
    assert await free(books) == (USDT_THERE, XRP_THERE)


async def test_another_run_that_has_the_cycle_journals_neither(books: SqlDatabase) -> None:
    await books.journal.ask_pair(pair())
    await books.read_model.record(ended(status=CycleStatus.STARTED))
    late = pair(opens=False, part=2)
    orders = {name: getattr(late, name).model_copy(update={"run_id": "run-9"}) for name in ("buy", "sell")}
    with pytest.raises(Superseded):
        await books.journal.ask_pair(late.model_copy(update=orders))
    assert not await books.journal.knows(late.sell)
    assert (await free(books))[1] == XRP_THERE - 100


async def test_one_that_is_journalled_alone_lets_neither_out(books: SqlDatabase) -> None:
    """As a restore may leave it: nobody knows whether the other one was sent."""
    await books.catching_up.order(pair().buy, asked_ms=None)
    assert [permit.first for permit in await books.journal.ask_pair(pair())] == [False, False]


async def test_both_orders_are_found_by_whoever_takes_the_cycle_over(books: SqlDatabase) -> None:
    await books.journal.ask_pair(pair())
    found = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-1", skip=0))
    assert {(order.venue, order.side, order.quantity) for order in found.orders} == {
        (Venue.BINANCE, Side.BUY, Decimal(100)),
        (Venue.UPBIT, Side.SELL, Decimal(100)),
    }


async def test_each_order_is_closed_by_itself(books: SqlDatabase) -> None:
    await books.journal.ask_pair(pair())
    report = OrderReport(client_order_id="XRP-1-1S1-1", outcome=OrderOutcome.UNFILLED)
    await books.journal.close_order(pair().sell, report)
    found = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-1", skip=0))
    assert [order.client_order_id for order in found.orders] == ["XRP-1-1B1-1"]


async def test_a_restored_database_sets_both_aside_again(books: SqlDatabase) -> None:
    assert await books.catching_up.pair(pair(), asked_ms=5) == 2
    assert await books.catching_up.pair(pair(), asked_ms=5) == 0
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 100)
    assert await books.catching_up.pair(pair(opens=False, part=2, coins="50"), asked_ms=6) == 2
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 150)
    await books.read_model.record(ended())
    assert await free(books) == (USDT_THERE, XRP_THERE)


async def test_coins_that_come_and_go_outside_of_cycles_are_stock(books: SqlDatabase) -> None:
    await books.ledger.book([unexplained_entry("reconciled/1", {(Venue.UPBIT, XRP): Decimal(-40)})])
    await books.ledger.book([unexplained_entry("reconciled/2", {(Venue.BINANCE, XRP): Decimal(7)})])
    assert dict((await books.capital.stakes()).stock) == {
        (Venue.UPBIT, XRP): XRP_THERE - 40,
        (Venue.BINANCE, XRP): Decimal(7),
    }


class Past:
    """Temporal's history of one cycle that sent a pair."""

    def __init__(self, *activities: PastActivity) -> None:
        self._activities = activities

    async def since(self, time: datetime) -> AsyncIterator[PastRun]:
        yield PastRun("ArbitrageCycle", b"", self._activities)

    async def polling(self) -> Sequence[str]:
        return ()


def past_pair(answer: PairReport | None) -> Past:
    asked = pair().model_dump_json().encode()
    reported = None if answer is None else answer.model_dump_json().encode()
    return Past(PastActivity("execute_pair", 5, asked, reported))


async def test_a_pair_that_the_database_lacks_is_caught_up_with(books: SqlDatabase) -> None:
    buy, sell = (
        OrderReport(client_order_id=name, outcome=OrderOutcome.UNFILLED) for name in ("XRP-1-1B1-1", "XRP-1-1S1-1")
    )
    report = PairReport(buy=buy, sell=sell)
    assert (await catch_up(books, past_pair(report))).orders == 2
    assert await free(books) == (USDT_THERE - COST, XRP_THERE - 100)
    found = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-1", skip=0))
    assert found.orders == (), "what became of both is known"


async def test_a_pair_without_an_answer_is_to_be_looked_up(books: SqlDatabase) -> None:
    assert (await catch_up(books, past_pair(None))).orders == 2
    found = await books.unfinished_cycles.journalled(JournalQuery(cycle_id="XRP-1", run_id="run-1", skip=0))
    assert len(found.orders) == 2
    assert [permit.first for permit in await books.journal.ask_pair(pair())] == [False, False], "and never sent"
