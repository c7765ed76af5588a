"""What people may ask of a running cycle."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from kimp.contracts.base import Message
from kimp.domain.ledger import Holder
from kimp.domain.money import Asset


class OperatorDecision(StrEnum):
    """What becomes of a parked cycle."""

    RETRY = "retry"
    """Try the failed step again, from where it stopped."""
    COMPENSATE = "compensate"
    """Undo what was done."""


class OperatorRequest(Message):
    """Who asks, and why: both stay in the cycle's story."""

    by: str = Field(min_length=1, max_length=64)
    note: str = Field(default="", max_length=200)


class WriteOff(OperatorRequest):
    """Take `amount` of `asset` out of the books: lost, or out of kimp's hands."""

    note: str = Field(min_length=1, max_length=200)
    account: Holder
    asset: Asset
    amount: Decimal = Field(gt=0)


class CycleState(Message):
    """The answer to the query `state`."""

    status: str
    waiting_reason: str | None
    reason: str | None
    held: tuple[str, ...]
    """What the cycle holds that is not cash at home, in words."""
