"""What this initiator knows of every coin's cycles: the read model, and what it learned itself since.

The read model lags behind Temporal. Knowledge of its own is never overwritten by an older row, and it is forgotten
after a while: asking Temporal for an id once too often is harmless, being silent about a coin for ever is not.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from kimp.domain.admission import NEVER_TRADED, CoinState, HaltLevel, legs_out, resting
from kimp.domain.caps import Exposure
from kimp.domain.decision import RiskState
from kimp.domain.money import Asset
from kimp.domain.venues import Direction
from kimp.ports.controls import Stakes
from kimp.ports.starter import StartOutcome

OPEN = frozenset({StartOutcome.STARTED, StartOutcome.ALREADY_OPEN})
FORGET_MS = 30_000
"""A start that the read model does not show for so long is asked about again."""
TRUST_MS = 5_000
"""A kill switch that was not read for so long counts as on."""

# Times named `at_ms` are of this process' steady clock: what it waits for and trusts does not move with its wall clock.


@dataclass(frozen=True, slots=True)
class _Learned:
    number: int
    direction: Direction
    open: bool
    at_ms: int


class KnownCycles:
    """Coin states and the kill switch, as of now."""

    def __init__(self) -> None:
        self._rows: Mapping[Asset, CoinState] = {}
        self._learned: dict[Asset, _Learned] = {}
        self._refused: Mapping[Asset, CoinState] = {}
        self._open: AbstractSet[Asset] = frozenset()
        self._legs_out: AbstractSet[tuple[Asset, Direction]] = frozenset()
        self._halt: HaltLevel | None = None
        self._read_at_ms = 0
        self.stakes = Stakes(free={}, exposure=Exposure(), now_ms=0)
        """As they were read last."""

    def refresh(self, rows: Mapping[Asset, CoinState], halt: HaltLevel, stakes: Stakes, at_ms: int) -> None:
        """Take a fresh reading of the database in."""
        self._rows, self._halt, self._read_at_ms = rows, halt, at_ms
        self._refused = {coin: row for coin, row in rows.items() if row.refusals}
        self.stakes = stakes
        for coin, learned in list(self._learned.items()):
            row = rows.get(coin, NEVER_TRADED)
            if row.last_number >= learned.number or at_ms - learned.at_ms > FORGET_MS:
                del self._learned[coin]
        self._sum_up()

    def learn(self, coin: Asset, number: int, direction: Direction, outcome: StartOutcome, at_ms: int) -> None:
        """Remember how a start ended, whoever was first."""
        self._learned[coin] = _Learned(number, direction, outcome in OPEN, at_ms)
        self._sum_up()

    def _sum_up(self) -> None:
        states = {coin: self.state(coin) for coin in self._rows.keys() | self._learned.keys()}
        self._open = {coin for coin, state in states.items() if state.open}
        self._legs_out = legs_out(states)

    def state(self, coin: Asset) -> CoinState:
        row = self._rows.get(coin, NEVER_TRADED)
        learned = self._learned.get(coin)
        if learned is None or learned.number <= row.last_number:
            return row
        closed_ms = None if learned.open else self.database_ms(learned.at_ms)
        return CoinState(learned.number, open=learned.open, closed_ms=closed_ms, direction=learned.direction)

    def database_ms(self, at_ms: int) -> int:
        """What the database's clock showed then, by its last answer; never ahead of it."""
        return self.stakes.now_ms + at_ms - self._read_at_ms

    def resting(self, at_ms: int) -> AbstractSet[Asset]:
        """Coins that a market refused a moment ago."""
        return resting(self._refused, self.database_ms(at_ms))

    def risk_state(self, at_ms: int, starting: AbstractSet[tuple[Asset, Direction]]) -> RiskState:
        """What a decision goes by; cycles that are `starting` have been asked for and not answered yet.

        The kill switch is None while the database can't be read.
        """
        return RiskState(
            halt=self._halt if at_ms - self._read_at_ms <= TRUST_MS else None,
            exposure=self.stakes.exposure.with_open(len(self._open) + len(starting)),
            free=self.stakes.free,
            legs_out=self._legs_out | starting,
            stock=self.stakes.stock,
            resting=self.resting(at_ms),
            armed=self.stakes.armed,
        )
