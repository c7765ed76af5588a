"""Withdrawals and the deposits they become on the other venue.

A transfer passes these steps, each after a delay:

    accepted   the amount and the fee are locked on Upbit, gone from the balance on Binance
    broadcast  the sending venue has reviewed it; the chain has it, the txid is known
    seen       the receiving venue lists an unconfirmed deposit
    confirmed  the sending venue is done; one that credits early (`venue_terms`) credits here, for trading only
    credited   Upbit credits a deposit here; on Binance it becomes free to be withdrawn

Upbit's fee comes on top of the amount, Binance's is taken out of it.
"""

import random
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.accounts import Accounts, Counterparty
from kimp.paper.addresses import AddressBook, PaperAddress
from kimp.paper.amounts import exact
from kimp.paper.clock import Agenda
from kimp.paper.coins import PaperNetwork
from kimp.paper.journal import PaperJournal
from kimp.paper.transfer import ENDED_EARLY, Deposit, TransferHook, TransferStep, TransferVerdict, Withdrawal, new_txid
from kimp.paper.transfer_funds import TransferFunds
from kimp.paper.venue_terms import TERMS
from kimp.paper.wallets import Wallets
from kimp.ports.clock import Clock

SEEN_SHARE = 0.3
"""Of the confirmation time: when the receiving venue first lists the deposit."""
CLOSED_WALLET_RETRY_MS = 250
ENDED_DEPOSIT = (TransferStep.CREDITED, TransferStep.REJECTED)
JITTER = (0.8, 1.4)
"""Of every delay."""


class TransferDesk:
    """The wallets of both venues and the chains between them."""

    def __init__(
        self,
        accounts: dict[Venue, Accounts],
        addresses: AddressBook,
        wallets: Wallets,
        agenda: Agenda,
        clock: Clock,
        journal: PaperJournal,
        time_scale: float,
        tail: float,
        seed: int,
    ) -> None:
        self.withdrawals: dict[str, Withdrawal] = {}
        self.deposits: dict[str, Deposit] = {}
        self.hook: TransferHook | None = None
        self.till = TransferFunds(accounts)
        self._addresses = addresses
        self._wallets = wallets
        self._agenda = agenda
        self._clock = clock
        self._journal = journal
        self._time_scale = time_scale
        self._tail = tail
        self._draw = random.Random(seed)  # noqa: S311 # delays, not secrets

    def withdraw(
        self,
        venue: Venue,
        network: PaperNetwork,
        target: PaperAddress,
        amount: Decimal,
        fee: Decimal,
        client_id: str | None,
    ) -> Withdrawal:
        """`amount` is what arrives. Raises InsufficientFunds and changes nothing."""
        withdrawal = Withdrawal(
            str(uuid.uuid4()), venue, network, target, amount, fee, client_id, self._clock.now_ms()
        )  # fmt: skip
        self.till.need(withdrawal)
        foreign = self.hook.accept(withdrawal) if self.hook else None
        if foreign is not None:
            self._list_foreign(foreign)
        self.till.set_aside(withdrawal)
        self.withdrawals[withdrawal.uuid] = withdrawal
        self._note(withdrawal)
        self._later(network.review_s, withdrawal, TransferStep.BROADCAST)
        return withdrawal

    def _list_foreign(self, withdrawal: Withdrawal) -> None:
        """One that was cancelled as soon as it was asked for: it moves nothing."""
        self.withdrawals[withdrawal.uuid] = withdrawal
        self._journal.write("foreign_withdrawal", venue=withdrawal.venue, **withdrawal.facts())

    def cancel(self, withdrawal: Withdrawal) -> bool:
        """Only before it is broadcast; False: too late."""
        if withdrawal.step is not TransferStep.ACCEPTED:
            return False
        self._end(withdrawal, TransferStep.CANCELLED)
        return True

    def restore(self, withdrawals: Sequence[Withdrawal], deposits: Sequence[Deposit]) -> None:
        """Of before a restart, oldest first. What was under way takes its next step after that step's usual time."""
        self.withdrawals.update({withdrawal.uuid: withdrawal for withdrawal in withdrawals})
        for deposit in deposits:
            self.deposits[deposit.uuid] = deposit
            origin = self.withdrawals[deposit.withdrawal]
            origin.deposit = origin.deposit or deposit  # a second one of it was credited by mistake
        for withdrawal in withdrawals:
            self._go_on(withdrawal)

    def _go_on(self, withdrawal: Withdrawal) -> None:
        network, deposit = withdrawal.network, withdrawal.deposit
        if withdrawal.step is TransferStep.ACCEPTED:
            self._later(network.review_s, withdrawal, TransferStep.BROADCAST)
        elif (
            withdrawal.step is TransferStep.BROADCAST
            and deposit is None
            and self._addresses.credits(withdrawal.address)
        ):
            self._later(network.confirm_s * SEEN_SHARE, withdrawal, TransferStep.SEEN)
        elif withdrawal.step is TransferStep.BROADCAST:
            self._later(network.confirm_s * (1 - SEEN_SHARE), withdrawal, TransferStep.CONFIRMED)
        elif withdrawal.step is TransferStep.CONFIRMED and deposit is not None and deposit.step not in ENDED_DEPOSIT:
            self._later(network.credit_s, withdrawal, TransferStep.CREDITED)

    def listed(self, venue: Venue) -> list[Deposit]:
        """What a look at the venue's deposits finds."""
        return [d for d in self.deposits.values() if d.venue is venue and not d.hidden]

    def _later(self, seconds: float, withdrawal: Withdrawal, step: TransferStep) -> None:
        late = self._draw.lognormvariate(0.0, self._tail) if self._tail else 1.0
        delay_ms = seconds * self._time_scale * self._draw.uniform(*JITTER) * late * 1000
        self._agenda.after(int(delay_ms), lambda: self._reach(withdrawal, step))

    def _reach(self, withdrawal: Withdrawal, step: TransferStep) -> None:
        """Take a step, unless it has ended before, a wallet is closed or the hook holds it up or ends it."""
        if withdrawal.step in ENDED_EARLY:
            return
        verdict = self.hook.before(withdrawal, step) if self.hook else TransferVerdict()
        if verdict.end is not None:
            self._end(withdrawal, verdict.end)
            return
        wait_ms = verdict.wait_ms
        if wait_ms <= 0 and not self._wallet_open(withdrawal, step):
            wait_ms = CLOSED_WALLET_RETRY_MS
        if wait_ms > 0:
            self._agenda.after(wait_ms, lambda: self._reach(withdrawal, step))
            return
        actions: dict[TransferStep, Callable[[Withdrawal, TransferVerdict], None]] = {
            TransferStep.BROADCAST: self._broadcast,
            TransferStep.SEEN: self._see,
            TransferStep.CONFIRMED: self._confirm,
            TransferStep.CREDITED: self._credit,
        }
        actions[step](withdrawal, verdict)

    def _end(self, withdrawal: Withdrawal, step: TransferStep) -> None:
        """The withdrawal, or its deposit if there is one, goes no further."""
        deposit, now_ms = withdrawal.deposit, self._clock.now_ms()
        if deposit is None:
            withdrawal.step, withdrawal.done_ms = step, now_ms
            self.till.give_back(withdrawal)
            self._note(withdrawal)
            return
        deposit.step, deposit.done_ms = step, now_ms
        self._note(deposit)
        self._lost(withdrawal, deposit.amount, f"deposit {step}")

    def _wallet_open(self, withdrawal: Withdrawal, step: TransferStep) -> bool:
        if step is TransferStep.BROADCAST:
            return self._wallets.of(withdrawal.venue, withdrawal.coin).sends
        if step is TransferStep.CREDITED and withdrawal.deposit:
            return self._wallets.of(withdrawal.deposit.venue, withdrawal.coin).takes
        return True

    def _broadcast(self, withdrawal: Withdrawal, verdict: TransferVerdict) -> None:
        withdrawal.step = TransferStep.BROADCAST
        withdrawal.txid = verdict.txid or new_txid()
        self.till.send(withdrawal)
        self._note(withdrawal)
        confirm_s = withdrawal.network.confirm_s
        owner = self._addresses.owner(withdrawal.address)
        if owner is not None and self._addresses.credits(withdrawal.address):
            self._later(confirm_s * SEEN_SHARE, withdrawal, TransferStep.SEEN)
        else:
            why = "wrong or missing tag" if owner else "an address of neither venue"
            self._lost(withdrawal, withdrawal.amount, why)
            self._later(confirm_s, withdrawal, TransferStep.CONFIRMED)

    @exact
    def _see(self, withdrawal: Withdrawal, verdict: TransferVerdict) -> None:
        owner = self._addresses.owner(withdrawal.address)
        if owner is None or withdrawal.txid is None:
            raise AssertionError(f"{withdrawal}: a bug of the paper exchange")
        arrives = withdrawal.amount if verdict.arrives is None else verdict.arrives
        if arrives != withdrawal.amount:
            self._lost(withdrawal, withdrawal.amount - arrives, "deposit short" if arrives else "deposit never seen")
        if arrives:
            withdrawal.deposit = Deposit(
                str(uuid.uuid4()),
                withdrawal.uuid,
                owner,
                withdrawal.address,
                arrives,
                withdrawal.txid,
                self._clock.now_ms(),
            )
            self._list(withdrawal.deposit)
        self._later(withdrawal.network.confirm_s * (1 - SEEN_SHARE), withdrawal, TransferStep.CONFIRMED)

    def _confirm(self, withdrawal: Withdrawal, _verdict: TransferVerdict) -> None:
        withdrawal.step = TransferStep.CONFIRMED
        withdrawal.done_ms = self._clock.now_ms()
        self._note(withdrawal)
        deposit = withdrawal.deposit
        if deposit is None:
            return
        early = TERMS[deposit.venue].credits_early and not deposit.final_only
        if early and self._wallets.of(deposit.venue, withdrawal.coin).takes:
            self.till.receive_unripe(deposit)
            deposit.step = TransferStep.CONFIRMED
            self._note(deposit)
        self._later(withdrawal.network.credit_s, withdrawal, TransferStep.CREDITED)

    def _credit(self, withdrawal: Withdrawal, verdict: TransferVerdict) -> None:
        deposit = withdrawal.deposit
        if deposit is None:
            return
        if deposit.step is TransferStep.CONFIRMED:
            self.till.ripen(deposit)
        else:
            self.till.receive(deposit)
        deposit.step = TransferStep.CREDITED
        deposit.done_ms = self._clock.now_ms()
        self._note(deposit)
        if verdict.again_ms is not None:
            self._agenda.after(verdict.again_ms, lambda: self._credit_again(deposit))

    def _credit_again(self, first: Deposit) -> None:
        """By mistake: another entry of the same transaction."""
        now_ms = self._clock.now_ms()
        again = replace(first, uuid=str(uuid.uuid4()), created_ms=now_ms, done_ms=now_ms)
        self.till.receive(again, Counterparty.MISTAKE)
        self._list(again)

    def _list(self, deposit: Deposit) -> None:
        self.deposits[deposit.uuid] = deposit
        self._note(deposit)

    def _lost(self, withdrawal: Withdrawal, amount: Decimal, why: str) -> None:
        self._journal.write("lost", withdrawal=withdrawal.uuid, coin=withdrawal.coin, amount=amount, why=why)

    def _note(self, transfer: Withdrawal | Deposit) -> None:
        kind = "withdrawal" if isinstance(transfer, Withdrawal) else "deposit"
        self._journal.write(kind, venue=transfer.venue, **transfer.facts())
