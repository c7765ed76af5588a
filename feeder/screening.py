"""Which quotes are believed. Pure: one `QuoteFilter` remembers what it accepted last, and nothing else."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kimp.contracts.ranges import usable
from kimp.domain.market import Quote
from kimp.domain.money import CONTEXT, ZERO, Asset
from kimp.domain.venues import Venue

JUMP = Decimal("0.3")
"""A price this far from the last one, as a ratio, is taken for a data error ..."""
BELIEVED_AFTER = 3
"""... until so many quotes in a row say the same: then the market has really moved."""
SMALLEST, GREATEST = Decimal("1e-12"), Decimal("1e15")
"""Bounds of any price or size that is worth a calculation; beyond them decimals become slow or overflow."""


class RejectReason(StrEnum):
    """Why a quote is not believed; each is counted under its name."""

    NOT_FINITE = "not_finite"
    NOT_POSITIVE = "not_positive"
    ABSURD = "absurd"
    CROSSED = "crossed"
    JUMP = "jump"


@dataclass(slots=True)
class _Believed:
    bid_low: Decimal
    bid_high: Decimal
    ask_low: Decimal
    ask_high: Decimal
    doubted: int = 0

    @classmethod
    def around(cls, quote: Quote) -> "_Believed":
        low, high = 1 - JUMP, 1 + JUMP
        multiply = CONTEXT.multiply
        return cls(
            multiply(quote.bid, low), multiply(quote.bid, high), multiply(quote.ask, low), multiply(quote.ask, high)
        )

    def holds(self, quote: Quote) -> bool:
        return self.bid_low <= quote.bid <= self.bid_high and self.ask_low <= quote.ask <= self.ask_high


class QuoteFilter:
    """Screens the quotes of any number of books, each against its own past."""

    def __init__(self) -> None:
        self._books: dict[tuple[Venue, Asset], _Believed] = {}

    def reject(self, quote: Quote) -> RejectReason | None:
        """Why the quote is not believed, or None; then it is what the next one is measured by."""
        if (reason := _unreal(quote)) is not None:
            return reason
        key = (quote.venue, quote.coin)
        believed = self._books.get(key)
        if believed is not None and not believed.holds(quote):
            believed.doubted += 1
            if believed.doubted < BELIEVED_AFTER:
                return RejectReason.JUMP
        self._books[key] = _Believed.around(quote)
        return None


def _unreal(quote: Quote) -> RejectReason | None:
    bid, bid_size, ask, ask_size = quote.bid, quote.bid_size, quote.ask, quote.ask_size
    # NaN compares as an error, so it is asked for first.
    if not (bid.is_finite() and ask.is_finite() and bid_size.is_finite() and ask_size.is_finite()):
        return RejectReason.NOT_FINITE
    if bid <= ZERO or ask <= ZERO or bid_size < ZERO or ask_size < ZERO:
        return RejectReason.NOT_POSITIVE
    if bid < SMALLEST or ask > GREATEST or bid_size > GREATEST or ask_size > GREATEST:
        return RejectReason.ABSURD
    if not all(map(usable, (bid, bid_size, ask, ask_size))):  # next to nothing, or of a hundred digits
        return RejectReason.ABSURD
    return RejectReason.CROSSED if bid >= ask else None
