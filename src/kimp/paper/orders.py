"""Orders of the customer, in words that fit both venues."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kimp.domain.market import Side
from kimp.paper.amounts import ZERO
from kimp.paper.instruments import PaperInstrument


class WouldTake(Exception):
    """A post-only order that would trade at once."""


class MarketHalted(Exception):
    """The market takes no orders at the moment."""


class Filtered(Exception):
    """A filter of the market does not let the order pass."""


class MarketNotPermitted(Exception):
    """The account may not trade this market."""


class Force(StrEnum):
    """How long an order may wait."""

    REST = "rest"
    """Good till cancelled."""
    NOW = "now"
    """Immediate or cancel; market orders too."""
    ALL_NOW = "all_now"
    """Fill or kill."""
    MAKE = "make"
    """Post only."""


class State(StrEnum):
    OPEN = "open"
    FILLED = "filled"
    CANCELLED = "cancelled"
    """By the customer, or a market buy whose change was returned."""
    EXPIRED = "expired"
    """By the exchange: what could not be filled at once."""


@dataclass(frozen=True, slots=True)
class Request:
    """A validated wish. Either `quantity` (coins) or `budget` (cash, buys only; Upbit's fee comes on top).

    `limit` None: at any price. `wire` is what the venue's protocol needs to tell the order again (its type, its TIF).
    """

    instrument: PaperInstrument
    side: Side
    force: Force
    client_id: str | None
    quantity: Decimal | None = None
    budget: Decimal | None = None
    limit: Decimal | None = None
    wire: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PaperFill:
    number: int
    price: Decimal
    quantity: Decimal
    funds: Decimal
    """price x quantity, exact."""
    fee: Decimal
    fee_asset: str
    maker: bool
    at_ms: int

    def facts(self) -> dict[str, Any]:
        """What the journal says of it."""
        return {
            "price": self.price,
            "quantity": self.quantity,
            "fee": self.fee,
            "fee_asset": self.fee_asset,
            "maker": self.maker,
            "number": self.number,
        }


@dataclass(slots=True, eq=False)
class Order:
    number: int
    uuid: str
    request: Request
    created_ms: int
    fee_rate: Decimal
    fee_in_bnb: bool = False
    first_lock: Decimal = ZERO
    reserved_fee: Decimal = ZERO
    """The part of the first lock that is for the fee."""
    state: State = State.OPEN
    updated_ms: int = 0
    locked: Decimal = ZERO
    executed: Decimal = ZERO
    funds: Decimal = ZERO
    fees: Decimal = ZERO
    fills: list[PaperFill] = field(default_factory=list)
    visible_ms: int = 0
    """Look-ups find it from here on,"""
    fresh_ms: int = 0
    """tell what has become of it from here on,"""
    complete_ms: int = 0
    """and its last trade from here on."""

    @property
    def remaining(self) -> Decimal | None:
        """Coins still wanted; None for a budget order, whose measure is cash."""
        quantity = self.request.quantity
        return None if quantity is None else quantity - self.executed

    @property
    def lock_asset(self) -> str:
        instrument = self.request.instrument
        return instrument.quote if self.request.side is Side.BUY else instrument.base

    def seen_at(self, now_ms: int) -> "Order":
        """As a look-up tells it, which may lag behind."""
        if now_ms < self.fresh_ms:
            return replace(
                self,
                state=State.OPEN,
                updated_ms=self.created_ms,
                locked=self.first_lock,
                executed=ZERO,
                funds=ZERO,
                fees=ZERO,
                fills=[],
            )
        return replace(self, fills=self.fills[:-1]) if now_ms < self.complete_ms else self

    def facts(self) -> dict[str, Any]:
        """What the journal says of it."""
        request = self.request
        return {
            "order": self.uuid,
            "number": self.number,
            "client_id": request.client_id,
            "symbol": request.instrument.symbol,
            "side": request.side,
            "force": request.force,
            "limit": request.limit,
            "quantity": request.quantity,
            "budget": request.budget,
            "state": self.state,
            "executed": self.executed,
            "funds": self.funds,
            "fees": self.fees,
        }


class TakenName(Exception):
    """Another program of the account has an order of that client id: it is there, this one is not placed."""

    def __init__(self, order: Order) -> None:
        super().__init__(order.request.client_id)
        self.order = order
