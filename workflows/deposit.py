"""What was sent, until the destination has credited it."""

from datetime import datetime, timedelta
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.transfers import TransferActivities
    from kimp.contracts.transfers import DepositQuery, DepositReport, TransferState, WithdrawalIntent, WithdrawalReport
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.wording import exactly

from workflows.policies import FOLLOW
from workflows.steps import LOOK_AGAIN, NeedsPerson, look_again, proves_nothing, until_answered
from workflows.tracker import CycleTracker


async def follow_deposit(
    tracker: CycleTracker, intent: WithdrawalIntent, sent: WithdrawalReport, since: datetime
) -> Decimal:
    """Coins credited and free to use. Raises NeedsPerson if they were refused, or never heard of for hours `since`."""
    pause = LOOK_AGAIN
    unseen_at_most = timedelta(seconds=tracker.cycle.policy.deposit_unseen_s)
    destination = intent.direction.destination
    while True:
        credited = await _ask(tracker, intent, sent)
        if credited.state is TransferState.DONE:
            await tracker.wait(None)
            return credited.amount
        if credited.state is TransferState.FAILED:
            raise NeedsPerson(f"{destination} refused {intent.transfer_id}: {credited.detail}", ReasonKind.DEPOSIT)
        if credited.state is TransferState.UNSEEN and workflow.now() - since > unseen_at_most:
            tag = f" tag {intent.address.tag}" if intent.address.tag else ""
            raise NeedsPerson(
                f"{destination} has not heard of {intent.transfer_id}: {sent.arrives:f} {intent.coin}"
                f" to {intent.address.address}{tag}, txid {sent.txid}; {credited.detail}",
                ReasonKind.DEPOSIT,
            )
        why = Reason(f"{intent.coin} deposit on {destination}: {credited.detail}", ReasonKind.DEPOSIT)
        pause = await look_again(tracker, why, pause)


async def _ask(tracker: CycleTracker, intent: WithdrawalIntent, sent: WithdrawalReport) -> DepositReport:
    if sent.txid is None:
        raise NeedsPerson(f"withdrawal {sent.venue_id} is done but has no txid to look for", ReasonKind.WITHDRAWAL)
    return await until_answered(
        tracker,
        FOLLOW,
        TransferActivities.follow_deposit,
        DepositQuery(
            cycle_id=intent.cycle_id,
            transfer_id=intent.transfer_id,
            coin=intent.coin,
            direction=intent.direction,
            txid=sent.txid,
            arrives=sent.arrives,
        ),
        summary=f"{exactly(sent.arrives)} {intent.coin} reach {intent.direction.destination}",
        refusal=proves_nothing,
    )
