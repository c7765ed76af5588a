"""Faults on the way of a transfer, asked by the transfer desk."""

from collections.abc import Callable
from decimal import Decimal

from kimp.domain.market import Venue
from kimp.paper.amounts import exact
from kimp.paper.clock import Agenda, Clock
from kimp.paper.faults import kinds
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.journal import Journal
from kimp.paper.transfer import Deposit, Step, Verdict, Withdrawal
from kimp.paper.wallets import Wallets, WalletState

K = FaultKind
ENDS = {
    K.WITHDRAWAL_FAILED: Step.FAILED,
    K.WITHDRAWAL_REJECTED: Step.REJECTED,
    K.WITHDRAWAL_CANCELLED: Step.CANCELLED,
}
GO_ON = Verdict()


class TransferFaults:
    """The hook of the transfer desk. Each side of a transfer meets at most one fault."""

    def __init__(
        self,
        injector: Injector,
        wallets: Wallets,
        withdrawable: Callable[[Venue, str], Decimal],
        agenda: Agenda,
        clock: Clock,
        journal: Journal,
    ) -> None:
        self._injector = injector
        self._wallets = wallets
        self._withdrawable = withdrawable
        self._agenda = agenda
        self._clock = clock
        self._journal = journal
        self._sending: dict[str, Fault] = {}
        self._receiving: dict[str, Fault] = {}
        self._until_ms: dict[str, int] = {}
        """Uuid of a withdrawal or deposit that is held up -> when it may go on."""

    @exact
    def accept(self, withdrawal: Withdrawal) -> None:
        venue, coin, surcharge = withdrawal.venue, withdrawal.coin, withdrawal.fee
        possible = set(self._possible(kinds.SENDING, venue, coin))
        if venue is Venue.UPBIT:
            affordable = self._withdrawable(venue, coin) >= withdrawal.amount + withdrawal.fee + surcharge
        else:
            affordable = withdrawal.amount > surcharge
        if not affordable:
            possible.discard(K.FEE_SURPRISE)
        fault = self._injector.draw(venue, f"WITHDRAW {coin}", possible, withdrawal=withdrawal.uuid)
        if fault is None:
            return
        self._sending[withdrawal.uuid] = fault
        if fault.kind is K.WALLET_SUSPENDED:
            self._suspend(venue, coin, fault.ms)
        elif fault.kind is K.FEE_SURPRISE:
            withdrawal.fee += surcharge
            if venue is Venue.BINANCE:
                withdrawal.amount -= surcharge

    def before(self, withdrawal: Withdrawal, step: Step) -> Verdict:
        deposit = withdrawal.deposit
        if deposit is None:
            return self._sender_says(withdrawal, step)
        if step is Step.CONFIRMED:
            self._meet(deposit)
        return self._receiver_says(deposit) if step is Step.CREDITED else GO_ON

    def _sender_says(self, withdrawal: Withdrawal, step: Step) -> Verdict:
        fault = self._sending.get(withdrawal.uuid)
        if fault is None:
            return GO_ON
        if step is Step.BROADCAST:
            return Verdict(end=ENDS.get(fault.kind))
        if fault.kind is K.WITHDRAWAL_STUCK:
            return Verdict(self._left_ms(withdrawal.uuid, fault))
        return GO_ON

    def _meet(self, deposit: Deposit) -> None:
        """The receiving venue decides on a deposit when the chain has confirmed it."""
        venue, coin = deposit.venue, deposit.address.coin
        possible = self._possible(kinds.RECEIVING, venue, coin)
        fault = self._injector.draw(venue, f"DEPOSIT {coin}", possible, deposit=deposit.uuid)
        if fault is None:
            return
        self._receiving[deposit.uuid] = fault
        if fault.kind is K.WALLET_SUSPENDED:
            self._suspend(venue, coin, fault.ms)
            return
        deposit.final_only = True
        if fault.kind is K.DEPOSIT_HELD:
            deposit.step = Step.HELD
            self._journal.write("deposit", venue=venue, **deposit.facts())

    def _receiver_says(self, deposit: Deposit) -> Verdict:
        fault = self._receiving.get(deposit.uuid)
        if fault is None:
            return GO_ON
        if fault.kind is K.DEPOSIT_REJECTED:
            return Verdict(end=Step.REJECTED)
        return Verdict(self._left_ms(deposit.uuid, fault) if deposit.final_only else 0)

    def _left_ms(self, uuid: str, fault: Fault) -> int:
        """Counted from the first question."""
        now_ms = self._clock.now_ms()
        return self._until_ms.setdefault(uuid, now_ms + fault.ms) - now_ms

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
