"""What a venue tells of its past to anybody."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class Candle(NamedTuple):
    """A minute of a market in the venue's cash."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    """In the coin."""


class CandleHistory(Protocol):
    venue: Venue

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        """Those that opened from `start_ms` on and before `end_ms`, oldest first; none where nothing was traded.

        Raises a venue error; NotFound where the venue has no such market.
        """
        ...
