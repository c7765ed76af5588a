"""The tick bus within one process: what a feeder publishes is read beside it, and lost with the process."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal

from kimp.contracts.ticks import encode_batch
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class LocalTickBus:
    """Implements the port `TickBus`. Values do not expire here: whoever reads them looks at their age."""

    def __init__(self) -> None:
        self._quotes: dict[tuple[Venue, Asset], Quote] = {}
        self._rules: dict[Venue, VenueRules] = {}
        self._premiums: Mapping[Asset, Decimal] = {}
        self._listeners: list[asyncio.Queue[bytes]] = []

    async def publish(self, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            self._quotes[quote.venue, quote.coin] = quote
        if self._listeners and quotes:
            batch = encode_batch(quotes)
            for listener in self._listeners:
                listener.put_nowait(batch)
        await asyncio.sleep(0)  # a burst of quotes must not keep out whoever reads them

    async def publish_rules(self, rules: VenueRules) -> None:
        self._rules[rules.venue] = rules

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        wanted = frozenset(coins)
        return [quote for (_, coin), quote in self._quotes.items() if coin in wanted]

    async def latest_rules(self) -> list[VenueRules]:
        return list(self._rules.values())

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None:
        self._premiums = premiums

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        return self._premiums

    async def batches(self) -> AsyncIterator[bytes]:
        listener: asyncio.Queue[bytes] = asyncio.Queue()
        self._listeners.append(listener)
        try:
            while True:
                yield await listener.get()
        finally:
            self._listeners.remove(listener)

    async def close(self) -> None:
        """Nothing is open."""
