"""A venue's ban or limit is for the whole address: once one call has been told, no other leaves until it is over.

Other processes hear of it by Redis (`adapters.redis.pauses`).
"""

import logging
from functools import cache
from math import ceil
from time import monotonic

from kimp.domain.errors import Unavailable
from kimp.domain.venues import Venue

log = logging.getLogger(__name__)

WORTH_A_LINE_S = 5
BELIEVED_S = 600
"""How long another process is believed. It may leave by another address, or lie: after that this one asks the venue,
which says so itself if it wants a pause still.
"""
ANOTHER_PROCESS = "pause"
"""Code where only another process knows the venue's own."""
SAME_S = 2.0
"""Ends of pauses that lie closer together are one pause."""


class BackOff:
    """Of one venue, for all clients of a process; a venue counts by address, and by key."""

    def __init__(self) -> None:
        self._until = 0.0
        self._code = ""
        self._others_until = 0.0
        self._others_end = 0.0

    @property
    def left_s(self) -> float:
        """Of what the venue told this process itself."""
        return max(0.0, self._until - monotonic())

    def begin_elsewhere(self, venue: Venue, seconds: float) -> None:
        """Another process was told. Each pause is believed once."""
        end = monotonic() + seconds
        if end <= max(self._others_end, self._until) + SAME_S:
            return
        believed = min(seconds, BELIEVED_S)
        self._others_end, self._others_until = end, monotonic() + believed
        log.warning("%s told another process to pause: nothing is sent to it from here for %d s", venue, believed)

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
        left, received = self.left_s, self._others_until - monotonic()
        if max(left, received) > 0:
            reported, seconds = ("", ceil(left)) if left >= received else (" from another process", ceil(received))
            text = f"not asked: it wanted a pause{reported}, of which {seconds} s are left"
            raise Unavailable(text, venue=venue, code=self._code or ANOTHER_PROCESS, retry_after=seconds)


@cache
def back_off_of(url: str) -> BackOff:
    """The one of this process for the venue at `url`."""
    del url
    return BackOff()
