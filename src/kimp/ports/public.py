"""What a venue tells to anybody, without a key."""

from collections.abc import Sequence
from typing import Protocol

from kimp.domain.discovery import Listing
from kimp.domain.market import VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class RuleSource(Protocol):
    """Whoever can say by which rules a venue trades and moves coins."""

    @property
    def venue(self) -> Venue: ...

    async def rules(self, coins: Sequence[Asset]) -> VenueRules:
        """Instruments (without the venue's own cash) and networks of the coins."""
        ...


class PublicMarket(RuleSource, Protocol):
    """A venue where nobody signs. What only an account is told is assumed (`kimp.domain.assumed`)."""

    async def listing(self) -> Listing: ...
