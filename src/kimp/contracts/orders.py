"""What the workflow asks of an order activity, and what comes back."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from kimp.contracts.base import Message
from kimp.domain.caps import Caps
from kimp.domain.ledger import Entry, fill_entry
from kimp.domain.market import Fill, Side
from kimp.domain.money import ZERO, Asset, Money, exact
from kimp.domain.reasons import ReasonKind
from kimp.domain.venues import Venue


class Opening(Message):
    """What a cycle's first order asks for besides being sent: cash set aside, within the caps."""

    reserve: Money
    """The most that leg one can spend."""
    stake_krw: int
    """The same in whole won, rounded up."""
    caps: Caps
    krw_per_usdt: Decimal | None = None
    """What the stake was valued by."""
    premium: Decimal | None = None
    """What made the opportunity; compared with the venues' own prices before anything is sent."""


class OrderIntent(Message):
    """One immediate-or-cancel limit order. `client_order_id` is its identity on every retry."""

    cycle_id: str
    run_id: str
    """The cycle's first workflow run: a client id that another run used is never sent again."""
    client_order_id: str
    venue: Venue
    coin: Asset
    side: Side
    quantity: Decimal
    """In the coin, whole lots."""
    limit_price: Decimal
    """Worst price, in the venue's cash, on a tick."""
    krw_per_cash: Decimal
    """Won per unit of the venue's cash, to value the order; 1 on Upbit."""
    taker_fee: Decimal
    """What the venue is expected to take, as a ratio."""
    expires_at_ms: int
    """Not to be sent after this instant (epoch milliseconds): the prices that it rests on are old then."""
    opening: Opening | None = None
    """Only of the order that opens a cycle."""
    compensating: bool = False
    """Undoes something: the kill switch lets it pass unless nothing at all may leave."""
    asking_run_id: str | None = None
    """The run that asks, where the cycle's workflow has continued as new since `run_id`."""

    def entries(self, fills: Sequence[Fill]) -> list[Entry]:
        """What its fills do to the books."""
        return [
            fill_entry(self.client_order_id, self.cycle_id, self.venue, self.coin, self.side, fill) for fill in fills
        ]


class OrderPair(Message):
    """Two orders for the same instant: journalled together, sent side by side, or neither."""

    buy: OrderIntent
    """On one venue, for cash; carries the opening where the pair opens a cycle."""
    sell: OrderIntent
    """On the other, of coins that are set aside for it with the same journal entry."""


class OrderOutcome(StrEnum):
    FILLED = "filled"
    """Closed with at least one fill; how much is in `fills`."""
    UNFILLED = "unfilled"
    """Accepted and closed without a fill."""
    REJECTED = "rejected"
    """Refused for certain: nothing happened."""
    NOT_SENT = "not_sent"
    """kimp itself held it back: expired, stalled, no cash free, a cap, or the client id belongs to another run."""
    BLOCKED = "blocked"
    """Certainly not executed, for a cause that passes: the kill switch, a locked key, a rate limit, a halted market."""
    ABSENT = "absent"
    """Sent without an answer and proved, after the fence, never to have been accepted."""
    FOREIGN = "foreign"
    """The venue has another order of this name, which somebody else placed: nothing of it is booked, a person looks."""


class OrderReport(Message):
    """The final word on an order."""

    client_order_id: str
    outcome: OrderOutcome
    venue_order_id: str | None = None
    fills: tuple[Fill, ...] = ()
    reason: str = ""
    reason_kind: str = ReasonKind.OTHER
    """Of an order that was BLOCKED: what a cycle that waits for it is counted by."""
    retry_after_s: int | None = None
    """Of an order that was BLOCKED: the pause that the venue asked for."""
    not_permitted: bool = False
    """Of one that was REJECTED: the account may not trade this market, so that another order would be refused too."""

    @property
    def quantity(self) -> Decimal:
        """Coins traded, before the fee."""
        return exact(lambda: sum((fill.quantity for fill in self.fills), ZERO))()

    @property
    def funds(self) -> Decimal:
        """Cash traded, before the fee."""
        return exact(lambda: sum((fill.price * fill.quantity for fill in self.fills), ZERO))()

    def fee_in(self, asset: Asset) -> Decimal:
        return exact(lambda: sum((fill.fee for fill in self.fills if fill.fee_asset == asset), ZERO))()


class PairReport(Message):
    """The final word on both."""

    buy: OrderReport
    sell: OrderReport
