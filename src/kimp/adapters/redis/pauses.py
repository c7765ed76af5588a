"""What a venue told one process of a pause, for the others: they leave by the same address, and a ban grows with each
request that goes into it.

Ends of pauses by Redis' own clock, in one sorted set. Whoever can't read it goes by what it was told itself.
"""

import asyncio
import logging
from collections.abc import Mapping

from kimp.adapters.redis.bus import RedisTickBus
from kimp.adapters.venue.back_off import SAME_S, WORTH_A_LINE_S, BackOff
from kimp.domain.errors import BusUnavailable
from kimp.domain.venues import Venue

EVERY_S = 1.0

log = logging.getLogger(__name__)


class SharedPauses:
    """Of one process."""

    def __init__(self, bus: RedisTickBus, places: Mapping[Venue, tuple[str, BackOff]]) -> None:
        """`places`: under which name each venue's address is known to all, and what this process knows of it."""
        self._bus = bus
        self._places = places
        self._lost = False

    async def run(self) -> None:
        """After a first exchange, which its caller waits for."""
        while True:
            await asyncio.sleep(EVERY_S)
            await self.exchange()

    async def exchange(self) -> None:
        """Tell what only this process knows, and hear what only others do."""
        try:
            for venue, (place, back_off) in self._places.items():
                theirs, mine = await self._bus.pause_left_s(place), back_off.left_s
                if mine >= WORTH_A_LINE_S and mine > theirs + SAME_S:
                    await self._bus.publish_pause(place, mine)
                elif theirs >= WORTH_A_LINE_S:
                    back_off.begin_elsewhere(venue, theirs)
        except BusUnavailable as gone:
            if not self._lost:
                log.warning("no process hears which pauses venues asked of others, each learns it by itself: %s", gone)
            self._lost = True
        else:
            self._lost = False
