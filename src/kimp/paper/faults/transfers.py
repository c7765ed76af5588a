"""Faults on the way of a transfer, asked by the transfer desk."""

import uuid
from dataclasses import replace
from decimal import Decimal

from kimp.domain.venues import PAIR, Venue
from kimp.paper.amounts import CONTEXT, ZERO, exact, floor_to
from kimp.paper.clock import Agenda
from kimp.paper.faults import kinds
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.journal import PaperJournal
from kimp.paper.transfer import Deposit, TransferStep, TransferVerdict, Withdrawal, new_txid
from kimp.paper.transfer_funds import TransferFunds
from kimp.paper.wallets import Wallets, WalletState
from kimp.ports.clock import Clock

K = FaultKind
ENDS = {
    K.WITHDRAWAL_FAILED: TransferStep.FAILED,
    K.WITHDRAWAL_REJECTED: TransferStep.REJECTED,
    K.WITHDRAWAL_CANCELLED: TransferStep.CANCELLED,
}
FINAL_ONLY = frozenset({K.DEPOSIT_HELD, K.DEPOSIT_DELAYED, K.DEPOSIT_REJECTED})
"""Such a deposit is not credited early either."""
HELD_UP = frozenset({K.DEPOSIT_HELD, K.DEPOSIT_DELAYED, K.CREDIT_LOCKED})
SHORT_BY = Decimal("0.01")
"""Of what was sent."""
LOOK_MS = 50
"""How often one that waits for company looks whether it has come."""
GO_ON = TransferVerdict()


class TransferFaults:
    """The hook of the transfer desk. Each side of a transfer meets at most one fault."""

    def __init__(
        self,
        injector: Injector,
        wallets: Wallets,
        till: TransferFunds,
        agenda: Agenda,
        clock: Clock,
        journal: PaperJournal,
    ) -> None:
        self._injector = injector
        self._wallets = wallets
        self._till = till
        self._agenda = agenda
        self._clock = clock
        self._journal = journal
        self._sending: dict[str, Fault] = {}
        """By the withdrawal's uuid, like the next two."""
        self._receiving: dict[str, Fault | None] = {}
        self._until_ms: dict[tuple[str, FaultKind], int] = {}
        """When one that is held up may go on."""
        self._gathering: dict[tuple[Venue, str], Withdrawal] = {}
        """Waits for another one of the coin, to leave with it."""
        self._txids: dict[str, str] = {}
        """Of transactions that are shared, by the withdrawal's uuid."""

    @exact
    def accept(self, withdrawal: Withdrawal) -> Withdrawal | None:
        venue, coin, surcharge = withdrawal.venue, withdrawal.coin, withdrawal.fee
        possible = set(self._possible(kinds.SENDING, venue, coin))
        if venue is Venue.UPBIT:
            affordable = self._till.withdrawable(venue, coin) >= withdrawal.amount + withdrawal.fee + surcharge
        else:
            affordable = withdrawal.amount > surcharge
        if not affordable:
            possible.discard(K.FEE_SURPRISE)
        if withdrawal.address.tag is None:
            possible.discard(K.TAG_LOST)
        self._join(withdrawal)
        fault = self._injector.draw(venue, f"WITHDRAW {coin}", possible, withdrawal=withdrawal.uuid)
        if fault is None:
            return None
        if fault.kind is K.FOREIGN_WITHDRAWAL:
            return _foreign(withdrawal)
        self._sending[withdrawal.uuid] = fault
        if fault.kind is K.WALLET_SUSPENDED:
            self._suspend(venue, coin, fault.ms)
        elif fault.kind is K.SHARED_TXID and withdrawal.uuid not in self._txids:
            self._gathering[venue, coin] = withdrawal
        elif fault.kind is K.FEE_SURPRISE:
            withdrawal.fee += surcharge
            if venue is Venue.BINANCE:
                withdrawal.amount -= surcharge
        return None

    def before(self, withdrawal: Withdrawal, step: TransferStep) -> TransferVerdict:
        deposit = withdrawal.deposit
        if step is TransferStep.BROADCAST:
            return self._leaves(withdrawal)
        if deposit is None:
            stuck = self._held_up(withdrawal, self._sending.get(withdrawal.uuid), K.WITHDRAWAL_STUCK)
            return TransferVerdict(stuck) if stuck > 0 or step is not TransferStep.SEEN else self._arrives(withdrawal)
        fault = self._receiving.get(withdrawal.uuid)
        if fault is None:
            return GO_ON
        return (
            self._confirmed(withdrawal, deposit, fault)
            if step is TransferStep.CONFIRMED
            else self._credits(withdrawal, fault)
        )

    def _leaves(self, withdrawal: Withdrawal) -> TransferVerdict:
        fault, txid = self._sending.get(withdrawal.uuid), self._txids.get(withdrawal.uuid)
        if fault is None:
            return TransferVerdict(txid=txid)
        if fault.kind is K.TAG_LOST:
            withdrawal.address = replace(withdrawal.address, tag=None)
        wait_ms = self._held_up(withdrawal, fault, K.WITHDRAWAL_UNAPPROVED)
        if fault.kind is K.SHARED_TXID and txid is None:
            wait_ms = min(self._held_up(withdrawal, fault, K.SHARED_TXID), LOOK_MS)
        return TransferVerdict(wait_ms, ENDS.get(fault.kind), txid=txid)

    def _join(self, withdrawal: Withdrawal) -> None:
        """The transaction of another one of the coin that waits for company."""
        other = self._gathering.pop((withdrawal.venue, withdrawal.coin), None)
        if other is not None and other.step is TransferStep.ACCEPTED:
            self._txids |= dict.fromkeys((other.uuid, withdrawal.uuid), new_txid())

    @exact
    def _arrives(self, withdrawal: Withdrawal) -> TransferVerdict:
        """The receiving venue's fate is decided when the chain brings it."""
        if withdrawal.uuid in self._receiving:
            return GO_ON
        venue, coin = PAIR.other(withdrawal.venue), withdrawal.coin
        possible = self._possible(kinds.RECEIVING, venue, coin)
        fault = self._injector.draw(venue, f"DEPOSIT {coin}", possible, withdrawal=withdrawal.uuid)
        self._receiving[withdrawal.uuid] = fault
        if fault is None:
            return GO_ON
        if fault.kind is K.WALLET_SUSPENDED:
            self._suspend(venue, coin, fault.ms)
        if fault.kind is K.DEPOSIT_LOST:
            return TransferVerdict(arrives=ZERO)
        if fault.kind is K.DEPOSIT_SHORT:
            step = CONTEXT.power(Decimal(10), -withdrawal.network.decimals)
            return TransferVerdict(arrives=floor_to(withdrawal.amount * (1 - SHORT_BY), step))
        return GO_ON

    def _confirmed(self, withdrawal: Withdrawal, deposit: Deposit, fault: Fault) -> TransferVerdict:
        deposit.final_only = fault.kind in FINAL_ONLY
        if fault.kind is K.DEPOSIT_HELD and deposit.step is not TransferStep.HELD:
            deposit.step = TransferStep.HELD
            self._journal.write("deposit", venue=deposit.venue, **deposit.facts())
        gone = self._held_up(withdrawal, fault, K.DEPOSIT_REORG)
        deposit.hidden = gone > 0
        return TransferVerdict(gone)

    def _credits(self, withdrawal: Withdrawal, fault: Fault) -> TransferVerdict:
        if fault.kind is K.DEPOSIT_REJECTED:
            return TransferVerdict(end=TransferStep.REJECTED)
        if fault.kind is K.DEPOSIT_TWICE:
            return TransferVerdict(again_ms=fault.ms)
        return TransferVerdict(self._held_up(withdrawal, fault, *HELD_UP))

    def _held_up(self, withdrawal: Withdrawal, fault: Fault | None, *held_kinds: FaultKind) -> int:
        """Milliseconds left, counted from the first question, if the fault is of those."""
        if fault is None or fault.kind not in held_kinds:
            return 0
        now_ms = self._clock.now_ms()
        return self._until_ms.setdefault((withdrawal.uuid, fault.kind), now_ms + fault.ms) - now_ms

    def _possible(self, family: frozenset[FaultKind], venue: Venue, coin: str) -> frozenset[FaultKind]:
        """A wallet that somebody closed is left alone."""
        working = self._wallets.of(venue, coin) is WalletState.WORKING
        return family if working else family - {K.WALLET_SUSPENDED}

    def _suspend(self, venue: Venue, coin: str, ms: int) -> None:
        def reopen() -> None:
            if self._wallets.of(venue, coin) is WalletState.PAUSED:
                self._set(venue, coin, WalletState.WORKING)

        self._set(venue, coin, WalletState.PAUSED)
        self._agenda.after(ms, reopen)

    def _set(self, venue: Venue, coin: str, state: WalletState) -> None:
        self._wallets.set(venue, coin, state)
        self._journal.write("wallet", venue=venue, coin=coin, state=state)


def _foreign(withdrawal: Withdrawal) -> Withdrawal:
    """A person's, to nobody's eyes another one but by its id, and cancelled at once."""
    return replace(withdrawal, uuid=str(uuid.uuid4()), step=TransferStep.CANCELLED, done_ms=withdrawal.created_ms)
