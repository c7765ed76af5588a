"""A cycle that somebody reset in the Web UI takes its steps again, and knows nothing of what was done since."""

from temporalio import activity

from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import WithdrawalIntent
from kimp.ports.journal import Journal

WAS_RESET = "this run was reset and sends nothing new; terminate it, and the sweep goes on from what the books say"


async def may_not_begin(intent: OrderIntent | WithdrawalIntent, journal: Journal) -> bool:
    """In a run that was reset, what the journal holds under this very id is looked up, and nothing else is sent.

    Its history is cut off: it may know less of what the cycle holds than ledger and journal do, and would trade that
    a second time. An intent names the run that its history began as, which a reset keeps.
    """
    began_as = intent.asking_run_id or intent.run_id
    return activity.info().workflow_run_id != began_as and not await journal.knows(intent)
