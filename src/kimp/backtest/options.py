"""What a backtest is asked."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal

from kimp.domain.caps import Caps
from kimp.domain.decision import Rules
from kimp.domain.modelled_book import BookShape
from kimp.domain.money import Asset
from kimp.domain.opportunity import Limits
from kimp.domain.venues import PAIR, Pair, Venue


@dataclass(frozen=True, slots=True)
class Home:
    """When a way home is taken, as `kimp.config.trading` says it."""

    floor: Decimal
    loss_limit: Decimal
    deadline_ms: int
    poll_ms: int


@dataclass(frozen=True, slots=True)
class Model:
    """What recorded prices do not tell, and is assumed. Ratios unless named otherwise."""

    shape: BookShape = field(default_factory=BookShape)
    """Of the books around last prices."""
    depth_share: Decimal = Decimal("0.1")
    """Of what a coin turns over in a minute, in each level of its book."""
    level_krw: Decimal = Decimal(700_000)
    """Worth of a level where no turnover is known."""
    latency_ms: int = 300
    """From a decision to the order at the venue."""
    fees: dict[Venue, Decimal] = field(
        default_factory=lambda: {PAIR.won: Decimal("0.0005"), PAIR.dollars: Decimal("0.001")}
    )
    """Takers', published by both venues."""
    stand_in: bool = False
    """The median over coins of won price / dollar price stands in for KRW-USDT where that is not recorded."""


@dataclass(frozen=True, slots=True)
class Closure:
    """A wallet that was closed, either way. Times in epoch milliseconds."""

    venue: Venue
    coin: Asset
    from_ms: int
    until_ms: int


def with_room(caps: Caps, notional_krw: Decimal) -> Caps:
    """Caps of an order and a cycle that let one of this size through."""
    return replace(caps, order_krw=max(caps.order_krw, notional_krw), cycle_krw=max(caps.cycle_krw, notional_krw))


@dataclass(frozen=True, slots=True)
class Options:
    """All that the result depends on, beside the data."""

    rules: Rules
    home: Home
    cash_krw: Decimal
    """On each venue at the start, in won."""
    coins: tuple[Asset, ...] | None = None
    """None: all that both venues have."""
    first: date | None = None
    last: date | None = None
    seed: int = 1
    model: Model = field(default_factory=Model)
    closures: Sequence[Closure] = ()
    pair: Pair = PAIR

    @property
    def limits(self) -> Limits:
        return self.rules.limits
