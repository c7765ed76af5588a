"""What was sent, who may send, and cycles that lost their workflow."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from kimp.contracts.cycle import Journalled, JournalQuery, TakeOver
from kimp.contracts.orders import OrderIntent, OrderPair, OrderReport
from kimp.contracts.transfers import DepositQuery, WithdrawalIntent
from kimp.domain.admission import HaltLevel
from kimp.domain.gates import Blocked
from kimp.domain.ledger import Entry
from kimp.domain.money import Asset
from kimp.domain.venues import Direction


@dataclass(frozen=True, slots=True)
class SendPermit:
    """The journal's answer to "may I send this?", given in one transaction.

    `first` is true exactly once per id: only then may the call be sent with no look-up before. `run_id` names the
    workflow run that first asked; `halt` is the kill switch as of the same transaction. `first_asked_ms` is when the
    id was first journalled, which is never later than when it was sent, and `now_ms` when this answer was given: both
    by the database's clock, which no worker's is to be compared with.
    """

    first: bool
    first_asked_ms: int
    now_ms: int
    run_id: str
    halt: HaltLevel
    refused: Blocked | None = None
    """No cycle may be opened: nothing was journalled, and nothing may be sent."""
    closed: str | None = None
    """Why a withdrawal of this id certainly left nothing."""


@dataclass(frozen=True, slots=True)
class DepositClaim:
    """A transfer that waits for a deposit, or has it."""

    transfer_id: str
    arrives: Decimal
    deposit_id: str | None
    """The venue's id of the deposit that was bound to it, if any."""
    over: bool
    """Its cycle has ended: it waits no longer."""


@dataclass(frozen=True, slots=True)
class WithdrawalClaim:
    """Which of the venue's withdrawals is the transfer's."""

    venue_id: str
    likely: bool
    """It only looks like it: the venue gave no answer, and knows no client id of withdrawals."""


class DepositClaims(Protocol):
    """Whose deposit it is: a venue may pay several withdrawals out in one transaction, so a txid does not tell."""

    async def expect_deposit(self, query: DepositQuery) -> None:
        """Write down which txid and amount the transfer waits for; repeating it changes nothing."""
        ...

    async def deposit_claims(self, query: DepositQuery) -> Sequence[DepositClaim]:
        """All transfers of that txid to that venue, the one that asks included."""
        ...

    async def others_on_their_way(self, query: DepositQuery) -> bool:
        """Whether another unfinished cycle has withdrawn the coin the same way and its txid is not known yet."""
        ...

    async def claim_deposit(self, transfer_id: str, deposit_id: str) -> bool:
        """Bind the venue's id of a deposit to a transfer that expects one; true again when repeated.

        False if the id belongs to another transfer, or if the transfer has another id.
        """
        ...


class Journal(DepositClaims, Protocol):
    """Durable intents: a row is written before anything is sent, so a lost answer can always be looked up."""

    async def ask_order(self, intent: OrderIntent) -> SendPermit:
        """Raises Superseded, with nothing journalled, if another workflow run has taken the cycle over."""
        ...

    async def ask_pair(self, pair: OrderPair) -> tuple[SendPermit, SendPermit]:
        """Both in one transaction, with what is set aside for them, or neither. Both are `first`, or none is.

        Raises Superseded like `ask_order`."""
        ...

    async def close_order(self, intent: OrderIntent, report: OrderReport) -> None: ...

    async def knows(self, intent: OrderIntent | WithdrawalIntent) -> bool:
        """Whether it was asked for under this id, on this venue, with this coin."""
        ...

    async def ask_withdrawal(self, intent: WithdrawalIntent) -> SendPermit | None:
        """None while another withdrawal of the same coin from the same venue has no answer yet.

        Raises Superseded like `ask_order`.
        """
        ...

    async def refuse_withdrawal(self, transfer_id: str, reason: str) -> None:
        """Nothing left the venue under this id, for certain or by a person's word: the coin's next one may be asked.

        A withdrawal that the venue gave an id for stays as it is; one that only looked like it is let go.
        """
        ...

    async def fail_withdrawal(self, transfer_id: str, reason: str) -> None:
        """The venue took it under an id of its own, and did not send it: no book will ever have an entry of it."""
        ...

    async def claim_withdrawal(self, transfer_id: str, venue: str, venue_id: str, *, likely: bool) -> bool:
        """Bind the venue's id to the transfer: for certain, or because it looks like it, which the former replaces.

        False if the id is bound to another transfer already, or this one has another id.
        """
        ...

    async def claimed_withdrawal(self, transfer_id: str) -> WithdrawalClaim | None:
        """The venue's id that was bound to the transfer, if any."""
        ...

    async def claimed_by_others(self, transfer_id: str, venue: str, venue_ids: Sequence[str]) -> AbstractSet[str]:
        """Those of the venue's ids that are bound to other transfers."""
        ...


@dataclass(frozen=True, slots=True)
class UnfinishedCycle:
    """An unfinished cycle, as far as books and journal know it."""

    cycle_id: str
    coin: Asset
    direction: Direction
    premium: Decimal
    expected_edge: Decimal
    detected_at_ms: int
    ended: bool
    """The cycle had ended when an order of it surfaced."""
    installation: str
    """That made its names."""
    takes_over: TakeOver


class UnfinishedCycles(Protocol):
    """Cycles that somebody has to look after because their workflow may not."""

    async def unfinished(self) -> Sequence[str]:
        """Ids of the cycles that have not ended, or whose reservation is not released."""
        ...

    async def unfinished_cycle(self, cycle_id: str) -> UnfinishedCycle | None:
        """None if the cycle has been finished meanwhile."""
        ...

    async def journalled(self, query: JournalQuery) -> Journalled:
        """What the run that has the cycle now finds. Raises Superseded if it is another one's."""
        ...

    async def unbooked_orders(self, within_ms: int, sure_within_ms: int) -> Sequence[OrderIntent]:
        """Orders without an entry in the books that nobody is about to book, whatever their outcome says; newest first.

        `within_ms`: of orders asked, or cycles ended, that long ago; `sure_within_ms`: of orders with a definite no.
        """
        ...

    async def reopen_for_withdrawals(self, within_ms: int) -> Sequence[str]:
        """Transfer ids without an entry in the books whose cycles ended that long ago: unfinished again from now on."""
        ...

    async def adopt(self, intent: OrderIntent, report: OrderReport, entries: Sequence[Entry]) -> None:
        """An order surfaced after all: book its fills, and keep its cycle unfinished until they are undone."""
        ...
