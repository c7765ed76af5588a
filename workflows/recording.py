"""Records that the database can't hold: no repetition helps, so a person is to see what is in no book."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.records import RecordActivities
    from kimp.contracts.cycle import CycleRecord

from workflows.policies import RECORD

REASON_AT_MOST = 4_000
"""Characters: a cycle's row is to hold it whatever happened."""


async def try_record(record: CycleRecord, what: str) -> str | None:
    """Write down `what` happened; why the database can't hold it, for certain, or None once it does."""
    try:
        await RECORD.call(RecordActivities.record, record, summary=what)
    except ActivityError as failure:
        if isinstance(failure.cause, ApplicationError) and failure.cause.non_retryable:
            return failure.cause.message
        raise
    return None


def unrecorded_reason(record: CycleRecord, why: str) -> str:
    """For the person who has to book it by hand, or to mend the database."""
    reported = "; ".join(str(entry) for entry in record.entries) or "no movement, only the cycle's own row"
    return f"the database can't hold a record; {why}; not booked: {reported}"[:REASON_AT_MOST]


def without_amounts(record: CycleRecord) -> CycleRecord:
    """Any of them may be what the database can't hold."""
    return record.model_copy(update={"spent": None, "returned": None, "profit_krw": None})
