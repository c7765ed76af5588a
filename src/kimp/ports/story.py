"""The story of one cycle, line by line, from whoever knows a part of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from kimp.domain.errors import KimpError


@dataclass(frozen=True, slots=True, order=True)
class StoryLine:
    """One thing that happened, and who knows of it."""

    at_ms: int
    source: str
    """history, journal, ledger, or the process whose log it is."""
    text: str


@dataclass(frozen=True, slots=True)
class StoryPart:
    """What one source knows of a cycle; nothing, if it knows no such cycle."""

    lines: Sequence[StoryLine]
    trace_id: str | None = None


class NoSuchHistory(KimpError):
    """Temporal answers, and has no history of the cycle: there is no such cycle, or its retention has ended."""


class StorySource(Protocol):
    async def __call__(self, cycle_id: str) -> StoryPart:
        """Raises NoSuchHistory, or another KimpError if it can't be asked."""
        ...


class Stories(Protocol):
    async def story(self, cycle_id: str) -> Sequence[StoryLine]:
        """What journal and ledger know of it, in no order."""
        ...
