"""What came of replaying a recorded cycle on this version's code."""

import json
from dataclasses import dataclass
from typing import Any

LONGEST_VALUE = 120
REPLAY = "replay"
Json = Any
"""Decoded JSON: a tree of dict, list, str, number, bool and None."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Today's code does something else than the history tells."""

    workflow_id: str
    event_id: int
    """0 where no single event can be named."""
    what: str
    """The activity's type, `result`, `update <id>`, or `replay` for what the SDK itself found and says in `new`."""
    path: str
    recorded: Json
    new: Json

    def __str__(self) -> str:
        place = f"{self.workflow_id} event {self.event_id}" if self.event_id else self.workflow_id
        if self.what == REPLAY:
            return f"{place}, {REPLAY}: {self.new}"
        field = f" {self.path}" if self.path else ""
        return f"{place}, {self.what}{field}: recorded {_shown(self.recorded)}, now {_shown(self.new)}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """One history."""

    workflow_id: str
    run_id: str
    events: int
    closed: bool
    activities: int
    """How many were compared, input by input."""
    differences: tuple[Difference, ...]

    @property
    def clean(self) -> bool:
        return not self.differences


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
