"""Withdrawals and the deposits they become on the other venue.

A transfer passes these steps, each after a delay:

    accepted   the amount and the fee are locked on Upbit, gone from the balance on Binance
    broadcast  the sending venue has reviewed it; the chain has it, the txid is known
    seen       the receiving venue lists an unconfirmed deposit
    confirmed  the sending venue is done; Binance credits a deposit here, for trading only
    credited   Upbit credits a deposit here; on Binance it becomes free to be withdrawn

Upbit's fee comes on top of the amount, Binance's is taken out of it.
"""

import random
import uuid
from collections.abc import Callable
from decimal import Decimal

from kimp.domain.market import Venue
from kimp.paper.accounts import Accounts, Counterparty, InsufficientFunds
from kimp.paper.addresses import Address, AddressBook
from kimp.paper.amounts import ZERO, exact
from kimp.paper.clock import Agenda, Clock
from kimp.paper.coins import Network
from kimp.paper.journal import Journal
from kimp.paper.transfer import ENDED_EARLY, Deposit, Step, TransferHook, Verdict, Withdrawal
from kimp.paper.wallets import Wallets

SEEN_SHARE = 0.3
"""Of the confirmation time: when the receiving venue first lists the deposit."""
CLOSED_WALLET_RETRY_MS = 250
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
        journal: Journal,
        time_scale: float,
        seed: int,
    ) -> None:
        self.withdrawals: dict[str, Withdrawal] = {}
        self.deposits: dict[str, Deposit] = {}
        self.hook: TransferHook | None = None
        self.on_balance_delta: list[Callable[[Venue, str, Decimal], None]] = []
        """Told of coins that leave or reach a balance by transfer."""
        self._accounts = accounts
        self._addresses = addresses
        self._wallets = wallets
        self._agenda = agenda
        self._clock = clock
        self._journal = journal
        self._time_scale = time_scale
        self._draw = random.Random(seed)  # noqa: S311 # delays, not secrets
        self._unripe: dict[str, Decimal] = {}

    def withdraw(
        self, venue: Venue, network: Network, target: Address, amount: Decimal, fee: Decimal, client_id: str | None
    ) -> Withdrawal:
        """`amount` is what arrives. Raises InsufficientFunds and changes nothing."""
        withdrawal = Withdrawal(
            str(uuid.uuid4()), venue, network, target, amount, fee, client_id, self._clock.now_ms()
        )  # fmt: skip
        self._need(withdrawal)
        if self.hook:
            self.hook.accept(withdrawal)
        self._set_aside(withdrawal)
        self.withdrawals[withdrawal.uuid] = withdrawal
        self._note(withdrawal)
        self._later(network.review_s, withdrawal, Step.BROADCAST)
        return withdrawal

    def cancel(self, withdrawal: Withdrawal) -> bool:
        """Only before it is broadcast; False: too late."""
        if withdrawal.step is not Step.ACCEPTED:
            return False
        self._end(withdrawal, Step.CANCELLED)
        return True

    def withdrawable(self, venue: Venue, coin: str) -> Decimal:
        """Free coins without those that Binance has credited for trading only."""
        unripe = self._unripe.get(coin, ZERO) if venue is Venue.BINANCE else ZERO
        return max(self._accounts[venue][coin].free - unripe, ZERO)

    @exact
    def _need(self, withdrawal: Withdrawal) -> None:
        total = withdrawal.amount + withdrawal.fee
        if (ready := self.withdrawable(withdrawal.venue, withdrawal.coin)) < total:
            raise InsufficientFunds(withdrawal.coin, total, ready)

    @exact
    def _set_aside(self, withdrawal: Withdrawal) -> None:
        venue, coin = withdrawal.venue, withdrawal.coin
        total, reason = withdrawal.amount + withdrawal.fee, f"withdrawal {withdrawal.uuid}"
        if venue is Venue.UPBIT:
            self._accounts[venue].lock(coin, total, reason)
        else:
            self._accounts[venue].pay(coin, total, Counterparty.CHAIN, reason)
            self._tell(venue, coin, -total)

    @exact
    def _give_back(self, withdrawal: Withdrawal) -> None:
        venue, coin = withdrawal.venue, withdrawal.coin
        total, reason = withdrawal.amount + withdrawal.fee, f"withdrawal {withdrawal.uuid} {withdrawal.step}"
        if venue is Venue.UPBIT:
            self._accounts[venue].unlock(coin, total, reason)
        else:
            self._accounts[venue].receive(coin, total, Counterparty.CHAIN, reason)
            self._tell(venue, coin, total)

    def _later(self, seconds: float, withdrawal: Withdrawal, step: Step) -> None:
        delay_ms = seconds * self._time_scale * self._draw.uniform(*JITTER) * 1000
        self._agenda.after(int(delay_ms), lambda: self._reach(withdrawal, step))

    def _reach(self, withdrawal: Withdrawal, step: Step) -> None:
        """Take a step, unless it has ended before, a wallet is closed or the hook holds it up or ends it."""
        if withdrawal.step in ENDED_EARLY:
            return
        wait_ms, end = self.hook.before(withdrawal, step) if self.hook else Verdict()
        if end is not None:
            self._end(withdrawal, end)
            return
        if wait_ms <= 0 and not self._wallet_open(withdrawal, step):
            wait_ms = CLOSED_WALLET_RETRY_MS
        if wait_ms > 0:
            self._agenda.after(wait_ms, lambda: self._reach(withdrawal, step))
            return
        actions: dict[Step, Callable[[Withdrawal], None]] = {
            Step.BROADCAST: self._broadcast,
            Step.SEEN: self._see,
            Step.CONFIRMED: self._confirm,
            Step.CREDITED: self._credit,
        }
        actions[step](withdrawal)

    def _end(self, withdrawal: Withdrawal, step: Step) -> None:
        """The withdrawal, or its deposit if there is one, goes no further."""
        deposit, now_ms = withdrawal.deposit, self._clock.now_ms()
        if deposit is None:
            withdrawal.step, withdrawal.done_ms = step, now_ms
            self._give_back(withdrawal)
            self._note(withdrawal)
            return
        deposit.step, deposit.done_ms = step, now_ms
        self._note(deposit)
        self._lost(withdrawal, f"deposit {step}")

    def _wallet_open(self, withdrawal: Withdrawal, step: Step) -> bool:
        if step is Step.BROADCAST:
            return self._wallets.of(withdrawal.venue, withdrawal.coin).sends
        if step is Step.CREDITED and withdrawal.deposit:
            return self._wallets.of(withdrawal.deposit.venue, withdrawal.coin).takes
        return True

    @exact
    def _broadcast(self, withdrawal: Withdrawal) -> None:
        withdrawal.step = Step.BROADCAST
        withdrawal.txid = uuid.uuid4().hex + uuid.uuid4().hex
        accounts, coin, reason = self._accounts[withdrawal.venue], withdrawal.coin, f"withdrawal {withdrawal.uuid}"
        if withdrawal.venue is Venue.UPBIT:
            accounts.pay_locked(coin, withdrawal.amount, Counterparty.CHAIN, reason)
            accounts.pay_locked(coin, withdrawal.fee, Counterparty.NETWORK_FEES, reason)
        else:
            # The fee went out with the amount; from here on it is nobody's coin any more.
            accounts.reassign(coin, withdrawal.fee, Counterparty.CHAIN, Counterparty.NETWORK_FEES)
        self._note(withdrawal)
        confirm_s = withdrawal.network.confirm_s
        owner = self._addresses.owner(withdrawal.address)
        if owner is not None and self._addresses.credits(withdrawal.address):
            self._later(confirm_s * SEEN_SHARE, withdrawal, Step.SEEN)
        else:
            why = "wrong or missing tag" if owner else "an address of neither venue"
            self._lost(withdrawal, why)
            self._later(confirm_s, withdrawal, Step.CONFIRMED)

    def _see(self, withdrawal: Withdrawal) -> None:
        owner = self._addresses.owner(withdrawal.address)
        if owner is None or withdrawal.txid is None:
            raise AssertionError(f"{withdrawal}: a bug of the paper exchange")
        deposit = Deposit(
            str(uuid.uuid4()), owner, withdrawal.address, withdrawal.amount, withdrawal.txid, self._clock.now_ms()
        )  # fmt: skip
        withdrawal.deposit = self.deposits[deposit.uuid] = deposit
        self._note(deposit)
        self._later(withdrawal.network.confirm_s * (1 - SEEN_SHARE), withdrawal, Step.CONFIRMED)

    @exact
    def _confirm(self, withdrawal: Withdrawal) -> None:
        withdrawal.step = Step.CONFIRMED
        withdrawal.done_ms = self._clock.now_ms()
        self._note(withdrawal)
        deposit = withdrawal.deposit
        if deposit is None:
            return
        early = deposit.venue is Venue.BINANCE and not deposit.final_only
        if early and self._wallets.of(deposit.venue, withdrawal.coin).takes:
            self._unripe[withdrawal.coin] = self._unripe.get(withdrawal.coin, ZERO) + deposit.amount
            self._receive(deposit)
            deposit.step = Step.CONFIRMED
            self._note(deposit)
        self._later(withdrawal.network.credit_s, withdrawal, Step.CREDITED)

    @exact
    def _credit(self, withdrawal: Withdrawal) -> None:
        deposit = withdrawal.deposit
        if deposit is None:
            return
        if deposit.step is Step.CONFIRMED:
            self._unripe[withdrawal.coin] -= deposit.amount
        else:
            self._receive(deposit)
        deposit.step = Step.CREDITED
        deposit.done_ms = self._clock.now_ms()
        self._note(deposit)

    def _receive(self, deposit: Deposit) -> None:
        coin = deposit.address.coin
        self._accounts[deposit.venue].receive(coin, deposit.amount, Counterparty.CHAIN, f"deposit {deposit.uuid}")
        self._tell(deposit.venue, coin, deposit.amount)

    def _tell(self, venue: Venue, coin: str, delta: Decimal) -> None:
        for listener in self.on_balance_delta:
            listener(venue, coin, delta)

    def _lost(self, withdrawal: Withdrawal, why: str) -> None:
        facts = {"withdrawal": withdrawal.uuid, "coin": withdrawal.coin, "amount": withdrawal.amount}
        self._journal.write("lost", **facts, why=why)

    def _note(self, transfer: Withdrawal | Deposit) -> None:
        kind = "withdrawal" if isinstance(transfer, Withdrawal) else "deposit"
        self._journal.write(kind, venue=transfer.venue, **transfer.facts())
