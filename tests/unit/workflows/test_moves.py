"""What is followed after it was sent, and what an undoing looks for first."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from unittest.mock import AsyncMock, Mock

import pytest
from fakes import intents
from fakes.market import XRP, d
from fakes.tracker import TrackerDouble

from kimp.contracts.progress import MovedSoFar
from kimp.contracts.transfers import TransferState, WithdrawalReport
from kimp.domain.ids import Leg
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Direction
from workflows import compensation, withdrawal
from workflows.compensation import Compensation
from workflows.steps import (
    StepFailed,
)
from workflows.transfer import Transfer
from workflows.withdrawal import follow_withdrawal

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def report(state: TransferState, txid: str | None, detail: str = "") -> WithdrawalReport:
    return WithdrawalReport(venue_id="w-1", state=state, txid=txid, arrives=d(99), fee=d(1), detail=detail)


async def test_a_withdrawal_is_followed_until_its_txid_is_told(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [
        report(TransferState.PENDING, None, "queued"),
        report(TransferState.DONE, None),
        report(TransferState.DONE, "tx"),
    ]
    monkeypatch.setattr(withdrawal, "until_answered", AsyncMock(side_effect=answers))
    monkeypatch.setattr("temporalio.workflow.now", lambda: NOW)
    sent = await follow_withdrawal(tracker.tracker, intents.withdrawal(), NOW)
    assert sent.txid == "tx"
    assert tracker.waits == [
        ("binance sends XRP: queued", ReasonKind.WITHDRAWAL, 30),
        ("binance sends XRP: done, and no txid listed", ReasonKind.WITHDRAWAL, 60),
        (None, None, None),
    ]


@pytest.mark.parametrize(("waited_s", "ends"), [(3_600, False), (3_601, True)])
async def test_a_txid_that_is_never_told_is_waited_for_as_long_as_a_deposit(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch, waited_s: int, *, ends: bool
) -> None:
    answers = [report(TransferState.DONE, None), report(TransferState.DONE, "tx")]
    monkeypatch.setattr(withdrawal, "until_answered", AsyncMock(side_effect=answers))
    monkeypatch.setattr("temporalio.workflow.now", lambda: NOW + timedelta(seconds=waited_s))
    sent = await follow_withdrawal(tracker.tracker, intents.withdrawal(), NOW)
    assert sent.txid == (None if ends else "tx")


async def test_a_withdrawal_that_the_venue_did_not_send_ends_the_step(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = AsyncMock(return_value=report(TransferState.FAILED, None, "rejected"))
    monkeypatch.setattr(withdrawal, "until_answered", answer)
    with pytest.raises(StepFailed, match="binance did not send XRP-1-1W-1: rejected"):
        await follow_withdrawal(tracker.tracker, intents.withdrawal(), NOW)


async def test_an_undoing_looks_once_more_for_each_order_that_may_have_been_sent(
    tracker: TrackerDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for the one whose answer was being waited for when a person decided."""
    looked_for: list[str] = []

    async def book(_story: Any, order: Any) -> None:
        looked_for.append(order.client_order_id)

    monkeypatch.setattr(compensation, "book_late_order", book)
    absent, unanswered = (intents.order(client_order_id=f"XRP-1-1B{part}-1") for part in (1, 2))
    tracker.absent, tracker.unanswered = [absent], unanswered
    settled: list[str] = []
    sent = [Mock(settle=AsyncMock(side_effect=lambda name=name: settled.append(name))) for name in ("first", "second")]
    await Compensation(tracker.tracker, cast("list[Transfer]", sent)).run()
    assert looked_for == ["XRP-1-1B1-1", "XRP-1-1B2-1"]
    assert tracker.unanswered is None
    assert settled == ["second", "first"], "the latest first"


async def test_a_transfer_of_an_earlier_run_goes_on_as_it_was_and_asks_as_the_new_run(tracker: TrackerDouble) -> None:
    intent = intents.withdrawal()
    left = MovedSoFar(
        leg=Leg.HOME, coin=XRP, direction=Direction.TO_UPBIT, available=d(101), intent=intent,
        sent=report(TransferState.DONE, "tx"), credited=d(98), refusals=2, looked_at=True, followed_since_ms=7_000,
    )  # fmt: skip
    there = Transfer.going_on(tracker.tracker, left).so_far
    assert there.intent is not None
    assert there.intent.asking_run_id == "run-of-before"
    assert there.intent.model_copy(update={"asking_run_id": None}) == intent
    assert there.model_copy(update={"intent": intent}) == left
    begun = left.model_copy(update={"intent": None, "sent": None, "credited": None, "looked_at": False})
    assert Transfer.going_on(tracker.tracker, begun).so_far == begun
