"""A venue's ban or limit is for the whole address: once one call has been told, no other leaves until it is over."""

import logging
from functools import cache
from math import ceil
from time import monotonic

from kimp.domain.errors import Unavailable
from kimp.domain.market import Venue

log = logging.getLogger(__name__)

WORTH_A_LINE_S = 5


class BackOff:
    """Of one venue, for all clients of a process; a venue counts by address, and by key."""

    def __init__(self) -> None:
        self._until = 0.0
        self._code = ""

    def begin(self, venue: Venue, seconds: int, code: str) -> None:
        """Nothing leaves for so long. A shorter pause never ends a longer one."""
        until = monotonic() + seconds
        if until <= self._until:
            return
        if seconds >= WORTH_A_LINE_S and monotonic() >= self._until:
            log.warning("%s asks for a pause of %d s (%s): nothing is sent to it until then", venue, seconds, code)
        self._until, self._code = until, code

    def check(self, venue: Venue) -> None:
        """Raises Unavailable, with the seconds that are left: nothing was sent."""
        left = self._until - monotonic()
        if left > 0:
            text = f"not asked: it wanted a pause, of which {ceil(left)} s are left"
            raise Unavailable(text, venue=venue, code=self._code, retry_after=ceil(left))


@cache
def back_off_of(url: str) -> BackOff:
    """The one of this process for the venue at `url`."""
    del url
    return BackOff()
