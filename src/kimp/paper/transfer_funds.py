"""The money side of transfers: every coin that is set aside, given back, sent and received."""

from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.accounts import Accounts, Counterparty, InsufficientFunds
from kimp.paper.amounts import ZERO, exact
from kimp.paper.transfer import Deposit, Withdrawal
from kimp.paper.venue_terms import TERMS


class TransferFunds:
    """By each venue's terms."""

    def __init__(self, accounts: dict[Venue, Accounts]) -> None:
        self._accounts = accounts
        self._unripe: defaultdict[str, Decimal] = defaultdict(Decimal)

    def withdrawable(self, venue: Venue, coin: str) -> Decimal:
        """Free coins without those that Binance has credited for trading only."""
        unripe = self._unripe[coin] if TERMS[venue].credits_early else ZERO
        return max(self._accounts[venue][coin].free - unripe, ZERO)

    def unripe(self, venue: Venue) -> dict[str, Decimal]:
        """What the venue credited for trading only."""
        return dict(self._unripe) if TERMS[venue].credits_early else {}

    def restore(self, venue: Venue, unripe: Mapping[str, Decimal]) -> None:
        if TERMS[venue].credits_early:
            self._unripe.update(unripe)

    @exact
    def need(self, withdrawal: Withdrawal) -> None:
        """Raises InsufficientFunds."""
        total = withdrawal.amount + withdrawal.fee
        if (ready := self.withdrawable(withdrawal.venue, withdrawal.coin)) < total:
            raise InsufficientFunds(withdrawal.coin, total, ready)

    @exact
    def set_aside(self, withdrawal: Withdrawal) -> None:
        venue, coin = withdrawal.venue, withdrawal.coin
        total, reason = withdrawal.amount + withdrawal.fee, f"withdrawal {withdrawal.uuid}"
        if TERMS[venue].locks_withdrawals:
            self._accounts[venue].lock(coin, total, reason)
        else:
            self._accounts[venue].pay(coin, total, Counterparty.CHAIN, reason)

    @exact
    def give_back(self, withdrawal: Withdrawal) -> None:
        venue, coin = withdrawal.venue, withdrawal.coin
        total, reason = withdrawal.amount + withdrawal.fee, f"withdrawal {withdrawal.uuid} {withdrawal.step}"
        if TERMS[venue].locks_withdrawals:
            self._accounts[venue].unlock(coin, total, reason)
        else:
            self._accounts[venue].receive(coin, total, Counterparty.CHAIN, reason)

    @exact
    def send(self, withdrawal: Withdrawal) -> None:
        accounts, coin, reason = self._accounts[withdrawal.venue], withdrawal.coin, f"withdrawal {withdrawal.uuid}"
        if TERMS[withdrawal.venue].locks_withdrawals:
            accounts.pay_locked(coin, withdrawal.amount, Counterparty.CHAIN, reason)
            accounts.pay_locked(coin, withdrawal.fee, Counterparty.NETWORK_FEES, reason)
        else:
            # The fee went out with the amount; from here on it is nobody's coin any more.
            accounts.reassign(coin, withdrawal.fee, Counterparty.CHAIN, Counterparty.NETWORK_FEES)

    def receive(self, deposit: Deposit, source: Counterparty = Counterparty.CHAIN) -> None:
        coin = deposit.address.coin
        self._accounts[deposit.venue].receive(coin, deposit.amount, source, f"deposit {deposit.uuid}")

    @exact
    def receive_unripe(self, deposit: Deposit) -> None:
        """For trading only, until it is ripe."""
        self._unripe[deposit.address.coin] += deposit.amount
        self.receive(deposit)

    @exact
    def ripen(self, deposit: Deposit) -> None:
        self._unripe[deposit.address.coin] -= deposit.amount
