"""A deposit belongs to one transfer, whoever asks and however often."""

import asyncio
from decimal import Decimal

from fakes import intents

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleRecord
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import DepositQuery, WithdrawalIntent
from kimp.domain.money import Asset
from kimp.domain.venues import Direction
from kimp.ports.journal import DepositClaim

XRP, TRX = Asset("XRP"), Asset("TRX")


def withdrawal(cycle: str, coin: Asset = XRP, way: Direction = Direction.TO_UPBIT) -> WithdrawalIntent:
    return intents.withdrawal(
        cycle_id=cycle, transfer_id=f"{cycle}-1W-1", coin=coin, direction=way, amount=Decimal("10.25")
    )


def record(cycle: str, status: CycleStatus, sequence: int = 1) -> CycleRecord:
    return CycleRecord(
        cycle_id=cycle,
        workflow_run_id="run-1",
        coin=XRP,
        direction=Direction.TO_UPBIT,
        status=status,
        sequence=sequence,
        expected_edge=Decimal("0.004"),
        premium=Decimal("0.01"),
        detected_at_ms=1,
        at_ms=2,
    )


def waiting(cycle: str, arrives: str = "100", txid: str = "f00d", way: Direction = Direction.TO_UPBIT) -> DepositQuery:
    return DepositQuery(
        cycle_id=cycle, transfer_id=f"{cycle}-1W-1", coin=XRP, direction=way, txid=txid, arrives=Decimal(arrives)
    )


async def test_a_deposit_belongs_to_one_transfer_and_a_transfer_to_one_deposit(books: SqlDatabase) -> None:
    journal = books.journal
    assert not await journal.claim_deposit("XRP-1-1W-1", "d1"), "nobody expects it"
    for cycle, arrives in (("XRP-1", "100.5"), ("XRP-2", "60"), ("XRP-1", "7")):
        await journal.expect_deposit(waiting(cycle, arrives))
    assert await journal.claim_deposit("XRP-1-1W-1", "d1")
    assert await journal.claim_deposit("XRP-1-1W-1", "d1"), "repeating it is no conflict"
    assert not await journal.claim_deposit("XRP-2-1W-1", "d1")
    assert not await journal.claim_deposit("XRP-1-1W-1", "d2")
    await journal.expect_deposit(waiting("XRP-3", txid="other"))
    await journal.expect_deposit(waiting("XRP-4", way=Direction.TO_BINANCE))
    assert await journal.claim_deposit("XRP-4-1W-1", "d1"), "another venue's"
    await books.read_model.record(record("XRP-2", CycleStatus.COMPENSATED))
    assert sorted(await journal.deposit_claims(waiting("XRP-9")), key=lambda claim: claim.transfer_id) == [
        DepositClaim("XRP-1-1W-1", Decimal("100.5"), "d1", over=False),
        DepositClaim("XRP-2-1W-1", Decimal(60), None, over=True),
    ]


async def test_one_of_many_transfers_gets_the_deposit(books: SqlDatabase) -> None:
    cycles = [f"XRP-{n}" for n in range(10)]
    for cycle in cycles:
        await books.journal.expect_deposit(waiting(cycle))
    won = await asyncio.gather(*(books.journal.claim_deposit(f"{cycle}-1W-1", "d1") for cycle in cycles))
    assert sum(won) == 1


async def test_others_are_on_their_way_until_their_txid_is_known_or_their_cycle_is_over(books: SqlDatabase) -> None:
    journal, mine = books.journal, waiting("XRP-1")

    async def sent(intent: WithdrawalIntent) -> None:
        assert await journal.ask_withdrawal(intent)
        assert await journal.claim_withdrawal(
            intent.transfer_id, intent.direction.source, f"w-{intent.cycle_id}", likely=False
        )

    await sent(withdrawal("XRP-1"))
    await sent(withdrawal("TRX-1", TRX))
    await sent(withdrawal("XRP-2", way=Direction.TO_BINANCE))
    assert not await journal.others_on_their_way(mine)
    await sent(withdrawal("XRP-3"))
    assert await journal.others_on_their_way(mine)
    await journal.expect_deposit(waiting("XRP-3", txid="other"))
    assert not await journal.others_on_their_way(mine)
    await sent(withdrawal("XRP-4"))
    await books.read_model.record(record("XRP-4", CycleStatus.AWAITING_REBALANCE))
    assert await journal.others_on_their_way(mine)
    await books.read_model.record(record("XRP-4", CycleStatus.COMPENSATED, sequence=2))
    assert not await journal.others_on_their_way(mine)
    assert await journal.ask_withdrawal(withdrawal("XRP-5"))
    assert await journal.others_on_their_way(mine)
    await journal.refuse_withdrawal("XRP-5-1W-1", "refused")
    assert not await journal.others_on_their_way(mine)
