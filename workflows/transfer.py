"""A coin on its way from one venue to the other, as durable steps."""

from datetime import timedelta
from decimal import Decimal

from temporalio import workflow
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from activities.transfers import TransferActivities
    from kimp.contracts.transfers import (
        DepositQuery,
        DepositReport,
        TransferRequest,
        TransferState,
        TransferTerms,
        WithdrawalIntent,
        WithdrawalReport,
    )
    from kimp.domain import sizing
    from kimp.domain.ids import Leg, transfer_id
    from kimp.domain.ledger import deposit_entry, withdrawal_entry
    from kimp.domain.market import Direction
    from kimp.domain.money import Asset

from workflows.policies import FOLLOW, PREPARE, WITHDRAW
from workflows.steps import StepFailed, refused
from workflows.story import CycleStory

LOOK_AGAIN = timedelta(seconds=30)
LOOK_AGAIN_AT_MOST = timedelta(minutes=5)


class Transfer:
    """Withdraw once, follow by txid, take in what arrived. Keeps its progress like an Execution."""

    def __init__(self, story: CycleStory, leg: Leg, coin: Asset, direction: Direction, available: Decimal) -> None:
        """`available`: coins at the source, of which as many are sent as fee and step allow."""
        self._story = story
        self._leg = leg
        self._coin = coin
        self._direction = direction
        self._available = available
        self._attempt = 1
        self._intent: WithdrawalIntent | None = None
        self._sent: WithdrawalReport | None = None

    async def run(self) -> Decimal:
        """Coins credited at the destination. Raises StepFailed for a definite refusal of the venue."""
        if self._intent is None:
            self._intent = await self._prepare()
        if self._sent is None:
            self._sent = await self._withdraw(self._intent)
        arrived = await self._follow_deposit(self._intent, self._sent)
        await self._story.book(
            [
                deposit_entry(
                    self._intent.transfer_id,
                    self._story.cycle.cycle_id,
                    self._direction.destination,
                    self._coin,
                    arrived,
                )
            ]
        )
        self._story.tell(f"{arrived:f} {self._coin} credited on {self._direction.destination}")
        return arrived

    async def _prepare(self) -> WithdrawalIntent:
        terms = await self._open_wallets()
        size = sizing.withdrawal(self._available, terms.out)
        if size is None:
            raise StepFailed(f"{self._available:f} {self._coin} is below what {self._direction.source} sends")
        return WithdrawalIntent(
            cycle_id=self._story.cycle.cycle_id,
            run_id=self._story.run_id,
            transfer_id=transfer_id(self._story.cycle.cycle_id, self._leg, self._attempt),
            coin=self._coin,
            direction=self._direction,
            amount=size.amount,
            network=terms.out.name,
            address=terms.address,
        )

    async def _open_wallets(self) -> TransferTerms:
        """Wait, visibly, until both wallets are open: a suspended wallet is no failure."""
        pause = LOOK_AGAIN
        while True:
            terms = await PREPARE.call(
                TransferActivities.prepare_transfer,
                TransferRequest(cycle_id=self._story.cycle.cycle_id, coin=self._coin, direction=self._direction),
                summary=f"{self._coin} wallets and address, {self._direction.source} to {self._direction.destination}",
            )
            if terms.out.withdraw_open and terms.into.deposit_open:
                await self._story.wait(None)
                return terms
            closed = self._direction.destination if terms.out.withdraw_open else self._direction.source
            pause = await self._wait(f"{self._coin} wallet of {closed} is closed", pause)

    async def _withdraw(self, intent: WithdrawalIntent) -> WithdrawalReport:
        try:
            await WITHDRAW.call(
                TransferActivities.withdraw,
                intent,
                summary=f"withdraw {intent.amount:f} {self._coin} from {self._direction.source}",
            )
        except ActivityError as failure:
            if refused(failure):
                self._start_over()
            raise
        sent = await self._follow_withdrawal(intent)
        self._story.tell(f"{sent.arrives:f} {self._coin} on the way, txid {sent.txid}")
        await self._story.book(
            [
                withdrawal_entry(
                    intent.transfer_id,
                    self._story.cycle.cycle_id,
                    self._direction.source,
                    self._coin,
                    sent.arrives,
                    sent.fee,
                )
            ]
        )
        return sent

    async def _follow_withdrawal(self, intent: WithdrawalIntent) -> WithdrawalReport:
        pause = LOOK_AGAIN
        while True:
            sent = await FOLLOW.call(
                TransferActivities.follow_withdrawal,
                intent,
                summary=f"{self._coin} leaves {self._direction.source}",
            )
            if sent.state is TransferState.DONE:
                await self._story.wait(None)
                return sent
            if sent.state is TransferState.FAILED:
                self._start_over()
                raise StepFailed(f"{self._direction.source} did not send {intent.transfer_id}: {sent.detail}")
            pause = await self._wait(f"{self._direction.source} sends {self._coin}: {sent.detail}", pause)

    async def _follow_deposit(self, intent: WithdrawalIntent, sent: WithdrawalReport) -> Decimal:
        pause = LOOK_AGAIN
        while True:
            credited = await self._ask_deposit(sent)
            if credited.state is TransferState.DONE:
                await self._story.wait(None)
                return credited.amount
            if credited.state is TransferState.FAILED:
                raise StepFailed(f"{self._direction.destination} refused {intent.transfer_id}: {credited.detail}")
            pause = await self._wait(f"{self._coin} deposit on {self._direction.destination}: {credited.detail}", pause)

    async def _ask_deposit(self, sent: WithdrawalReport) -> DepositReport:
        if sent.txid is None:
            raise StepFailed(f"withdrawal {sent.venue_id} is done but has no txid to look for")
        return await FOLLOW.call(
            TransferActivities.follow_deposit,
            DepositQuery(
                cycle_id=self._story.cycle.cycle_id, coin=self._coin, direction=self._direction, txid=sent.txid
            ),
            summary=f"{sent.arrives:f} {self._coin} reach {self._direction.destination}",
        )

    def _start_over(self) -> None:
        """Nothing left the venue, for certain: the next attempt is a new withdrawal under a new id."""
        self._attempt += 1
        self._intent = None

    async def _wait(self, reason: str, pause: timedelta) -> timedelta:
        """Show the reason, sleep; the next pause is longer, so that hours of waiting stay a short history."""
        await self._story.wait(reason)
        await workflow.sleep(pause, summary=reason)
        return min(pause * 2, LOOK_AGAIN_AT_MOST)
