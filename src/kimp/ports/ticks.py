"""The bus between feeder and initiator. What is on it may be lost."""

from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from typing import Protocol

from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import Asset


class TickBus(Protocol):
    async def publish(self, quotes: Sequence[Quote]) -> None:
        """Announce the quotes and keep each as the last value of its venue and coin."""
        ...

    async def publish_rules(self, rules: VenueRules) -> None: ...

    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        """Last values of both venues that have not expired."""
        ...

    async def latest_rules(self) -> list[VenueRules]:
        """At most one reading per venue; a venue whose reading expired is left out."""
        ...

    async def publish_usual_premiums(self, premiums: Mapping[Asset, Decimal]) -> None: ...

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        """Of the coins whose is known (`kimp.domain.usual_premiums`): none an hour after the last feeder has gone."""
        ...

    def batches(self) -> AsyncIterator[bytes]:
        """Raw `TICKER_UPDATES` messages, reconnecting for ever; decode with `contracts.ticks.decode_batch`."""
        ...

    async def close(self) -> None: ...
