"""At most one permit per id, whoever asks, however often, and whatever breaks."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from sqlalchemy import text

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.sql.engine import create_engine
from kimp.adapters.sql.journal import SqlJournal
from kimp.adapters.sql.store import Store
from kimp.contracts.orders import OrderIntent, OrderOutcome, OrderReport
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadAmount
from kimp.domain.market import Fill
from kimp.domain.money import KRW, Asset
from kimp.domain.venues import Venue
from kimp.ports.journal import WithdrawalClaim

XRP = Asset("XRP")

ASKER = """
import asyncio, os, signal, sys
from decimal import Decimal
from kimp.adapters.sql.database import connect_database
from kimp.contracts.orders import OrderIntent
from kimp.domain.market import Side
from kimp.domain.venues import Venue

def intent(name):
    return OrderIntent(cycle_id="XRP-1", run_id="run", client_order_id=name, venue=Venue.UPBIT, coin="XRP",
                       side=Side.BUY, quantity=Decimal(1), limit_price=Decimal(700),
                       krw_per_cash=Decimal(1), taker_fee=Decimal(1), expires_at_ms=0)

async def main():
    books = await connect_database(sys.argv[1])
    print("ready", flush=True)
    sys.stdin.readline()
    permits = await asyncio.gather(*(books.journal.ask_order(intent(f"XRP-1-{n}")) for n in range(20)))
    print(*(int(permit.first) for permit in permits), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def order(name: str = "XRP-1-1B1-1", **changes: Any) -> OrderIntent:
    facts: dict[str, Any] = {
        "venue": Venue.UPBIT,
        "quantity": Decimal("1.5"),
        "limit_price": Decimal(700),
        "krw_per_cash": Decimal(1),
        "taker_fee": Decimal("0.0005"),
    }
    return intents.order(client_order_id=name, **(facts | changes))


def withdrawal(name: str = "XRP-1-1W-1", coin: Asset = XRP) -> WithdrawalIntent:
    return intents.withdrawal(transfer_id=name, coin=coin, amount=Decimal("10.25"))


def filled(name: str = "XRP-1-1B1-1") -> OrderReport:
    fill = Fill("t1", Decimal("699.5"), Decimal("1.5"), Decimal("0.5"), KRW)
    return OrderReport(client_order_id=name, outcome=OrderOutcome.FILLED, venue_order_id="v1", fills=(fill,))


async def stored(url: str, name: str = "XRP-1-1B1-1") -> dict[str, Any]:
    engine = create_engine(url)
    query = text("SELECT * FROM order_intents WHERE client_order_id = :name")
    async with engine.connect() as connection:
        row = (await connection.execute(query, {"name": name})).mappings().one()
    await engine.dispose()
    return dict(row)


async def test_the_first_permit_is_given_once_and_remembers_who_asked(books: SqlDatabase) -> None:
    first = await books.journal.ask_order(order())
    again = await books.journal.ask_order(order(run_id="run-2"))
    assert (first.first, first.run_id, first.halt) == (True, "run-1", HaltLevel.RUN)
    assert (again.first, again.first_asked_ms, again.run_id) == (False, first.first_asked_ms, "run-1")


async def test_when_it_was_asked_for_is_told_by_the_database(books: SqlDatabase) -> None:
    """Its clock is this machine's or one that NTP keeps: by UTC, to the millisecond."""
    permit = await books.journal.ask_order(order())
    assert abs(permit.now_ms - time.time() * 1000) < 5_000
    await asyncio.sleep(0.02)
    later = await books.journal.ask_order(order())
    assert later.first_asked_ms == permit.first_asked_ms <= permit.now_ms
    assert 15 <= later.now_ms - permit.now_ms < 5_000


async def test_ids_that_differ_in_case_only_are_two(books: SqlDatabase) -> None:
    assert (await books.journal.ask_order(order("xrp-1"))).first
    assert (await books.journal.ask_order(order("XRP-1"))).first


async def test_the_permit_carries_the_kill_switch(books: SqlDatabase) -> None:
    await books.controls.set_halt_level(HaltLevel.NOTHING_LEAVES, "drill", by="a test")
    assert (await books.journal.ask_order(order())).halt is HaltLevel.NOTHING_LEAVES
    permit = await books.journal.ask_withdrawal(withdrawal())
    assert permit is not None
    assert permit.halt is HaltLevel.NOTHING_LEAVES


async def test_twenty_at_once_get_one_permit(books: SqlDatabase) -> None:
    permits = await asyncio.gather(*(books.journal.ask_order(order()) for n in range(20)))
    assert sum(permit.first for permit in permits) == 1
    assert len({permit.first_asked_ms for permit in permits}) == 1
    asked = await asyncio.gather(*(books.journal.ask_withdrawal(withdrawal()) for n in range(20)))
    assert [permit.first for permit in asked if permit is not None].count(True) == 1
    assert None not in asked


async def test_a_coins_next_withdrawal_waits_until_the_one_before_is_answered(books: SqlDatabase) -> None:
    """Upbit tells two withdrawals of the same amount apart by nothing that kimp chose."""
    journal = books.journal
    assert await journal.ask_withdrawal(withdrawal("XRP-1-1W-1")) is not None
    assert await journal.ask_withdrawal(withdrawal("TRX-1-HW-1")) is None
    assert await journal.claim_withdrawal("XRP-1-1W-1", "binance", "w1", likely=False)
    permit = await journal.ask_withdrawal(withdrawal("TRX-1-HW-1"))
    assert permit is not None
    assert permit.first
    assert await journal.ask_withdrawal(withdrawal("SOL-1-HW-1")) is None
    await journal.refuse_withdrawal("TRX-1-HW-1", "the wallet is closed")
    assert await journal.ask_withdrawal(withdrawal("SOL-1-HW-1")) is not None


async def test_a_refused_withdrawal_stays_refused(books: SqlDatabase) -> None:
    await books.journal.ask_withdrawal(withdrawal())
    await books.journal.refuse_withdrawal("XRP-1-1W-1", "the wallet is closed")
    permit = await books.journal.ask_withdrawal(withdrawal())
    assert permit is not None
    assert not permit.first
    assert permit.closed == "the wallet is closed"


async def test_of_twenty_withdrawals_of_a_coin_at_once_one_is_journalled(books: SqlDatabase) -> None:
    asked = [books.journal.ask_withdrawal(withdrawal(f"XRP-1-1W-{n}")) for n in range(20)]
    permits = await asyncio.gather(*asked)
    assert sum(permit is not None for permit in permits) == 1


async def test_two_processes_get_one_permit_per_id_and_kill_9_loses_none(url: str, books: SqlDatabase) -> None:
    askers = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", ASKER, url, stdin=PIPE, stdout=PIPE)
        for _ in range(2)
    ]
    for asker in askers:
        assert asker.stdout is not None
        assert await asker.stdout.readline() == b"ready\n"
    results = await asyncio.gather(*(asker.communicate(b"go\n") for asker in askers))
    assert [asker.returncode for asker in askers] == [-signal.SIGKILL] * 2
    firsts = [[int(mark) for mark in out.split()] for out, _ in results]
    assert [a + b for a, b in zip(*firsts, strict=True)] == [1] * 20
    permits = [await books.journal.ask_order(order(f"XRP-1-{n}")) for n in range(20)]
    assert not any(permit.first for permit in permits)


async def test_a_lost_answer_to_the_commit_changes_nothing(
    url: str, books: SqlDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = create_engine(url)
    dialect = engine.sync_engine.dialect
    commit, commits = dialect.do_commit, []

    def commit_and_hang_up(connection: Any) -> None:
        commit(connection)
        commits.append(connection)
        if len(commits) == 1:
            assert dialect.loaded_dbapi is not None
            words = ("no active connection",) if dialect.name == "sqlite" else (2013, "Lost connection during query")
            raise dialect.loaded_dbapi.OperationalError(*words)

    store = Store(engine)
    journal = SqlJournal(store)
    await store.read(lambda connection: connection.execute(text("SELECT 1")))
    monkeypatch.setattr(dialect, "do_commit", commit_and_hang_up)
    assert (await journal.ask_order(order())).first
    assert len(commits) == 2
    assert not (await books.journal.ask_order(order())).first
    await store.close()


async def test_an_amount_that_can_not_be_kept_gives_no_permit(books: SqlDatabase) -> None:
    with pytest.raises(BadAmount, match="18 decimal places"):
        await books.journal.ask_order(order(quantity=Decimal("1E-19")))
    assert (await books.journal.ask_order(order())).first


@pytest.mark.parametrize("asked", ["1.5", "4"])
async def test_closing_an_order_writes_down_what_filled(url: str, books: SqlDatabase, asked: str) -> None:
    """Of a part of it no more than that part."""
    await books.journal.ask_order(order(quantity=Decimal(asked)))
    await books.journal.close_order(order(quantity=Decimal(asked)), filled())
    row = await stored(url)
    assert (row["outcome"], row["venue_order_id"]) == ("filled", "v1")
    assert Decimal(row["filled_quantity"]) == Decimal("1.5")
    assert Decimal(row["filled_funds"]) == Decimal("1049.25")


async def test_a_late_attempt_does_not_unfill_an_order(url: str, books: SqlDatabase) -> None:
    held = OrderReport(client_order_id="XRP-1-1B1-1", outcome=OrderOutcome.NOT_SENT, reason="stalled")
    await books.journal.ask_order(order())
    await books.journal.close_order(order(), held)
    await books.journal.close_order(order(), filled())
    await books.journal.close_order(order(), held)
    row = await stored(url)
    assert (row["outcome"], row["reason"]) == ("filled", "")


async def test_another_run_does_not_close_the_order(url: str, books: SqlDatabase) -> None:
    await books.journal.ask_order(order())
    await books.journal.close_order(order(run_id="run-2"), filled())
    assert (await stored(url))["outcome"] is None


async def test_a_venue_id_belongs_to_one_transfer_and_a_transfer_to_one_venue_id(books: SqlDatabase) -> None:
    journal = books.journal
    await journal.ask_withdrawal(withdrawal("a"))
    assert await journal.claimed_withdrawal("a") is None
    assert await journal.claim_withdrawal("a", Venue.BINANCE, "w1", likely=False)
    assert await journal.claim_withdrawal("a", Venue.BINANCE, "w1", likely=False), "repeating it is no conflict"
    await journal.ask_withdrawal(withdrawal("b"))
    assert not await journal.claim_withdrawal("b", Venue.BINANCE, "w1", likely=False)
    assert not await journal.claim_withdrawal("a", Venue.BINANCE, "w2", likely=False)
    assert not await journal.claim_withdrawal("c", Venue.BINANCE, "w3", likely=False), "never journalled"
    assert await journal.claim_withdrawal("b", Venue.BINANCE, "w2", likely=False)
    assert await journal.claimed_withdrawal("a") == WithdrawalClaim("w1", likely=False)
    assert await journal.claimed_withdrawal("b") == WithdrawalClaim("w2", likely=False)


async def test_one_of_many_transfers_gets_the_venue_id(books: SqlDatabase) -> None:
    names = [f"t{n}" for n in range(10)]
    for name in names:
        await books.journal.ask_withdrawal(withdrawal(name, coin=Asset(name)))
    won = await asyncio.gather(
        *(books.journal.claim_withdrawal(name, Venue.BINANCE, "w1", likely=False) for name in names)
    )
    assert sum(won) == 1


async def test_the_kill_switch_is_off_until_set_and_keeps_its_history(url: str, books: SqlDatabase) -> None:
    assert await books.controls.halt_level() is HaltLevel.RUN
    assert await books.controls.halt_in_force() is None
    await books.controls.set_halt_level(HaltLevel.ONLY_COMPENSATION, "odd fills", by="a test")
    await books.controls.set_halt_level(HaltLevel.NO_NEW_CYCLES, "calmer", by="a test")
    assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES
    last = await books.controls.halt_in_force()
    assert last is not None
    assert (last.level, last.reason) == (HaltLevel.NO_NEW_CYCLES, "calmer")
    engine = create_engine(url)
    async with engine.connect() as connection:
        rows = (await connection.execute(text("SELECT level, reason, set_by FROM halts ORDER BY id"))).all()
    await engine.dispose()
    assert [tuple(row[:2]) for row in rows] == [(2, "odd fills"), (1, "calmer")]
    assert {row[2] for row in rows} == {"a test"}


async def test_kimp_never_lowers_the_kill_switch(url: str, books: SqlDatabase) -> None:
    """Not even if it read the level before a person's halt, and wrote its own after it."""
    await books.controls.set_halt_level(HaltLevel.NOTHING_LEAVES, "stop it all", by="a test")
    engine = create_engine(url)
    async with engine.begin() as connection:
        await connection.execute(
            text("INSERT INTO halts (level, reason, set_by, set_ms) VALUES (1, 'day_loss', 'kimp', 8)")
        )
    await engine.dispose()
    assert await books.controls.halt_level() is HaltLevel.NOTHING_LEAVES
    await books.controls.set_halt_level(HaltLevel.RUN, "looked at", by="a test")
    assert await books.controls.halt_level() is HaltLevel.RUN
    await books.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, "odd fills")
    assert await books.controls.halt_level() is HaltLevel.NO_NEW_CYCLES


@pytest.mark.skipif("mysql" not in os.environ.get("KIMP_TEST_DATABASE_URL", ""), reason="needs a database server")
async def test_connections_that_the_server_closed_are_not_noticed_by_callers(url: str, books: SqlDatabase) -> None:
    await asyncio.gather(*(books.journal.ask_order(order(f"a{n}")) for n in range(8)))
    engine = create_engine(url)
    async with engine.connect() as connection:
        mine = "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        ids = list((await connection.execute(text(mine))).scalars())
        for number in ids:
            await connection.execute(text(f"KILL {number}"))
    await engine.dispose()
    assert ids
    permits = await asyncio.gather(*(books.journal.ask_order(order(f"b{n}")) for n in range(8)))
    assert all(permit.first for permit in permits)


async def test_an_id_is_known_for_what_it_was_asked_for_only(books: SqlDatabase) -> None:
    await books.journal.ask_order(order())
    await books.journal.ask_withdrawal(withdrawal())
    assert await books.journal.knows(order())
    assert await books.journal.knows(withdrawal())
    assert not await books.journal.knows(order("another"))
    assert not await books.journal.knows(order(coin=Asset("SOL")))
    assert not await books.journal.knows(withdrawal(coin=Asset("SOL")))


async def test_what_is_certain_replaces_what_only_looked_like_it(books: SqlDatabase) -> None:
    journal = books.journal
    await journal.ask_withdrawal(withdrawal("a"))
    assert await journal.claim_withdrawal("a", Venue.BINANCE, "w1", likely=True)
    assert await journal.claim_withdrawal("a", Venue.BINANCE, "w1", likely=True), "repeating it is no conflict"
    assert not await journal.claim_withdrawal("a", Venue.BINANCE, "w2", likely=True), "one of two is a guess"
    assert await journal.claimed_withdrawal("a") == WithdrawalClaim("w1", likely=True)
    assert await journal.claim_withdrawal("a", Venue.BINANCE, "w2", likely=False)
    assert not await journal.claim_withdrawal("a", Venue.BINANCE, "w2", likely=True), "it is certain by now"
    assert await journal.claimed_withdrawal("a") == WithdrawalClaim("w2", likely=False)


async def test_what_only_looked_like_it_may_be_given_up(books: SqlDatabase) -> None:
    """And is nobody's then; a withdrawal that the venue gave an id for is followed all the same."""
    journal = books.journal
    for name, likely in (("a", True), ("b", False)):
        await journal.ask_withdrawal(withdrawal(name, coin=Asset(name)))
        assert await journal.claim_withdrawal(name, Venue.BINANCE, f"w-{name}", likely=likely)
    assert await journal.claimed_by_others("c", Venue.BINANCE, ["w-a", "w-b", "w-c"]) == {"w-a", "w-b"}
    assert await journal.claimed_by_others("a", Venue.BINANCE, ["w-a", "w-b"]) == {"w-b"}
    assert await journal.claimed_by_others("a", Venue.UPBIT, ["w-a", "w-b"]) == set()
    for name in ("a", "b"):
        await journal.refuse_withdrawal(name, "given up")
    assert await journal.claimed_withdrawal("a") is None
    assert await journal.claimed_withdrawal("b") == WithdrawalClaim("w-b", likely=False)
    assert await journal.claimed_by_others("c", Venue.BINANCE, ["w-a"]) == set()
