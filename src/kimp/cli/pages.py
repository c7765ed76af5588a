"""Which page of the live view is shown, and what each key does to that. No terminal, no database: see `live`."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kimp.domain.admission import HaltLevel

HALTS: Mapping[str, HaltLevel] = {str(level.value): level for level in HaltLevel if level is not HaltLevel.RUN}
PAGES = {"c": "cycles", "m": "market", "b": "balances", "a": "alerts"}
KEYS = "↑↓ Enter closer  c cycles  m market  b balances  a alerts h halt r resume q quit"
BACK = "Esc back  ↑↓ scroll  q quit"
ASK_HALT = "halt at 1 (no new cycles), 2 (undo only) or 3 (nothing leaves)? other keys: no"
ASK_RESUME = "trade again? y: new cycles may start; other keys: no"
STEP = {"up": -1, "down": 1, "page up": -10, "page down": 10}
MESSAGE_SHOWN_FOR = 5
OVERVIEW = "overview"
CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class SetHalt:
    """A person wants the kill switch at this level."""

    level: HaltLevel


@dataclass(frozen=True, slots=True)
class Quit:
    """A person wants everything ended."""


@dataclass
class Navigation:
    """Where a person is."""

    page: str = OVERVIEW
    selected: str | None = None
    scrolled: int = 0
    question: str | None = None
    message: str = ""
    """What became of the last thing that was asked for: for a while in the place of the keys."""
    message_left: int = 0
    """How many more looks it stays."""
    cycles: list[str] = field(default_factory=list)
    """Ids in the order in which they are shown."""

    @property
    def footer(self) -> str:
        return self.question or self.message or (KEYS if self.page == OVERVIEW else BACK)

    def show_message(self, text: str) -> None:
        self.message, self.message_left = text, MESSAGE_SHOWN_FOR

    def looked(self) -> None:
        """One look later."""
        self.message_left -= 1
        if self.message_left <= 0:
            self.message = ""

    def show_cycles(self, ids: list[str]) -> None:
        """What the next keys select from."""
        self.cycles = ids
        if self.selected not in ids:
            self.selected = None

    def press(self, key: str) -> SetHalt | Quit | None:
        """What there is to do beyond another page."""
        question, self.question, self.message = self.question, None, ""
        if question is not None:
            return self._answer(question, key)
        if key == "q":
            return Quit()
        if key in {"h", "r"}:
            self.question = ASK_HALT if key == "h" else ASK_RESUME
        elif key in PAGES:
            self._open(PAGES[key])
        elif key == "escape":
            self._open(OVERVIEW)
        elif key == "enter" and self.selected is not None:
            self._open(CYCLE)
        elif key in STEP:
            self._move(STEP[key])
        return None

    def _answer(self, question: str, key: str) -> SetHalt | None:
        if question == ASK_HALT and key in HALTS:
            return SetHalt(HALTS[key])
        if question == ASK_RESUME and key == "y":
            return SetHalt(HaltLevel.RUN)
        self.show_message("left as it was")
        return None

    def _open(self, page: str) -> None:
        self.page, self.scrolled = page, 0

    def _move(self, by: int) -> None:
        if self.page != OVERVIEW:
            self.scrolled = max(0, self.scrolled + by)
        elif self.cycles:
            at = self.cycles.index(self.selected) + by if self.selected in self.cycles else 0
            self.selected = self.cycles[min(max(at, 0), len(self.cycles) - 1)]
