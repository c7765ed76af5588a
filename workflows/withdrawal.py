"""What was asked for, until the source has sent it."""

from datetime import datetime, timedelta

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.transfers import TransferActivities
    from kimp.contracts.transfers import TransferState, WithdrawalIntent, WithdrawalReport
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.wording import exactly

from workflows.policies import FOLLOW
from workflows.steps import LOOK_AGAIN, StepFailed, look_again, proves_nothing, until_answered
from workflows.tracker import CycleTracker


async def follow_withdrawal(tracker: CycleTracker, intent: WithdrawalIntent, since: datetime) -> WithdrawalReport:
    """What left the venue; raises StepFailed if nothing did. `since`: when it was first followed."""
    pause = LOOK_AGAIN
    source = intent.direction.source
    untold_at_most = timedelta(seconds=tracker.cycle.policy.deposit_unseen_s)
    while True:
        sent = await until_answered(
            tracker,
            FOLLOW,
            TransferActivities.follow_withdrawal,
            intent,
            summary=f"{exactly(intent.amount)} {intent.coin} leave {source}",
            refusal=proves_nothing,
        )
        if sent.state is TransferState.DONE and (sent.txid is not None or workflow.now() - since > untold_at_most):
            await tracker.wait(None)
            return sent
        if sent.state is TransferState.FAILED:
            raise StepFailed(f"{source} did not send {intent.transfer_id}: {sent.detail}")
        detail = "done, and no txid listed" if sent.state is TransferState.DONE else sent.detail
        pause = await look_again(
            tracker, Reason(f"{source} sends {intent.coin}: {detail}", ReasonKind.WITHDRAWAL), pause
        )
