"""May a cycle be started at all? The gates that know what is already running."""

from dataclasses import dataclass
from enum import IntEnum

from kimp.domain.caps import Caps
from kimp.domain.legs import Blocked, Gate
from kimp.domain.money import Asset


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


NEVER_TRADED = CoinState(last_number=0, open=False, closed_ms=None)


@dataclass(frozen=True, slots=True)
class AdmissionLimits:
    caps: Caps
    cooldown_ms: int
    """Pause of a coin after its cycle ended."""


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
    if state.closed_ms is not None and now_ms - state.closed_ms < limits.cooldown_ms:
        left = limits.cooldown_ms - (now_ms - state.closed_ms)
        return Blocked(Gate.COOLDOWN, f"{coin} rests for another {left} ms")
    if open_cycles >= limits.caps.open_cycles:
        return Blocked(Gate.OPEN_CYCLES, f"{open_cycles} cycles are open, {limits.caps.open_cycles} allowed")
    return None
