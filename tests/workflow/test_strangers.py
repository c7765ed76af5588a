"""What somebody else does with the account is never taken for kimp's, and makes kimp send nothing twice."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import pytest
from fakes.lab import XRP, Lab
from fakes.venue import FakeVenue
from temporalio.client import Client

from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import TransferState, WithdrawalReport
from kimp.domain.errors import OutcomeUnknown
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import ListedWithdrawal, OrderTerms, VenueOrder
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="looked")
STRANGERS = "a stranger's"


@dataclass
class SharedUpbit(FakeVenue):
    """A person withdraws as much as the first withdrawal, and cancels it."""

    ours_shown: bool = True

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        ours = await super().withdrawals_since(coin, since_ms, transfer_id)
        (first,) = self.withdrawals.values()
        state = TransferState.FAILED if self.ours_shown else TransferState.PENDING
        theirs = first.model_copy(update={"venue_id": STRANGERS, "state": state, "txid": None, "detail": "CANCELLED"})
        return [self.listing(theirs), *(ours if self.ours_shown else [])]

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport:
        if venue_id == STRANGERS:
            (first,) = self.withdrawals.values()
            return first.model_copy(
                update={"venue_id": STRANGERS, "state": TransferState.FAILED, "detail": "CANCELLED"}
            )
        return await super().withdrawal(coin, venue_id)


@dataclass
class UsedName(FakeVenue):
    """Another program has given the first order's name before: it is refused, and a look-up finds that one."""

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        order = await super().find_order(coin, client_order_id)
        if order is None and client_order_id == "XRP-1-1B1-1":
            terms = OrderTerms(coin, self.sent[0].side if self.sent else None, Decimal(37), Decimal(2))
            return VenueOrder("theirs", closed=True, fills=(), terms=terms)
        return order


@pytest.fixture
def lab(temporal_client: Client) -> Lab:
    return Lab(temporal_client)


def shared(lab: Lab) -> SharedUpbit:
    """XRP cheap on Upbit, so that it leaves from there; the answer to its withdrawal is lost."""
    lab.upbit = SharedUpbit(Venue.UPBIT, {**lab.upbit.prices, XRP: (Decimal(3140), Decimal(3141))}, fee=lab.upbit.fee)
    lab.upbit.after["withdraw"] = deque([OutcomeUnknown("timeout", venue="upbit")])
    return lab.upbit


async def parked(lab: Lab) -> str:
    record = await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
    return record.reason or ""


async def test_a_strangers_cancelled_withdrawal_makes_no_second_one(lab: Lab) -> None:
    """Which of the two is kimp's nobody can tell but a person; who has looked, goes on with what is under way."""
    upbit = shared(lab)
    async with lab.workers():
        handle = await lab.start(await lab.plan(Direction.TO_BINANCE))
        reason = await parked(lab)
        assert STRANGERS in reason
        assert "w-XRP-1-1W-1" in reason
        assert list(upbit.withdrawals) == ["w-XRP-1-1W-1"]
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert [name for name in lab.names if name.startswith("XRP-1-1W")] == ["XRP-1-1W-1"]


async def test_what_only_looked_like_ours_is_given_up_by_a_person_alone(lab: Lab) -> None:
    """It was under way when it was found, the only one in the list, and is cancelled later; ours never left."""
    upbit = shared(lab)
    upbit.ours_shown = False
    async with lab.workers():
        handle = await lab.start(await lab.plan(Direction.TO_BINANCE))
        assert "may be somebody else's" in await parked(lab)
        assert len(upbit.withdrawals) == 1, "not sent again"
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert not lab.journal.claims
    assert len(upbit.withdrawals) == 1


async def test_a_name_that_somebody_else_used_parks_and_is_left_to_him(lab: Lab) -> None:
    lab.binance = UsedName(Venue.BINANCE, lab.binance.prices)
    lab.binance.faults["place_order"] = deque([OutcomeUnknown("Duplicate order sent.", venue="binance")])
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        reason = await parked(lab)
        assert "another order named XRP-1-1B1-1" in reason
        assert not lab.records.entries, "nothing of it is booked"
        await handle.execute_update(ArbitrageCycle.retry, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPLETED
    assert lab.names[0:1] != ["XRP-1-1B1-1"]
    assert "XRP-1-1B1-2" in lab.names


async def test_names_of_a_cycle_end_with_its_installation(lab: Lab) -> None:
    lab.installation = "k7m2p"
    result = await lab.complete()
    assert result.status is CycleStatus.COMPLETED
    assert lab.names
    assert all(name.endswith("-k7m2p") for name in lab.names)
    assert {entry.entry_id.partition("/")[0] for entry in lab.records.entries} >= set(lab.names)
