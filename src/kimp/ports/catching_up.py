"""What a restored database lacks: what Temporal's histories still tell, and where it is written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from kimp.contracts.orders import OrderIntent, OrderPair
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.ledger import Entry


@dataclass(frozen=True, slots=True)
class PastActivity:
    """An activity as a history has it; `answer` and `failure` are both None while it runs."""

    name: str
    asked_ms: int
    """When the workflow asked for it, epoch milliseconds."""
    question: bytes
    answer: bytes | None = None
    failure: str | None = None
    """Type of the error that ended it, e.g. `Rejected`."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run of a cycle's workflow, as its history has it."""

    workflow_type: str
    question: bytes
    """The workflow's input."""
    activities: Sequence[PastActivity]
    """In the order that the workflow asked for them."""


class PastRuns(Protocol):
    def since(self, time: datetime) -> AsyncIterator[PastRun]:
        """All runs of cycles that are open, or ended since then; the earlier run of a cycle before the later one.

        Raises a KimpError if they can't be read.
        """
        ...

    async def polling(self) -> Sequence[str]:
        """Who asks for work at this moment: what they do meanwhile would be read half done."""
        ...


class CatchingUp(Protocol):
    """Every method leaves rows that are there as they are, so all may be repeated."""

    async def restore_point_ms(self) -> int:
        """When the database was last written before it was restored; 0 if it never was."""
        ...

    async def done(self) -> None:
        """All is read: the next catch-up is that of another restore."""
        ...

    async def order(self, intent: OrderIntent, asked_ms: int | None) -> bool:
        """Journal an order that may have been sent; True if it was missing. `asked_ms`: None if only a moment ago."""
        ...

    async def pair(self, pair: OrderPair, asked_ms: int | None) -> int:
        """The same for both orders of a pair: how many of them were missing."""
        ...

    async def withdrawal(self, intent: WithdrawalIntent, asked_ms: int, *, answered: bool) -> None: ...

    async def surfaced(self, cycle_id: str, entries: Sequence[Entry], *, reopened: bool) -> None:
        """What a run that took the cycle over was told; `reopened`: the cycle had ended before."""
        ...
