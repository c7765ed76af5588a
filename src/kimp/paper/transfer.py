"""One transfer: a withdrawal, and the deposit it becomes on the other venue."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from kimp.domain.market import Venue
from kimp.paper.addresses import Address
from kimp.paper.coins import Network


class Step(StrEnum):
    ACCEPTED = "accepted"
    BROADCAST = "broadcast"
    SEEN = "seen"
    CONFIRMED = "confirmed"
    CREDITED = "credited"
    CANCELLED = "cancelled"


@dataclass(slots=True, eq=False)
class Deposit:
    """As the receiving venue lists it; `step` is SEEN, CONFIRMED or CREDITED."""

    uuid: str
    venue: Venue
    address: Address
    amount: Decimal
    txid: str
    created_ms: int
    step: Step = Step.SEEN
    done_ms: int | None = None


@dataclass(slots=True, eq=False)
class Withdrawal:
    """`amount` arrives, `fee` does not. `client_id`: Binance's withdrawOrderId."""

    uuid: str
    venue: Venue
    network: Network
    address: Address
    amount: Decimal
    fee: Decimal
    client_id: str | None
    created_ms: int
    step: Step = Step.ACCEPTED
    txid: str | None = None
    done_ms: int | None = None
    deposit: Deposit | None = None

    @property
    def coin(self) -> str:
        return self.address.coin


class TransferHook(Protocol):
    """The seam for faults on the way of a transfer."""

    def extra_delay_ms(self, withdrawal: Withdrawal, step: Step) -> int:
        """Asked before each step is taken; above 0 the step waits so long, then the question comes again."""
        ...
