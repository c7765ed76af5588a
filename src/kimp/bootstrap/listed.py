"""A feeder of what the venues list: begun anew when a coin is listed, renamed or taken off."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from feeder.service import Feeder
from kimp.domain.discovery import Discovered
from kimp.domain.errors import Unavailable
from kimp.domain.money import USDT, Asset

RELIST_S = 600.0
"""Pause between two looks at what is listed."""

log = logging.getLogger(__name__)


class ListedFeeder:
    """Feeds until cancelled. A venue that does not tell its list leaves the coins as they are."""

    def __init__(
        self,
        look: Callable[[], Awaitable[Discovered]],
        first: Discovered,
        make: Callable[[Sequence[Asset]], Feeder],
    ) -> None:
        """`look`: what is listed now; `first`: what a look has found before."""
        self._look = look
        self._make = make
        self.discovered = first
        self._feeder = make((*first.coins, USDT))

    async def run(self) -> None:
        while True:
            feeding, watching = (asyncio.create_task(work) for work in (self._feeder.run(), self._until_changed()))
            try:
                await asyncio.wait((feeding, watching), return_when=asyncio.FIRST_COMPLETED)
            finally:
                feeding.cancel()
                watching.cancel()
                await asyncio.gather(feeding, watching, return_exceptions=True)
            if not feeding.cancelled():
                feeding.result()
            self._feeder = self._make((*self.discovered.coins, USDT))

    async def stale(self) -> str | None:
        """Of the feeder that runs now."""
        return await self._feeder.stale()

    async def _until_changed(self) -> None:
        while True:
            await asyncio.sleep(RELIST_S)
            try:
                now = await self._look()
            except Unavailable as problem:
                log.warning("what is listed is not known: %s", problem)
                continue
            before, self.discovered = frozenset(self.discovered.coins), now
            if came := sorted(frozenset(now.coins) - before):
                log.warning("new on both venues: %s", ", ".join(came))
            if gone := sorted(before - frozenset(now.coins)):
                text = ", ".join(f"{coin} ({now.left_out.get(coin, 'taken off')})" for coin in gone)
                log.warning("no longer followed: %s", text)
            if came or gone:
                return
