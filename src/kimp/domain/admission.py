"""May a cycle be started at all? The gates that know what is already running."""

from dataclasses import dataclass
from enum import IntEnum

from kimp.domain.caps import Caps
from kimp.domain.gates import Blocked, Gate
from kimp.domain.money import Asset

FIRST_REST_MS = 30_000
LONGEST_REST_MS = 12 * 3_600_000
REFUSALS_COUNTED = 8
"""More in a row make no difference."""


class HaltLevel(IntEnum):
    """The kill switch."""

    RUN = 0
    NO_NEW_CYCLES = 1
    ONLY_COMPENSATION = 2
    NOTHING_LEAVES = 3


@dataclass(frozen=True, slots=True)
class CoinState:
    """What is known of one coin's cycles."""

    last_number: int
    """n of the coin's latest cycle; 0 if it never had one."""
    open: bool
    closed_ms: int | None
    """When the latest cycle ended, epoch milliseconds."""
    refusals: int = 0
    """How many of its latest cycles came to nothing, or had to be undone, because a market refused the order."""
    refusal: str = ""
    """The last one, in the venue's words."""


NEVER_TRADED = CoinState(last_number=0, open=False, closed_ms=None)


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    caps: Caps
    cooldown_ms: int
    """Pause of a coin after its cycle ended."""


def rest_ms(refusals: int) -> int:
    """How long a coin rests after so many refusals in a row: from half a minute to half a day."""
    return 0 if refusals == 0 else min(FIRST_REST_MS * 4 ** (refusals - 1), LONGEST_REST_MS)


def _rests(coin: Asset, state: CoinState, limits: AdmissionLimits, now_ms: int) -> Blocked | None:
    if state.closed_ms is None:
        return None
    passed_ms = now_ms - state.closed_ms
    if (left := rest_ms(state.refusals) - passed_ms) > 0:
        return Blocked(
            Gate.REFUSED,
            f"{coin} was refused {state.refusals} times in a row, last with {state.refusal!r}; it is tried again in"
            f" {left // 1000} s; mend it on the venue's page, or take the coin off trading.coins",
        )
    if (left := limits.cooldown_ms - passed_ms) > 0:
        return Blocked(Gate.COOLDOWN, f"{coin} rests for another {left} ms")
    return None


def admit(
    coin: Asset,
    state: CoinState,
    open_cycles: int,
    halt: HaltLevel | None,
    limits: AdmissionLimits,
    now_ms: int,
) -> Blocked | None:
    """The first gate that keeps `coin` from a new cycle, or None. An unreadable kill switch (None) is closed."""
    if halt is None:
        return Blocked(Gate.KILL_SWITCH, "the kill switch can't be read, so it counts as on")
    if halt >= HaltLevel.NO_NEW_CYCLES:
        return Blocked(Gate.KILL_SWITCH, f"trading is halted at level {int(halt)} ({halt.name.lower()})")
    if state.open:
        return Blocked(Gate.COIN_BUSY, f"cycle {coin}-{state.last_number} is open")
    if (resting := _rests(coin, state, limits, now_ms)) is not None:
        return resting
    if open_cycles >= limits.caps.open_cycles:
        return Blocked(Gate.OPEN_CYCLES, f"{open_cycles} cycles are open, {limits.caps.open_cycles} allowed")
    return None
