"""What a cycle's workflow takes along when it continues as new: all that it knows, and how far each step has come."""

from decimal import Decimal

from kimp.contracts.base import Message
from kimp.contracts.operators import OperatorDecision
from kimp.contracts.orders import OrderIntent, OrderPair
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import WithdrawalIntent, WithdrawalReport
from kimp.domain.ids import Leg, UsedNumber
from kimp.domain.ledger import Posting
from kimp.domain.money import Asset, Money
from kimp.domain.venues import Direction, Venue


class TradedSoFar(Message):
    """An execution of a leg. What is undone needs none: it follows from what is held."""

    step: str
    """Leg and step, e.g. `1S`."""
    coins: Decimal
    cash: Decimal
    part: int | None
    attempt: int
    fruitless: int
    """Orders in a row that brought nothing."""
    done: bool
    traded_at: Decimal | None = None
    """Of one side of a pair: cash of a coin when it was first traded."""


class MovedSoFar(Message):
    """A transfer, of a leg or of the undoing."""

    leg: Leg
    coin: Asset
    direction: Direction
    available: Decimal
    intent: WithdrawalIntent | None
    """Asked for, or about to be."""
    sent: WithdrawalReport | None
    credited: Decimal | None
    refusals: int
    looked_at: bool = False
    """A person was told of a withdrawal that nobody can find."""
    followed_since_ms: int | None


class Parked(Message):
    """What a person has to decide, or has just decided."""

    reason: str
    before: CycleStatus
    """To resume with."""
    undoing_because: str | None
    decision: OperatorDecision | None = None


class Price(Message):
    """The last one that was seen, to value what is left over."""

    venue: Venue
    coin: Asset
    price: Decimal


class FeesElsewhere(Message):
    """Fees in an asset that no trade of the cycle was for: the most in won that they can have come to."""

    asset: Asset
    most_krw: Decimal


class MarketRef(Message):
    """Of one coin on one venue."""

    venue: Venue
    coin: Asset


class TrackedSoFar(Message):
    """The cycle's state as records and lists show it, and what keeps its names and entries from being used twice."""

    status: CycleStatus
    sequence: int
    waiting_reason: str | None
    waiting_since_ms: int | None
    next_check_ms: int | None
    pause_s: int | None
    """Before that check."""
    reason_kind: str | None = None
    reason: str | None
    spent: Money | None
    returned: Money | None
    route: Asset | None
    krw_per_usdt: Decimal
    prices: tuple[Price, ...]
    fees_elsewhere: tuple[FeesElsewhere, ...] = ()
    held: tuple[Posting, ...]
    booked: tuple[str, ...]
    """Ids of entries that a look at the same order or transfer may bring once more."""
    absent: tuple[OrderIntent, ...]
    refused: tuple[MarketRef, ...] = ()
    """Which the account may not trade on, until a person says that it may."""
    rejected_coin: Asset | None = None
    """Of the last order that a market refused on a way that earns."""
    unanswered: OrderIntent | None
    """An order that may have been sent, and nobody has said yet what became of it."""
    unanswered_pair: OrderPair | None = None
    """The same of both orders of a pair."""
    numbers: tuple[UsedNumber, ...]
    written_off: int
    lines: tuple[str, ...]
    """The last ones of what the Web UI shows beside the cycle."""


class Progress(Message):
    """Where the next run of the workflow goes on."""

    told: TrackedSoFar
    stop: str | None
    """A person wants the cycle undone, and it has not begun to be."""
    stop_heard: bool
    undoing: str | None
    """Why, once it is being undone."""
    undoing_kind: str | None = None
    parked: Parked | None
    traded: tuple[TradedSoFar, ...]
    moved: tuple[MovedSoFar, ...]
    home_since_ms: int | None
    """When the cash of leg one was first to go home."""
    dust: tuple[Posting, ...]
    """Left where it is by the undoing."""
    abroad_since_ms: int | None
    """When the cash that the undoing has abroad was first to go home."""
