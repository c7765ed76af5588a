"""What this initiator knows of every coin's cycles: the read model, and what it learned itself since.

The read model lags behind Temporal. Knowledge of its own is never overwritten by an older row, and it is forgotten
after a while: asking Temporal for an id once too often is harmless, being silent about a coin for ever is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel
from kimp.domain.caps import Exposure
from kimp.domain.money import Asset
from kimp.ports.books import Stakes
from kimp.ports.starter import StartOutcome

FORGET_MS = 30_000
"""A start that the read model does not show for so long is asked about again."""
TRUST_MS = 5_000
"""A kill switch that was not read for so long counts as on."""


@dataclass(frozen=True, slots=True)
class _Learned:
    number: int
    open: bool
    at_ms: int


class KnownCycles:
    """Coin states and the kill switch, as of now."""

    def __init__(self) -> None:
        self._rows: Mapping[Asset, CoinState] = {}
        self._learned: dict[Asset, _Learned] = {}
        self._open: set[Asset] = set()
        self._halt: HaltLevel | None = None
        self._read_ms = 0
        self.stakes = Stakes(free={}, exposure=Exposure())
        """As they were read last."""

    def refresh(self, rows: Mapping[Asset, CoinState], halt: HaltLevel, stakes: Stakes, now_ms: int) -> None:
        """Take a fresh reading of the database in."""
        self._rows, self._halt, self._read_ms = rows, halt, now_ms
        self.stakes = stakes
        for coin, learned in list(self._learned.items()):
            row = rows.get(coin, NEVER_TRADED)
            if row.last_number >= learned.number or now_ms - learned.at_ms > FORGET_MS:
                del self._learned[coin]
        self._open = {coin for coin in rows.keys() | self._learned.keys() if self.state(coin).open}

    def learn(self, coin: Asset, number: int, outcome: StartOutcome, now_ms: int) -> None:
        """Remember how a start ended, whoever was first."""
        self._learned[coin] = _Learned(number, outcome is not StartOutcome.ALREADY_CLOSED, now_ms)
        if self.state(coin).open:
            self._open.add(coin)
        else:
            self._open.discard(coin)

    def state(self, coin: Asset) -> CoinState:
        row = self._rows.get(coin, NEVER_TRADED)
        learned = self._learned.get(coin)
        if learned is None or learned.number <= row.last_number:
            return row
        return CoinState(learned.number, open=learned.open, closed_ms=None if learned.open else learned.at_ms)

    def halt(self, now_ms: int) -> HaltLevel | None:
        """None while the database can't be read."""
        return self._halt if now_ms - self._read_ms <= TRUST_MS else None

    def open_cycles(self) -> int:
        return len(self._open)
