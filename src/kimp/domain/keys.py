"""API keys of a venue: what they may do, how long they live, and whether that is what a process needs. Pure."""

from dataclasses import dataclass
from enum import StrEnum

from kimp.domain.durations import DAY_MS

WARN_DAYS = 14
"""A key that dies sooner is told of. A new one takes a person, and some days where a company is slow."""


class Right(StrEnum):
    """What kimp needs of a key."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"

    @property
    def needs(self) -> frozenset["Right"]:
        """All that a process does with this right must be looked up as well."""
        return frozenset({Right.READ, self})


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """What a venue tells of the key that asks."""

    rights: frozenset[Right]
    others: tuple[str, ...] = ()
    """Rights by the venue's own names that kimp never needs: margin, futures, transfers inside the venue."""
    expires_ms: int | None = None
    """None: never, or the venue does not tell."""
    warnings: tuple[str, ...] = ()
    """What else a person should know, one line each."""

    def days_left(self, now_ms: int) -> int | None:
        """Whole days; negative once it is expired."""
        return None if self.expires_ms is None else (self.expires_ms - now_ms) // DAY_MS


def missing(facts: KeyFacts, needed: frozenset[Right]) -> tuple[str, ...]:
    return tuple(sorted(needed - facts.rights))


def excess(facts: KeyFacts, needed: frozenset[Right]) -> tuple[str, ...]:
    """A stolen process is worth as much as its key: what it need not do, its key must not allow."""
    return (*sorted(facts.rights - needed), *facts.others)


def expiry_warning(facts: KeyFacts, now_ms: int) -> str | None:
    """A few words for a log line; None while there is time."""
    days = facts.days_left(now_ms)
    if days is None or days > WARN_DAYS:
        return None
    return "has expired" if days < 0 else f"expires in {days} days"
