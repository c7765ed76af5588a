"""One transfer: a withdrawal, and the deposit it becomes on the other venue."""

import uuid
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, Protocol

from kimp.domain.venues import Venue
from kimp.paper.addresses import PaperAddress
from kimp.paper.coins import PaperNetwork


class TransferStep(StrEnum):
    ACCEPTED = "accepted"
    BROADCAST = "broadcast"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    CREDITED = "credited"
    CANCELLED = "cancelled"
    FAILED = "failed"
    REJECTED = "rejected"
    """Of a withdrawal: by the sending venue, coins given back. Of a deposit: never credited."""
    HELD = "held"
    """A deposit that waits for the travel rule."""


ENDED_EARLY = (TransferStep.CANCELLED, TransferStep.FAILED, TransferStep.REJECTED)
"""A withdrawal that never left."""


def new_txid() -> str:
    """Of a transaction that no chain has seen before."""
    return uuid.uuid4().hex + uuid.uuid4().hex


@dataclass(slots=True, eq=False)
class Deposit:
    """As the receiving venue lists it; `step` is SEEN, HELD, CONFIRMED, CREDITED or REJECTED."""

    uuid: str
    withdrawal: str
    """Uuid of the one that it comes from."""
    venue: Venue
    address: PaperAddress
    amount: Decimal
    txid: str
    created_ms: int
    step: TransferStep = TransferStep.SEEN
    done_ms: int | None = None
    final_only: bool = False
    """Binance does not credit it for trading before it is final."""
    hidden: bool = False
    """No list shows it at the moment."""

    def facts(self) -> dict[str, Any]:
        """What the journal says of it."""
        return {
            "deposit": self.uuid,
            "withdrawal": self.withdrawal,
            "coin": self.address.coin,
            "network": self.address.network,
            "amount": self.amount,
            "step": self.step,
            "txid": self.txid,
        }


@dataclass(slots=True, eq=False)
class Withdrawal:
    """`amount` arrives, `fee` does not. `client_id`: Binance's withdrawOrderId."""

    uuid: str
    venue: Venue
    network: PaperNetwork
    address: PaperAddress
    amount: Decimal
    fee: Decimal
    client_id: str | None
    created_ms: int
    step: TransferStep = TransferStep.ACCEPTED
    txid: str | None = None
    done_ms: int | None = None
    deposit: Deposit | None = None

    @property
    def coin(self) -> str:
        return self.address.coin

    def facts(self) -> dict[str, Any]:
        """What the journal says of it."""
        return {
            "withdrawal": self.uuid,
            "client_id": self.client_id,
            "coin": self.coin,
            "network": self.network.name,
            "address": self.address.address,
            "tag": self.address.tag,
            "amount": self.amount,
            "fee": self.fee,
            "step": self.step,
            "txid": self.txid,
        }


class TransferVerdict(NamedTuple):
    """On the next step of a transfer: wait and ask again, or end it here, or (neither) let it go on."""

    wait_ms: int = 0
    end: TransferStep | None = None
    txid: str | None = None
    """Before BROADCAST: of a transaction that is not its own."""
    arrives: Decimal | None = None
    """Before SEEN: what the receiver sees, if that is not all; of zero it never sees anything."""
    again_ms: int | None = None
    """Before CREDITED: after so long it is credited once more."""


class TransferHook(Protocol):
    """The seam for faults on the way of a transfer."""

    def accept(self, withdrawal: Withdrawal) -> Withdrawal | None:
        """Called before anything is set aside; may change amount and fee within what is withdrawable.

        Somebody else's, if there is one to be listed beside it.
        """
        ...

    def before(self, withdrawal: Withdrawal, step: TransferStep) -> TransferVerdict:
        """Asked before each step. A withdrawal may be ended only before BROADCAST, its deposit before CREDITED."""
        ...
