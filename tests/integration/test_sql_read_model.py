"""The cycle's row follows the workflow, forwards only, and its entries are booked with it."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.domain.admission import LONGEST_REST_MS, CoinState
from kimp.domain.errors import BadAmount, BadMessage
from kimp.domain.ledger import opening_entry
from kimp.domain.money import KRW, USDT, Asset, Money
from kimp.domain.venues import Direction, Venue

XRP, TRX = Asset("XRP"), Asset("TRX")
SOL = Asset("SOL")


def record(sequence: int, status: CycleStatus = CycleStatus.STARTED, **changes: Any) -> CycleRecord:
    facts: dict[str, Any] = {
        "cycle_id": "XRP-1",
        "workflow_run_id": "run-1",
        "coin": XRP,
        "direction": Direction.TO_UPBIT,
        "status": status,
        "sequence": sequence,
        "expected_edge": Decimal("0.004"),
        "premium": Decimal(1) / Decimal(3),
        "detected_at_ms": 1_000,
        "at_ms": 1_000 + sequence,
    }
    return CycleRecord(**{**facts, **changes})


async def status_of(books: SqlDatabase, cycle_id: str = "XRP-1") -> CycleStatus:
    row = await books.read_model.cycle(cycle_id)
    assert row is not None
    return row.status


async def test_a_cycle_is_shown_as_it_was_recorded(books: SqlDatabase) -> None:
    await books.read_model.record(record(1))
    await books.read_model.record(
        record(
            2,
            CycleStatus.COMPLETED,
            spent=Money(Decimal("700.25"), USDT),
            returned=Money(Decimal("703.5"), USDT),
            route=SOL,
            profit_krw=Decimal("4512.3"),
        )
    )
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert (row.coin, row.direction, row.status) == (XRP, "to_upbit", CycleStatus.COMPLETED)
    assert (row.spent, row.returned, row.home_asset) == (Decimal("700.25"), Decimal("703.5"), USDT)
    assert (row.route, row.profit_krw, row.expected_edge) == (SOL, Decimal("4512.3"), Decimal("0.004"))
    assert row.premium == Decimal("0.333333333333333333")
    assert (row.started_ms, row.updated_ms, row.closed_ms) == (1_000, 1_002, 1_002)
    assert await books.read_model.cycle("XRP-2") is None


async def test_an_older_record_changes_nothing(books: SqlDatabase) -> None:
    await books.read_model.record(record(2, CycleStatus.AWAITING_REBALANCE, waiting_reason="no route"))
    await books.read_model.record(record(1))
    await books.read_model.record(record(2, CycleStatus.DEAD_LETTER))
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert (row.status, row.waiting_reason, row.updated_ms) == (CycleStatus.AWAITING_REBALANCE, "no route", 1_002)


async def test_a_parked_cycle_goes_on(books: SqlDatabase) -> None:
    await books.read_model.record(record(1, CycleStatus.DEAD_LETTER, reason="wallet closed"))
    await books.read_model.record(record(2, CycleStatus.AWAITING_REBALANCE))
    assert await status_of(books) is CycleStatus.AWAITING_REBALANCE


async def test_nothing_leaves_the_end(books: SqlDatabase) -> None:
    await books.read_model.record(record(3, CycleStatus.COMPLETED))
    await books.read_model.record(record(4, CycleStatus.STARTED))
    assert await status_of(books) is CycleStatus.COMPLETED


async def test_another_run_under_the_same_id_does_not_touch_the_row(books: SqlDatabase) -> None:
    await books.read_model.record(record(1, CycleStatus.AWAITING_REBALANCE))
    await books.read_model.record(record(9, CycleStatus.REJECTED, workflow_run_id="run-2"))
    assert await status_of(books) is CycleStatus.AWAITING_REBALANCE


async def test_records_in_any_order_and_at_once_end_at_the_latest(books: SqlDatabase) -> None:
    steps = [record(n, CycleStatus.INITIAL_TRADE_COMPLETED, reason=str(n)) for n in range(1, 15)]
    await asyncio.gather(*(books.read_model.record(step) for step in steps[::-2] + steps[::2]))
    row = await books.read_model.cycle("XRP-1")
    assert row is not None
    assert row.reason == "14"


async def test_entries_are_booked_once_even_by_an_old_record(books: SqlDatabase) -> None:
    entry = opening_entry(Venue.UPBIT, {KRW: Decimal(5)})
    await books.read_model.record(record(2, entries=(entry,)))
    await books.read_model.record(record(2, entries=(entry,)))
    await books.read_model.record(record(1, entries=(entry, opening_entry(Venue.BINANCE, {KRW: Decimal(7)}))))
    balances = await books.ledger.balances()
    assert balances[Venue.UPBIT, KRW] == Decimal(5)
    assert balances[Venue.BINANCE, KRW] == Decimal(7)


async def test_the_row_and_its_entries_are_written_together_or_not_at_all(books: SqlDatabase) -> None:
    with pytest.raises(BadAmount):
        await books.read_model.record(record(1, entries=(opening_entry(Venue.UPBIT, {KRW: Decimal("1E-19")}),)))
    assert await books.read_model.cycle("XRP-1") is None


@pytest.mark.parametrize("cycle_id", ["XRP", "-1", "XRP-x", "XRP-"])
async def test_a_cycle_id_that_counts_nothing_is_refused(books: SqlDatabase, cycle_id: str) -> None:
    with pytest.raises(BadMessage, match="<coin>-<n>"):
        await books.read_model.record(record(1, cycle_id=cycle_id))


async def test_the_list_is_latest_first_and_may_be_of_one_status(books: SqlDatabase) -> None:
    for n in (1, 2, 3):
        status = CycleStatus.COMPLETED if n < 3 else CycleStatus.DEAD_LETTER
        await books.read_model.record(record(1, status, cycle_id=f"XRP-{n}", detected_at_ms=n))
    assert [row.cycle_id for row in await books.read_model.cycles(limit=2)] == ["XRP-3", "XRP-2"]
    completed = await books.read_model.cycles(limit=9, status=CycleStatus.COMPLETED)
    assert [row.cycle_id for row in completed] == ["XRP-2", "XRP-1"]


async def test_the_list_may_be_of_one_coin_of_a_time_or_of_those_under_way(books: SqlDatabase) -> None:
    for n, coin, status in (
        (1, XRP, CycleStatus.COMPLETED),
        (2, TRX, CycleStatus.STARTED),
        (3, XRP, CycleStatus.DEAD_LETTER),
        (4, XRP, CycleStatus.REJECTED),
    ):
        await books.read_model.record(record(1, status, cycle_id=f"{coin}-{n}", coin=coin, detected_at_ms=n))

    async def listed(**which: Any) -> list[str]:
        return [row.cycle_id for row in await books.read_model.cycles(limit=9, **which)]

    assert await listed(coin=TRX) == ["TRX-2"]
    assert await listed(since_ms=3) == ["XRP-4", "XRP-3"]
    assert await listed(unfinished=True) == ["XRP-3", "TRX-2"]
    assert await listed(unfinished=True, coin=XRP, since_ms=2) == ["XRP-3"]


async def test_results_are_those_of_cycles_that_ended_with_one(books: SqlDatabase) -> None:
    for n, status, profit in (
        (1, CycleStatus.COMPLETED, Decimal("1200.5")),
        (2, CycleStatus.COMPENSATED, Decimal(-300)),
        (3, CycleStatus.REJECTED, None),
        (4, CycleStatus.DEAD_LETTER, Decimal(7)),
    ):
        await books.read_model.record(record(1, status, cycle_id=f"XRP-{n}", profit_krw=profit))
    assert sorted(result.profit_krw for result in await books.read_model.results()) == [
        Decimal(-300),
        Decimal("1200.5"),
    ]


async def test_coin_states_tell_the_latest_cycle_of_each_coin(books: SqlDatabase) -> None:
    assert await books.read_model.coin_states() == {}
    await books.read_model.record(record(1, CycleStatus.REJECTED, cycle_id="XRP-9"))
    await books.read_model.record(record(1, CycleStatus.DEAD_LETTER, cycle_id="XRP-10"))
    await books.read_model.record(record(5, CycleStatus.COMPLETED, cycle_id="SOL-1", coin=SOL))
    assert await books.read_model.coin_states() == {
        XRP: CoinState(last_number=10, open=True, closed_ms=None, direction=Direction.TO_UPBIT),
        SOL: CoinState(last_number=1, open=False, closed_ms=1_005, direction=Direction.TO_UPBIT),
    }


REFUSED = {"status": CycleStatus.REJECTED, "reason": "rejected; no such market", "refused_coin": XRP}
UNDONE: dict[str, Any] = {
    "status": CycleStatus.COMPENSATED,
    "reason": "selling XRP; not permitted",
    "refused_coin": XRP,
}
BY_WORDS = {"status": CycleStatus.REJECTED, "reason": "rejected; refused"}
EARNED = {"status": CycleStatus.COMPLETED}


@pytest.mark.parametrize(
    ("ends", "refusals"),
    [
        ([REFUSED] * 3, 3),
        ([UNDONE], 1),
        ([REFUSED, EARNED], 0),
        ([EARNED, REFUSED], 1),
        ([REFUSED, {"status": CycleStatus.REJECTED, "reason": "unfilled; gone"}], 0),
        ([BY_WORDS], 0),
        ([REFUSED] * 12, 8),
        ([REFUSED, UNDONE, {"status": CycleStatus.STARTED}], 2),
        ([REFUSED | {"refused_coin": TRX}], 0),
    ],
)
async def test_refusals_by_a_market_are_counted_since_the_last_cycle_without(
    books: SqlDatabase, ends: list[dict[str, Any]], refusals: int
) -> None:
    for number, changes in enumerate(ends, 1):
        await books.read_model.record(record(1, cycle_id=f"XRP-{number}", at_ms=number, **changes))
    await books.read_model.record(record(1, CycleStatus.COMPLETED, cycle_id="SOL-1", coin=SOL))
    states = await books.read_model.coin_states()
    assert states[XRP].refusals == refusals
    assert states[SOL].refusals == 0
    if refusals:
        last = max(number for number, end in enumerate(ends, 1) if "refused_coin" in end)
        assert (states[XRP].refused_ms, states[XRP].refusal) == (last, ends[last - 1]["reason"].split("; ")[1])


async def test_a_refusal_on_the_way_home_is_the_coin_of_the_way_home(books: SqlDatabase) -> None:
    """The cycle's own coin was sold well; the other one may have had a cycle of its own, or never one."""
    for number, coin in enumerate((TRX, TRX, USDT), 1):
        why: dict[str, Any] = {"reason": f"selling {coin}; not permitted", "refused_coin": coin}
        await books.read_model.record(
            record(1, CycleStatus.COMPENSATED, cycle_id=f"XRP-{number}", at_ms=10 + number, **why)
        )
    await books.read_model.record(record(1, CycleStatus.COMPLETED, cycle_id="TRX-7", coin=TRX, at_ms=5))
    states = await books.read_model.coin_states()
    assert states[XRP].refusals == 0
    assert (states[TRX].last_number, states[TRX].refusals, states[TRX].refused_ms) == (7, 2, 12)
    assert (states[USDT].last_number, states[USDT].refusals, states[USDT].closed_ms) == (0, 1, None)

    await books.read_model.record(record(1, CycleStatus.COMPLETED, cycle_id="TRX-8", coin=TRX, at_ms=20))
    assert (await books.read_model.coin_states())[TRX].refusals == 0, "it was traded since"


async def test_a_refusal_of_long_ago_is_not_looked_for(books: SqlDatabase) -> None:
    await books.read_model.record(record(1, cycle_id="XRP-1", at_ms=1, **UNDONE))
    await books.read_model.record(
        record(1, CycleStatus.COMPLETED, cycle_id="SOL-1", coin=SOL, at_ms=1 + LONGEST_REST_MS)
    )
    assert (await books.read_model.coin_states())[XRP].refusals == 0


async def test_what_open_cycles_wait_for_is_told_by_kind(books: SqlDatabase) -> None:
    waits = {"waiting_reason": "XRP wallet of binance is closed", "reason_kind": "wallet_closed"}
    await books.read_model.record(record(1, CycleStatus.STARTED, **waits))
    (cycle,) = (await books.monitoring.snapshot()).cycles
    assert (cycle.waiting_reason, cycle.reason_kind) == tuple(waits.values())
    await books.read_model.record(record(2, CycleStatus.DEAD_LETTER, reason_kind="a venue's own code" * 9))
    (cycle,) = (await books.monitoring.snapshot()).cycles
    assert cycle.reason_kind is not None
    assert cycle.reason_kind.startswith("a venue's own code")
    await books.read_model.record(record(3, CycleStatus.STARTED))
    assert [one.reason_kind for one in (await books.monitoring.snapshot()).cycles] == [None]
