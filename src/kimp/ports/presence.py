"""Which of kimp's processes work on these books, on whatever machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """One kind of work of one process, as of when the process last said that it does it."""

    identity: str
    work: str
    seen_ms: int
    age_ms: int
    """By the database's clock, as `seen_ms`."""
    ended: bool
    """It said that it ends, or is known to be no more."""


class Presence(Protocol):
    """Each raises StoreUnavailable while the database does not serve."""

    async def report(self, identity: str, work: Sequence[str]) -> None:
        """This process lives, and does this work."""
        ...

    async def report_end(self, identity: str) -> None:
        """This process ends as it should."""
        ...

    async def seen(self) -> Sequence[Seen]:
        """Latest first; those that ended days ago are not among them."""
        ...
