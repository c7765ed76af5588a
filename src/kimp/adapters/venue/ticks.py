"""What one frame of a venue's stream says."""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from kimp.domain.market import Quote


class Tick(NamedTuple):
    """A quote and its place in the order of its symbol's quotes."""

    quote: Quote
    sequence: int


class Notice(StrEnum):
    """What a frame says that is not a quote."""

    NOTHING = "nothing"
    GOING_AWAY = "going away"
    """The server is about to close, or refused the subscription: connect again."""


Read = Callable[[bytes, int], Tick | Notice]
"""A frame and its receive time; raises BadMessage."""
