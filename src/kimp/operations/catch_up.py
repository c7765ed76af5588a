"""A database that was restored from a backup lacks what was traded since: Temporal's histories still tell it all.

Whatever kimp sent or booked was first asked of an activity, and the question is in the history before the activity
runs. So the journal is whole again afterwards, and no name can be taken for one that was never used.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from activities.orders import OrderActivities
from activities.records import RecordActivities
from activities.takeovers import TakeOverActivities
from activities.transfers import GIVEN_UP, TransferActivities
from kimp.contracts.cycle import (
    STRANDED_CYCLE,
    CycleRecord,
    Journalled,
    JournalQuery,
    StrandedInput,
)
from kimp.contracts.orders import OrderIntent, OrderPair, OrderReport, PairReport
from kimp.contracts.transfers import DepositQuery, DepositReport, TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain import errors
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import BadInput
from kimp.ports.catching_up import PastActivity, PastRun, PastRuns
from kimp.ports.database import Database

MARGIN_MS = 3_600_000
"""Between this machine's clock and the server's."""
REFUSALS = {"Rejected", *(kind.__name__ for kind in errors.Rejected.__subclasses__())}
HALTED = "the database was restored; look at the cycles and balances, then resume"


@dataclass
class CaughtUp:
    """What was read, and how much of it the database lacked."""

    cycles: int = 0
    orders: int = 0


async def catch_up(database: Database, past: PastRuns) -> CaughtUp:
    """Halt new cycles, then take over from Temporal what the database lacks. It may die anywhere, and is repeated then.

    Raises BadInput while workers poll, what `PastRuns` raises, and StoreUnavailable.
    """
    if working := await past.polling():
        raise BadInput(
            f"{', '.join(working)} still ask Temporal for work, and would trade by records that lack something; stop"
            " all workers and initiators, then run this again (one that was killed counts for a minute)"
        )
    marked_ms = await database.catching_up.restore_point_ms()
    since = datetime.fromtimestamp(max(0, marked_ms - MARGIN_MS) / 1000, UTC)
    await database.controls.halt_at_least(HaltLevel.NO_NEW_CYCLES, HALTED)
    done = CaughtUp()
    async for run in past.since(since):
        await _take_over(run, database)
        for activity in run.activities:
            done.orders += await _apply(activity, database)
        done.cycles += 1
    await database.catching_up.done()
    return done


async def _take_over(run: PastRun, database: Database) -> None:
    """What a run that took a cycle over was told of it."""
    if run.workflow_type != STRANDED_CYCLE:
        return
    reported = StrandedInput.model_validate_json(run.question)
    if reported.progress is None:  # else an earlier run of the workflow was the one that took the cycle over
        await database.catching_up.surfaced(reported.cycle_id, reported.entries, reopened=not reported.parked)


async def _apply(past: PastActivity, database: Database) -> int:
    """How many orders of it the journal lacked."""
    if past.name == OrderActivities.execute_order.__name__:
        return await _order(past, database)
    if past.name == OrderActivities.execute_pair.__name__:
        return await _pair(past, database)
    if past.name == TransferActivities.withdraw.__name__:
        await _withdrawal(past, database)
    elif past.name == TransferActivities.give_up_withdrawal.__name__:
        given_up = WithdrawalIntent.model_validate_json(past.question)
        await database.journal.refuse_withdrawal(given_up.transfer_id, GIVEN_UP)
    elif past.name == TransferActivities.follow_deposit.__name__:
        await _deposit(past, database)
    elif past.name == TakeOverActivities.read_journal.__name__ and past.answer is not None:
        asked, reported = JournalQuery.model_validate_json(past.question), Journalled.model_validate_json(past.answer)
        await database.catching_up.surfaced(asked.cycle_id, reported.entries, reopened=False)
    elif past.name == RecordActivities.record.__name__:
        await database.read_model.record(CycleRecord.model_validate_json(past.question))
    return 0


async def _order(past: PastActivity, database: Database) -> bool:
    intent = OrderIntent.model_validate_json(past.question)
    # One without an answer may have been sent a moment ago: its fence counts from now.
    lacked = await database.catching_up.order(intent, None if past.answer is None else past.asked_ms)
    if past.answer is not None:
        await database.journal.close_order(intent, OrderReport.model_validate_json(past.answer))
    return lacked


async def _pair(past: PastActivity, database: Database) -> int:
    pair = OrderPair.model_validate_json(past.question)
    lacked = await database.catching_up.pair(pair, None if past.answer is None else past.asked_ms)
    if past.answer is not None:
        report = PairReport.model_validate_json(past.answer)
        await database.journal.close_order(pair.buy, report.buy)
        await database.journal.close_order(pair.sell, report.sell)
    return lacked


async def _withdrawal(past: PastActivity, database: Database) -> None:
    intent = WithdrawalIntent.model_validate_json(past.question)
    refused = past.failure in REFUSALS
    await database.catching_up.withdrawal(intent, past.asked_ms, answered=refused or past.answer is not None)
    if past.answer is not None:
        report = WithdrawalReport.model_validate_json(past.answer)
        await database.journal.claim_withdrawal(
            intent.transfer_id, intent.direction.source, report.venue_id, likely=report.likely
        )
    elif refused:
        await database.journal.refuse_withdrawal(intent.transfer_id, past.reason)


async def _deposit(past: PastActivity, database: Database) -> None:
    query = DepositQuery.model_validate_json(past.question)
    await database.journal.expect_deposit(query)
    if past.answer is not None:
        report = DepositReport.model_validate_json(past.answer)
        if report.state is TransferState.DONE and report.venue_id is not None:
            await database.journal.claim_deposit(query.transfer_id, report.venue_id)
