"""What kimp needs of an exchange. Every method may raise the venue errors of `kimp.domain.errors`."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple, Protocol

from kimp.contracts.cycle import MarketNow
from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import Address, TransferState, WithdrawalIntent, WithdrawalReport
from kimp.domain.keys import KeyFacts
from kimp.domain.market import Fill, Network, Quote, Side
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.public import RuleSource


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What an order asked for, as the venue tells it. None: it does not say so in this answer; look-ups always do."""

    coin: str | None = None
    """Of a market in the venue's cash; another market by its own name."""
    side: Side | None = None
    quantity: Decimal | None = None
    limit_price: Decimal | None = None
    placed_ms: int | None = None
    """By the venue's clock."""


NOT_REPORTED = OrderTerms()


@dataclass(frozen=True, slots=True)
class VenueOrder:
    """An order as the venue tells it."""

    venue_order_id: str
    closed: bool
    """Nothing more will be filled."""
    fills: tuple[Fill, ...]
    """Complete once `closed`: the venue's trades, not an average."""
    terms: OrderTerms = NOT_REPORTED


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one asset, in that asset."""

    free: Decimal
    locked: Decimal

    @property
    def total(self) -> Decimal:
        return self.free + self.locked


class Balances(dict[Asset, Balance]):
    """By coin. One that is missing is zero, unless it is `unreadable`: then nobody knows, and it equals nothing."""

    def __init__(self, known: Mapping[Asset, Balance], unreadable: Iterable[Asset] = ()) -> None:
        super().__init__(known)
        self.unreadable = frozenset(unreadable)


@dataclass(frozen=True, slots=True)
class ListedWithdrawal:
    """A withdrawal in a venue's list, with what tells whose it is."""

    report: WithdrawalReport
    asked: Decimal
    """The amount that was asked of the venue; see `sizing.size_withdrawal`."""
    network: str | None
    address: str | None
    """None: the venue's list tells none."""
    asked_ms: int | None
    """By the venue's clock; None: it does not tell."""
    named: bool
    """It carries the transfer's own id; else it is one of the coin's, of whoever uses the account."""


@dataclass(frozen=True, slots=True)
class VenueDeposit:
    """A deposit as the venue lists it; DONE means credited *and* free to trade and withdraw."""

    venue_id: str
    state: TransferState
    amount: Decimal
    detail: str = ""
    """The venue's own word for the state."""


class MarketData(RuleSource, Protocol):
    """Public and read-only calls; its rules are the account's, with its fees and with wallet states."""

    async def market(self, coin: Asset) -> MarketNow:
        """The book's top and the market's rules at this moment, in as few steps as the venue allows: a sale waits.

        Raises Postponed while it is not open, as in a halt or maintenance: the cycle waits, and a person may abort it.
        """
        ...

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        """Best prices at this moment, all at once: an order waits. A coin without a book is missing."""
        ...

    async def balances(self) -> Balances: ...

    async def close(self) -> None: ...


class Trading(MarketData, Protocol):
    """Calls that need the right to trade."""

    async def find_order(self, coin: Asset, client_order_id: str) -> VenueOrder | None:
        """The order of that client id, or None if the venue does not know it *now* (which proves little at first)."""
        ...

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        """Send once, before `send_by_ms` (of this process' steady clock) or not at all.

        Raises Rejected only for a definite refusal, its leaf NotSent if it would have left later, and OutcomeUnknown
        whenever it may have been accepted.
        """
        ...


class Transfers(MarketData, Protocol):
    """Calls that need the right to withdraw, and those that watch what was withdrawn."""

    async def network(self, coin: Asset) -> Network: ...

    async def deposit_address(self, coin: Asset) -> Address:
        """The venue's own deposit address of the coin, on the configured network."""
        ...

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        """Where a person has told the venue, on its own web page, that the coin may be sent on the configured network.

        Not kimp's allow-list: this one cannot be changed with a key, nor with kimp's configuration.
        """
        ...

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        """Send once, in time; see `Trading.place_order` for the errors."""
        ...

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        """Withdrawals of the coin that may be `transfer_id`: those of that name on Binance, all later ones on Upbit.

        `since_ms` is compared with the venue's clock: leave a margin.
        """
        ...

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport: ...

    async def deposits(self, coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        """All that the venue lists under that txid: one for each withdrawal that the transaction paid out."""
        ...


class StreamUpdate(NamedTuple):
    """What one read of a venue's stream brought. Without quotes it is a sign of life: nothing has changed until now."""

    quotes: list[Quote]
    unbroken: int
    """Changes where a frame may have been lost, or could not be read: quotes of before may be outdated unnoticed."""


class TickStream(Protocol):
    """A venue's public stream of books: reconnects by itself, and reads at least every few seconds or connects anew."""

    @property
    def venue(self) -> Venue: ...

    def updates(self, coins: Sequence[Asset]) -> AsyncIterator[StreamUpdate]: ...


class OwnKey(Protocol):
    """What the venue tells of the key that this process signs with."""

    async def key_facts(self) -> KeyFacts:
        """Raises KeyRefused for a key that the venue does not take, Unavailable while it cannot be told."""
        ...


class Exchange(Trading, Transfers, OwnKey, Protocol):
    """Everything, for the adapters that implement it; each activity class asks for the part it needs."""
