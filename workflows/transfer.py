"""A coin on its way from one venue to the other, as durable steps."""

from contextlib import AbstractContextManager
from datetime import datetime
from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from activities.transfers import TransferActivities
    from kimp.contracts.progress import MovedSoFar
    from kimp.contracts.transfers import (
        TransferRequest,
        TransferTerms,
        WithdrawalIntent,
        WithdrawalReport,
    )
    from kimp.domain import sizing
    from kimp.domain.ids import Leg, Step, step_of, transfer_id
    from kimp.domain.ledger import Account, deposit_entry, withdrawal_entry, write_off_entry
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.domain.venues import Direction
    from kimp.domain.wording import exactly
    from kimp.observability.context import bound

from workflows.buying import BuyBack
from workflows.deposit import follow_deposit
from workflows.execution import TradeStep
from workflows.policies import PREPARE, WITHDRAW
from workflows.steps import (
    LOOK_AGAIN,
    NeedsPerson,
    StepFailed,
    TemporarilyRefused,
    look_again,
    spends_its_id,
    until_answered,
)
from workflows.timeline import credited, left
from workflows.tracker import CycleTracker, as_ms, as_time, now_ms
from workflows.withdrawal import follow_withdrawal

GOOD_FOR_MS = 180_000
"""Wallets and addresses were looked at just before; a withdrawal that waits longer for its turn is prepared anew."""
LOOKED_AT = "withdrawal-looked-at"
"""Cycles that parked before there was such a thing look again as they did."""
TRIES = 3
"""Withdrawals that the venue refuses for certain before the step fails."""


class Transfer:
    """Withdraw once, follow by txid, take in what arrived. Keeps its progress like an Execution."""

    def __init__(self, tracker: CycleTracker, leg: Leg, coin: Asset, direction: Direction, available: Decimal) -> None:
        """`available`: coins at the source, of which as many are sent as fee and step allow."""
        self._tracker = tracker
        self.leg = leg
        self.coin = coin
        self._direction = direction
        self.available = available
        self._intent: WithdrawalIntent | None = None
        self._sent: tuple[WithdrawalIntent, WithdrawalReport] | None = None
        self._looked_at = False
        self._credited: Decimal | None = None
        """What arrived."""
        self._refusals = 0
        self._since: datetime | None = None
        """When what is under way was first followed."""

    @classmethod
    def of(cls, tracker: CycleTracker, intent: WithdrawalIntent) -> "Transfer":
        """One that was journalled before: it is looked up and followed, never asked for again under its id."""
        leg = Leg(step_of(intent.transfer_id)[0])
        transfer = cls(tracker, leg, intent.coin, intent.direction, intent.amount)
        transfer._intent = intent
        return transfer

    @classmethod
    def going_on(cls, tracker: CycleTracker, so_far: MovedSoFar) -> "Transfer":
        """As an earlier run of the workflow left it."""
        transfer = cls(tracker, so_far.leg, so_far.coin, so_far.direction, so_far.available)
        if so_far.intent is not None:
            transfer._intent = so_far.intent.model_copy(update={"asking_run_id": tracker.asking_run_id})
            transfer._sent = None if so_far.sent is None else (transfer._intent, so_far.sent)
        transfer._credited, transfer._refusals = so_far.credited, so_far.refusals
        transfer._looked_at = so_far.looked_at
        transfer._since = as_time(so_far.followed_since_ms)
        return transfer

    @property
    def so_far(self) -> MovedSoFar:
        """For the next run of the workflow."""
        return MovedSoFar(
            leg=self.leg,
            coin=self.coin,
            direction=self._direction,
            available=self.available,
            intent=self._intent,
            sent=None if self._sent is None else self._sent[1],
            credited=self._credited,
            refusals=self._refusals,
            looked_at=self._looked_at,
            followed_since_ms=as_ms(self._since),
        )

    @property
    def settled(self) -> bool:
        """Nothing of it is under way."""
        return self._intent is None if self._sent is None else not self._in_transit

    @property
    def _in_transit(self) -> bool:
        """What was sent is not known to have arrived, and was not written off."""
        return self._credited is None and self._tracker.held.get((Account.IN_TRANSIT, self.coin), ZERO) > ZERO

    def _bound(self) -> AbstractContextManager[None]:
        """Log lines of the block say where they belong."""
        way = f"{self._direction.source}>{self._direction.destination}"
        return bound(step=f"{self.leg}{Step.SEND}", venue=way)

    async def run(self) -> Decimal:
        """Coins credited at the destination.

        Raises StepFailed if the venue refused for certain, NeedsPerson if nobody but a person can tell, Stopped before
        anything was sent.
        """
        if self._credited is not None:
            return self._credited
        with self._bound():
            if self._sent is None:
                self._sent = await self._send()
            await self._cover()
            return await self._take_in(*self._sent)

    async def settle(self) -> None:
        """Follow what was asked for to its end; what never left is not sent. Raises NeedsPerson like `run`."""
        with self._bound():
            if self._sent is None:
                if self._intent is None:
                    return
                try:
                    self._sent = self._intent, await self._withdraw(self._intent)
                except StepFailed:
                    self._intent = None
                    return
            if self._in_transit:
                await self._take_in(*self._sent)

    async def give_up(self) -> None:
        """A person decided that a withdrawal of unknown outcome never was: the coin's next one may be sent.

        Unless the journal knows that the venue took it; then it is still this transfer's, and followed by `settle`."""
        if self._intent is not None and self._sent is None:
            given_up = await until_answered(
                self._tracker,
                PREPARE,
                TransferActivities.give_up_withdrawal,
                self._intent,
                summary=f"{self._intent.transfer_id} is given up",
            )
            if given_up:
                self._intent = None

    async def _take_in(self, intent: WithdrawalIntent, sent: WithdrawalReport) -> Decimal:
        self._since = self._since or workflow.now()
        try:
            arrived = await follow_deposit(self._tracker, intent, sent, self._since)
        except NeedsPerson:
            self._since = None  # a person who has looked, and tries again, waits as long once more
            raise
        name, cycle_id = intent.transfer_id, self._tracker.cycle.cycle_id
        missing = sent.arrives - arrived
        entries = [deposit_entry(name, cycle_id, self._direction.destination, self.coin, arrived)]
        if missing != ZERO:
            entries.append(write_off_entry(f"{name}/missing", cycle_id, Account.IN_TRANSIT, self.coin, missing))
        self._credited = arrived
        await self._tracker.book(credited(self._direction.destination, self.coin, arrived, missing), entries)
        if missing != ZERO:
            raise NeedsPerson(
                f"{self._direction.destination} credited {arrived:f} {self.coin} of {sent.arrives:f};"
                " the rest is booked as external; retry goes on with what arrived",
                ReasonKind.DEPOSIT,
            )
        return arrived

    async def _send(self) -> tuple[WithdrawalIntent, WithdrawalReport]:
        """After a definite refusal nothing left the venue: the next attempt is a new withdrawal under a new id."""
        pause = LOOK_AGAIN
        while True:
            if self._intent is None:
                self._intent = await self._prepare()
            try:
                return self._intent, await self._withdraw(self._intent)
            except StepFailed as refusal:
                self._intent = None
                self._refusals += not isinstance(refusal, TemporarilyRefused)
                if self._refusals == TRIES:
                    self._refusals = 0
                    raise
                pause = await look_again(self._tracker, refusal.reason, pause)

    async def _prepare(self) -> WithdrawalIntent:
        terms = await self._open_wallets()
        size = sizing.size_withdrawal(self.available, terms.out)
        if size is None:
            raise StepFailed(f"{self.available:f} {self.coin} is below what {self._direction.source} sends")
        cycle, attempt = self._tracker.cycle, self._tracker.numbers.next(self.leg, Step.SEND)
        return WithdrawalIntent(
            cycle_id=cycle.cycle_id,
            run_id=self._tracker.run_id,
            transfer_id=transfer_id(cycle.cycle_id, self.leg, attempt, cycle.installation),
            coin=self.coin,
            direction=self._direction,
            amount=size.amount,
            network=terms.out.name,
            address=terms.address,
            expires_at_ms=now_ms() + GOOD_FOR_MS,
            compensating=self.leg is Leg.BACK,
            asking_run_id=self._tracker.asking_run_id,
        )

    async def _open_wallets(self) -> TransferTerms:
        """Wait, visibly, until both wallets are open: a suspended wallet is no failure."""
        pause = LOOK_AGAIN
        while True:
            self._tracker.control.check()
            terms = await until_answered(
                self._tracker,
                PREPARE,
                TransferActivities.prepare_transfer,
                TransferRequest(cycle_id=self._tracker.cycle.cycle_id, coin=self.coin, direction=self._direction),
                summary=f"{self.coin} wallets and address, {self._direction.source} to {self._direction.destination}",
            )
            if terms.out.withdraw_open and terms.into.deposit_open:
                await self._tracker.wait(None)
                return terms
            closed = self._direction.destination if terms.out.withdraw_open else self._direction.source
            why = Reason(f"{self.coin} wallet of {closed} is closed", ReasonKind.WALLET_CLOSED)
            pause = await look_again(self._tracker, why, pause)

    async def _withdraw(self, intent: WithdrawalIntent) -> WithdrawalReport:
        try:
            await until_answered(
                self._tracker,
                WITHDRAW,
                TransferActivities.withdraw,
                intent.model_copy(update={"looked_at": True}) if self._looked_at else intent,
                summary=f"withdraw {exactly(intent.amount)} {self.coin} from {self._direction.source}",
                refusal=spends_its_id,
            )
        except NeedsPerson:
            self._looked_at = workflow.patched(LOOKED_AT)  # once a person has said: look again
            raise
        self._since = self._since or workflow.now()
        try:
            sent = await follow_withdrawal(self._tracker, intent, self._since)
        except (StepFailed, NeedsPerson):
            self._since = None
            raise
        self._since = None
        source, cycle_id = self._direction.source, self._tracker.cycle.cycle_id
        entry = withdrawal_entry(intent.transfer_id, cycle_id, source, self.coin, sent.arrives, sent.fee)
        await self._tracker.book(left(source, self.coin, sent.arrives, sent.fee, sent.txid), [entry])
        return sent

    async def _cover(self) -> None:
        """A fee that was not expected may have taken coins that this cycle never had: they are bought back."""
        source = self._direction.source
        lacking = -self._tracker.held.get((source, self.coin), ZERO)
        if lacking > ZERO and self.coin != source.cash:
            self._tracker.report(f"a surprising fee took {lacking:f} {self.coin} too much on {source}")
            await BuyBack(self._tracker, TradeStep(Leg.BACK, source, self.coin, Side.BUY), lacking).run()
