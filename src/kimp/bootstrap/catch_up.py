"""A database that was restored from a backup lacks what was traded since: Temporal's histories still tell it all.

Whatever kimp sent or booked was first asked of an activity, and the question is in the history before the activity
runs. So the journal is whole again afterwards, and no name can be taken for one that was never used.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime

from activities.orders import OrderActivities
from activities.records import RecordActivities
from activities.takeovers import TakeOverActivities
from activities.transfers import GIVEN_UP, TransferActivities
from kimp.adapters.sql.books import SqlBooks
from kimp.adapters.temporal.histories import Recorded, fetch
from kimp.adapters.temporal.opening import ReadHistory
from kimp.adapters.temporal.past import Past, activities_of, start_of
from kimp.bootstrap.parts import open_database
from kimp.bootstrap.temporal import connect_temporal, history_reader
from kimp.config import Settings
from kimp.contracts.cycle import (
    ALL_CYCLES,
    STRANDED_CYCLE,
    CycleRecord,
    Journalled,
    JournalQuery,
    StrandedInput,
)
from kimp.contracts.orders import OrderIntent, OrderReport
from kimp.contracts.transfers import DepositQuery, DepositReport, TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain import errors
from kimp.domain.admission import HaltLevel

MARGIN_MS = 3_600_000
"""Between this machine's clock and the server's."""
REFUSALS = {"Rejected", *(kind.__name__ for kind in errors.Rejected.__subclasses__())}
HALTED = "the database was restored; look at the cycles and balances, then resume"


@dataclass
class CaughtUp:
    """What was read, and how much of it the database lacked."""

    cycles: int = 0
    orders: int = 0


async def catch_up(settings: Settings) -> CaughtUp:
    """Halt new cycles, then take over from Temporal what the database lacks. It may die anywhere, and is repeated then.

    Raises NoHistories if Temporal does not serve them, Unreadable if they are encrypted with a key that is not there.
    """
    async with open_database(settings) as books:
        marked_ms = await books.catching_up.restore_point_ms()
        client = await connect_temporal(settings)
        since = datetime.fromtimestamp(max(0, marked_ms - MARGIN_MS) / 1000, UTC)
        query = f"{ALL_CYCLES} AND (ExecutionStatus = 'Running' OR CloseTime >= '{since.isoformat()}')"
        done = await take_over(fetch(client, query), history_reader(settings, plaintext_too=False), books)
        await books.catching_up.done()
        return done


async def take_over(histories: AsyncIterator[Recorded], read: ReadHistory, books: SqlBooks) -> CaughtUp:
    """The earlier run of a cycle must come before the later one."""
    done = CaughtUp()
    await books.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, HALTED)
    async for recorded in histories:
        history = read(recorded.history)
        kind, question = start_of(history)
        if kind == STRANDED_CYCLE:
            told = StrandedInput.model_validate_json(question)
            if told.progress is None:  # else an earlier run of the workflow was the one that took the cycle over
                await books.catching_up.surfaced(told.cycle_id, told.entries, reopened=not told.parked)
        for past in activities_of(history):
            done.orders += await _apply(past, books)
        done.cycles += 1
    return done


async def _apply(past: Past, books: SqlBooks) -> bool:
    """True for an order that the journal lacked."""
    if past.name == OrderActivities.execute_order.__name__:
        return await _order(past, books)
    if past.name == TransferActivities.withdraw.__name__:
        await _withdrawal(past, books)
    elif past.name == TransferActivities.give_up_withdrawal.__name__:
        given_up = WithdrawalIntent.model_validate_json(past.question)
        await books.journal.refuse_withdrawal(given_up.transfer_id, GIVEN_UP)
    elif past.name == TransferActivities.follow_deposit.__name__:
        await _deposit(past, books)
    elif past.name == TakeOverActivities.read_journal.__name__ and past.answer is not None:
        asked, told = JournalQuery.model_validate_json(past.question), Journalled.model_validate_json(past.answer)
        await books.catching_up.surfaced(asked.cycle_id, told.entries, reopened=False)
    elif past.name == RecordActivities.record.__name__:
        await books.read_model.record(CycleRecord.model_validate_json(past.question))
    return False


async def _order(past: Past, books: SqlBooks) -> bool:
    intent = OrderIntent.model_validate_json(past.question)
    # One without an answer may have been sent a moment ago: its fence counts from now.
    lacked = await books.catching_up.order(intent, None if past.answer is None else past.asked_ms)
    if past.answer is not None:
        await books.journal.close_order(intent, OrderReport.model_validate_json(past.answer))
    return lacked


async def _withdrawal(past: Past, books: SqlBooks) -> None:
    intent = WithdrawalIntent.model_validate_json(past.question)
    refused = past.failure in REFUSALS
    await books.catching_up.withdrawal(intent, past.asked_ms, answered=refused or past.answer is not None)
    if past.answer is not None:
        report = WithdrawalReport.model_validate_json(past.answer)
        await books.journal.claim_withdrawal(
            intent.transfer_id, intent.direction.source, report.venue_id, likely=report.likely
        )
    elif refused:
        await books.journal.refuse_withdrawal(intent.transfer_id, past.reason)


async def _deposit(past: Past, books: SqlBooks) -> None:
    query = DepositQuery.model_validate_json(past.question)
    await books.journal.expect_deposit(query)
    if past.answer is not None:
        report = DepositReport.model_validate_json(past.answer)
        if report.state is TransferState.DONE and report.venue_id is not None:
            await books.journal.claim_deposit(query.transfer_id, report.venue_id)
