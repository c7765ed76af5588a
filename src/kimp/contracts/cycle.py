"""The cycle itself: what starts it, what it asks of the market, what it reports."""

from decimal import Decimal

from kimp.contracts.base import Message
from kimp.contracts.orders import OrderIntent
from kimp.contracts.progress import Progress
from kimp.contracts.status import CycleStatus
from kimp.contracts.transfers import WithdrawalIntent
from kimp.domain.caps import Caps
from kimp.domain.ids import UsedNumber
from kimp.domain.ledger import Entry
from kimp.domain.legs import LegEstimate
from kimp.domain.market import Instrument, Quote
from kimp.domain.money import Asset, Money
from kimp.domain.opportunity import PairedSale
from kimp.domain.venues import Direction, Venue

ARBITRAGE_CYCLE = "ArbitrageCycle"
"""The workflow's type name; its class carries the same."""


STRANDED_CYCLE = "StrandedCycle"
"""Type of the workflow that takes over a cycle whose own is gone."""

ALL_CYCLES = f"WorkflowType IN ('{ARBITRAGE_CYCLE}', '{STRANDED_CYCLE}')"
"""Temporal's list filter for both."""


class CyclePolicy(Message):
    """The settings a cycle lives by, fixed when it starts."""

    slippage: Decimal
    """How much worse than the quote an order may fill, as a ratio."""
    route_coins: tuple[Asset, ...]
    rebalance_floor: Decimal
    """Least result of the whole cycle, as a ratio of the cash spent, at which a route home is taken at once."""
    rebalance_loss_limit: Decimal
    """Result that a way home must keep after the deadline, e.g. -0.01; before it the floor holds."""
    compensation_loss_limit: Decimal
    """To where the loss bound is raised, step by step over the deadline, when a cycle is undone."""
    rebalance_deadline_s: int
    rebalance_poll_s: int
    max_quote_age_ms: int
    deposit_unseen_s: int = 10_800
    """How long a deposit that the receiving venue has never listed is waited for before a person is told."""
    caps: Caps
    discreet: bool = False
    """Search attributes, which are never encrypted, tell no amount and no reason: set where histories are encrypted."""
    settings_version: int | None = None
    """Of the trading settings, which people change at run time; None: the configuration alone."""


class CycleTerms(Message):
    """What every step of a cycle needs to know of it."""

    cycle_id: str
    coin: Asset
    direction: Direction
    expected_edge: Decimal
    premium: Decimal
    krw_per_usdt: Decimal
    detected_at_ms: int
    policy: CyclePolicy
    installation: str = ""
    """Ends the names of orders and withdrawals, which another database's cycles on the same account must not share.
    Empty: the cycle began before there was such a thing."""
    progress: Progress | None = None
    """Only of a run that goes on where an earlier one, whose history had become long, has stopped."""


class CycleInput(CycleTerms):
    """An opportunity, sized and bounded: enough to send leg one's first order with no further look-up."""

    buy_instrument: Instrument
    buy_quantity: Decimal
    buy_limit_price: Decimal
    expected: LegEstimate
    """Leg one at the quotes that made the opportunity."""
    expected_route: Asset
    reserve: Money
    """Set aside before the first order: the most that leg one can spend."""
    stake_krw: int
    """The same in whole won, rounded up."""
    expires_at_ms: int
    """Leg one is not sent after this instant; nothing is traded then."""
    quoted_at_ms: int | None = None
    """When the oldest of the quotes that decided was received, by the feeder's clock; None: started by a kimp that did
    not say so yet."""
    sale: PairedSale | None = None
    """Sold at the same instant, from coins that are there; None: leg one's coins are moved first, sold on arrival."""


class TakeOver(Message):
    """Whose cycle a workflow run goes on with."""

    run_id: str
    sequence: int
    """Of the last record of that run."""
    adopted: tuple[str, ...]
    """Client ids of orders that surfaced after their fence and that this run takes care of."""


class StrandedInput(CycleTerms):
    """A cycle without a workflow: what journal and books know of it."""

    why: str
    """How it came to have none."""
    parked: bool
    """A person decides; else it is undone at once."""
    takes_over: TakeOver
    entries: tuple[Entry, ...] = ()
    orders: tuple[OrderIntent, ...] = ()
    withdrawals: tuple[WithdrawalIntent, ...] = ()
    numbers: tuple[UsedNumber, ...] = ()
    """These four only of takeovers that an earlier kimp began; since then the run reads the journal itself."""


class JournalQuery(Message):
    """What do books and journal know of a cycle that this run has taken over?"""

    cycle_id: str
    run_id: str
    skip: int
    """Ledger entries that are read already."""


class Journalled(Message):
    """What a run that takes a cycle over finds; the last three only with the first of the entries."""

    entries: tuple[Entry, ...]
    more: bool
    """There are entries after these."""
    orders: tuple[OrderIntent, ...] = ()
    """Journalled, and their fills not booked: to be looked up, never to be sent."""
    withdrawals: tuple[WithdrawalIntent, ...] = ()
    """Journalled, and their arrival not booked."""
    numbers: tuple[UsedNumber, ...] = ()


class RouteQuery(Message):
    """Which way home keeps at least `least`?"""

    cycle_id: str
    direction: Direction
    """The way home."""
    cash: Money
    least: Money
    """Proceeds, in home's cash, below which a route is not wanted."""
    coins: tuple[Asset, ...]
    max_quote_age_ms: int
    look_every_s: int
    look_for_s: int
    """How long to go on looking; 0 asks once."""


class RouteReport(Message):
    """The best way home that is good enough, if there is one, and what all is worth."""

    route: LegEstimate | None
    krw_per_usdt: Decimal | None
    """Mid price of Upbit's own KRW-USDT market, for valuation only; None without a fresh quote."""


class QuoteQuery(Message):
    """The top of one book and its rules, from the venue itself."""

    cycle_id: str
    venue: Venue
    coin: Asset


class WaysBackQuery(Message):
    """Coins on the direction's source: send them back, or sell them and bring the cash home?"""

    cycle_id: str
    direction: Direction
    """The way home."""
    coin: Asset
    amount: Decimal
    coins: tuple[Asset, ...]
    max_quote_age_ms: int


class MarketNow(Message):
    """A book's top and the rules for trading on it."""

    quote: Quote
    instrument: Instrument


class CycleRecord(Message):
    """The read model's row of a cycle, and ledger entries that belong to the same moment."""

    cycle_id: str
    workflow_run_id: str
    coin: Asset
    direction: Direction
    status: CycleStatus
    sequence: int
    """Rises with every record of a cycle: an older one never overwrites a newer one."""
    waiting_reason: str | None = None
    waiting_since_ms: int | None = None
    next_check_ms: int | None = None
    """When a waiting cycle looks again by itself; None if it waits for a person."""
    reason: str | None = None
    reason_kind: str | None = None
    """What it waits, is parked or ended for, as a value to count by: one of `ReasonKind`, or the venue's own code."""
    refused_coin: Asset | None = None
    """Of an ended cycle: whose order a market refused, and so ended the earning. The way home has a coin of its own."""
    spent: Money | None = None
    returned: Money | None = None
    route: Asset | None = None
    profit_krw: Decimal | None = None
    expected_edge: Decimal
    premium: Decimal
    settings_version: int | None = None
    detected_at_ms: int
    at_ms: int
    """When this became so, workflow time in epoch milliseconds."""
    entries: tuple[Entry, ...] = ()
    takes_over: TakeOver | None = None
    """Only in the first record of a run that goes on with another one's cycle."""


class CycleResult(Message):
    """How a cycle ended."""

    cycle_id: str
    status: CycleStatus
    reason: str | None = None
    spent: Money | None = None
    returned: Money | None = None
    profit_krw: Decimal | None = None
