"""Quotes that wait for publication: the newest of each book wins, so a slow Redis never makes a queue."""

import asyncio
from collections.abc import Sequence

from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class Pending:
    """At most one quote per book. One taker."""

    def __init__(self) -> None:
        self._quotes: dict[tuple[Venue, Asset], Quote] = {}
        self._some = asyncio.Event()

    def put(self, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            self._quotes[quote.venue, quote.coin] = quote
        if self._quotes:
            self._some.set()

    def put_back(self, quotes: Sequence[Quote]) -> None:
        """After a publication that failed: what has not been superseded meanwhile."""
        for quote in quotes:
            self._quotes.setdefault((quote.venue, quote.coin), quote)
        if self._quotes:
            self._some.set()

    async def take(self) -> list[Quote]:
        """All that wait, as soon as there is one."""
        await self._some.wait()
        self._some.clear()
        quotes, self._quotes = list(self._quotes.values()), {}
        return quotes
