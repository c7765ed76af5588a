"""Double entries of what the venues did."""

from collections.abc import Sequence
from typing import Protocol

from kimp.domain.ledger import Entry, Held
from kimp.domain.venues import Venue


class Ledger(Protocol):
    async def book(self, entries: Sequence[Entry]) -> None:
        """Book each entry once; one already there is left as it is."""
        ...

    async def opened(self) -> frozenset[Venue]:
        """Venues whose account was looked at, and booked as it was then."""
        ...

    async def balances(self) -> Held:
        """Exact sums per account and asset, zero ones left out."""
        ...

    async def entries(self, cycle_id: str) -> list[Entry]:
        """What the cycle booked, in the order it was booked."""
        ...
