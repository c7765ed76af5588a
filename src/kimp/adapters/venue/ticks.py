"""What one frame of a venue's stream says."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

from kimp.domain.market import Quote


class Tick(NamedTuple):
    """A quote and its place in the order of its symbol's quotes."""

    quote: Quote
    sequence: int


class Depth(NamedTuple):
    """Some levels of a book whose top comes by another stream too; both number the same changes of the book."""

    top: Quote
    """Its first levels."""
    sequence: int
    bids: Sequence[tuple[str, str]]
    asks: Sequence[tuple[str, str]]
    """Price and size of all of them, best first."""


class Refused(Exception):
    """The venue refuses the subscription, in its own words: it sends no quotes on this connection."""


class Notice(StrEnum):
    """What a frame says that is not a quote."""

    NOTHING = "nothing"
    GOING_AWAY = "going away"
    """The server is about to close: connect again."""


Read = Callable[[bytes, int], Tick | Depth | Notice]
"""A frame and its receive time; raises BadMessage or Refused."""
