"""What the auditor judges: facts as they were read, before anybody draws a conclusion from them.

The auditor stands apart from what it audits: nothing below `chaos.auditor` imports kimp, its workflows or activities.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, TypeVar

Row = Mapping[str, Any]
"""A line of the venue's journal, or a row of a table."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Unread:
    """A source that could not be read: what rests on it is unknown, not well."""

    why: str


@dataclass(frozen=True, slots=True)
class Call:
    """An activity call in a workflow's history."""

    activity: str
    asked: Row
    """Its input."""
    done: bool
    """It completed; otherwise it failed, or nobody knows yet."""


@dataclass(frozen=True, slots=True)
class Workflow:
    workflow_id: str
    run_id: str
    status: str
    """As Temporal tells it: RUNNING, COMPLETED, TERMINATED, FAILED, ..."""
    started_ms: int
    calls: tuple[Call, ...] = ()
    kind: str = "ArbitrageCycle"
    """`StrandedCycle`: it goes on with the cycle of a run that is gone."""
    brought: tuple[Row, ...] = ()
    """Ledger entries that it was started with."""
    opening: Row = field(default_factory=dict)
    """When it was started, by its input: `detected_at_ms`, `quoted_at_ms`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where coins may be sent."""

    network: str
    address: str
    tag: str | None


@dataclass(frozen=True, slots=True)
class Caps:
    """How much the audited system was allowed to have at stake."""

    open_cycles: int
    day_krw: Decimal
    cycles_per_minute: int
    losses_in_a_row: int
    day_loss_krw: Decimal


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the audited system was told, and how long it was given to settle."""

    allowed: Mapping[tuple[str, str], Place]
    """Source venue and coin -> the only place."""
    order_cap_krw: Decimal
    """No order may be worth more."""
    krw_per_usdt: Decimal
    settled_s: float | None
    """From the last fault until everything was at rest; None: it never was."""
    settle_limit_s: float
    decided: Mapping[str, int] = field(default_factory=dict)
    """Cycle -> how often a person decided over it since."""
    terminated: Mapping[str, int] = field(default_factory=dict)
    """Cycle -> how often a person terminated its workflow."""
    read_ms: int | None = None
    """When the database was read; None: right after the last change of a cycle's row."""
    caps: Caps | None = None
    """None: nobody kept them."""
    compensation_loss_limit: Decimal | None = None
    """What an undone cycle may lose at most, as a (negative) ratio of its cash."""
    max_quote_age_ms: int | None = None
    """None: nobody said how old quotes might be."""
    price_band: Decimal | None = None
    """How far a cycle's first limit may be from the venue's own price, as a ratio."""
    price_step: Decimal = Decimal(0)
    """How far the market was moved at once, so that kimp may have looked right before."""
    fee_rates: Mapping[str, Decimal] = field(default_factory=dict)
    """Venue -> the published one, as a ratio."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything, from sources that know nothing of each other."""

    journal: Sequence[Row] | Unread
    """The venue's own."""
    tables: Mapping[str, Sequence[Row]] | Unread
    workflows: Sequence[Workflow] | Unread
    differences: Sequence[str] | Unread
    """What a replay of all histories did differently."""
    leaks: Sequence[str] | Unread
    """Where a planted secret was found."""
    circumstances: Circumstances


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that did not hold, with the facts that show it."""

    what: str
    facts: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.what}: {', '.join(f'{name} {fact}' for name, fact in self.facts.items())}"


def violation(what: str, /, **facts: object) -> Violation:
    return Violation(
        what, {name: f"{fact:f}" if isinstance(fact, Decimal) else str(fact) for name, fact in facts.items()}
    )


def number(value: object) -> Decimal:
    """An amount as any of the sources writes it."""
    return Decimal(str(value))


def optional(value: object) -> Decimal | None:
    return None if value is None else number(value)
