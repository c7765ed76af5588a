"""Why a cycle waits, is parked or came to nothing: in words for people, and as a value to count by; there are few."""

from dataclasses import dataclass
from enum import StrEnum


class ReasonKind(StrEnum):
    """kimp's own kinds. Where a venue has a code for it, that code is the kind."""

    ADDRESS = "address"
    DATABASE = "database"
    DEPOSIT = "deposit"
    EXPIRED = "expired"
    KILL_SWITCH = "kill_switch"
    LEG_OPEN = "leg_open"
    LIMITER = "limiter"
    MARKET_REFUSED = "market_refused"
    """A market refused the order that the cycle was to earn by: the coin of that order rests."""
    NO_PRICE = "no_price"
    NO_ROUTE = "no_route"
    REDIS = "redis"
    TIMEOUT = "timeout"
    WALLET_CLOSED = "wallet_closed"
    WITHDRAWAL = "withdrawal"
    WITHDRAWAL_UNKNOWN = "withdrawal_unknown"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reason:
    """The text may name amounts and ids; nothing is ever read back from it."""

    text: str
    kind: str = ReasonKind.OTHER

    def at(self, step: str) -> "Reason":
        """The same, and where it happened."""
        return Reason(f"{step}; {self.text}", self.kind)

    def __str__(self) -> str:
        return self.text
