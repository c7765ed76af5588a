"""What is wrong with a venue as a whole for a while, or with one of its markets; its wallets are apart."""

from enum import StrEnum

from kimp.domain.venues import Venue
from kimp.paper.journal import PaperJournal
from kimp.ports.clock import Clock

EVERYWHERE = ""
"""The symbol of a condition that is the whole venue's."""


class Condition(StrEnum):
    MAINTENANCE = "maintenance"
    """No call but the one for the system's status is served."""
    HALTED = "halted"
    """One market takes no orders."""
    NOT_PERMITTED = "not_permitted"
    """The account may place no orders on one market."""
    KEY_EXPIRED = "key_expired"
    """No signed call is served."""
    KEY_LOCKED = "key_locked"
    """Upbit: the key may do everything but withdraw, until its owner unlocks it in the app."""


class Conditions:
    """Each lasts until its time is over or somebody ends it."""

    def __init__(self, clock: Clock, journal: PaperJournal) -> None:
        self._clock = clock
        self._journal = journal
        self._until_ms: dict[tuple[Condition, Venue, str], int] = {}

    def begin(self, condition: Condition, venue: Venue, ms: int, symbol: str = EVERYWHERE) -> None:
        """From now on; in place of what was said before. No time ends it."""
        self._until_ms[condition, venue, symbol] = self._clock.now_ms() + ms
        self._journal.write("condition", condition=condition, venue=venue, symbol=symbol, last_ms=ms)

    def hold(self, condition: Condition, venue: Venue, symbol: str = EVERYWHERE) -> bool:
        return self._clock.now_ms() < self._until_ms.get((condition, venue, symbol), 0)
