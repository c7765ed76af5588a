"""What the workflow asks of a transfer activity, and what comes back."""

from decimal import Decimal
from enum import StrEnum

from kimp.contracts.base import Message
from kimp.domain.market import Network
from kimp.domain.money import Asset
from kimp.domain.venues import Direction


class Address(Message):
    """Where a venue takes a coin in. A tag coin without its tag is lost, so `tag` is None only where none exists."""

    network: str
    """The venue's own name of the chain."""
    address: str
    tag: str | None = None


class TransferRequest(Message):
    """Which coin is to travel which way."""

    cycle_id: str
    coin: Asset
    direction: Direction


class TransferTerms(Message):
    """Both wallets as they are now, and the destination's own deposit address, checked against the allow-list."""

    out: Network
    into: Network
    address: Address


class WithdrawalIntent(Message):
    """One withdrawal. It is never sent twice, whatever happens."""

    cycle_id: str
    run_id: str
    transfer_id: str
    coin: Asset
    direction: Direction
    amount: Decimal
    """What to ask of the venue, in the coin (see `sizing.size_withdrawal` for fee and arrival)."""
    network: str
    """The source venue's name of the chain."""
    address: Address
    expires_at_ms: int
    """Not to be sent after this instant (epoch milliseconds): wallets and addresses were looked at before."""
    compensating: bool = False
    looked_at: bool | None = None
    """A person was told that nobody knows which withdrawal of the venue's list it is, and said: look again."""
    asking_run_id: str | None = None
    """The run that asks, where the cycle's workflow has continued as new since `run_id`."""


class TransferState(StrEnum):
    UNSEEN = "unseen"
    """Of a deposit: the destination has not heard of it."""
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class WithdrawalReport(Message):
    """A withdrawal as the source venue tells it."""

    venue_id: str
    state: TransferState
    txid: str | None
    arrives: Decimal
    """Coins on the way, after the fee."""
    fee: Decimal
    detail: str = ""
    """The venue's own word for the state."""
    likely: bool = False
    """It looks like the one that was asked for; the venue did not say so."""


class DepositQuery(Message):
    """Is this withdrawal credited?"""

    cycle_id: str
    transfer_id: str
    coin: Asset
    direction: Direction
    txid: str
    """Not the transfer's alone: the venue may have paid several withdrawals out in one transaction."""
    arrives: Decimal
    """What the source says is on the way."""


class DepositReport(Message):
    """A deposit as the destination venue tells it; DONE means credited *and* free to trade and withdraw."""

    state: TransferState
    amount: Decimal
    detail: str = ""
    venue_id: str | None = None
    """The destination's own id of it; None while it lists none that is this transfer's."""
