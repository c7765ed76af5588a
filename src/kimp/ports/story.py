"""The story of one cycle, line by line, from whoever knows a part of it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class StoryLine:
    """One thing that happened, and who knows of it."""

    at_ms: int
    source: str
    """history, journal, ledger, or the process whose log it is."""
    text: str
