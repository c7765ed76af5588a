"""The kill switch, and whether a coin is free: the gates that know what is running, and what came of it."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import IntEnum

from kimp.domain.gates import Blocked, Gate
from kimp.domain.money import Asset
from kimp.domain.venues import Direction

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
    """How many cycles in a row ended because a market refused the order of this coin, on the way out or home."""
    refused_ms: int | None = None
    """When the last of them ended."""
    refusal: str = ""
    """Why, in the venue's words."""
    direction: Direction | None = None
    """Of the latest cycle's leg one."""


def legs_out(states: Mapping[Asset, CoinState]) -> AbstractSet[tuple[Asset, Direction]]:
    """Coin and direction of what is open."""
    return {(coin, state.direction) for coin, state in states.items() if state.open and state.direction is not None}


NEVER_TRADED = CoinState(last_number=0, open=False, closed_ms=None)


def rest_ms(refusals: int) -> int:
    """How long a coin rests after so many refusals in a row: from half a minute to half a day."""
    return 0 if refusals == 0 else min(FIRST_REST_MS * 4 ** (refusals - 1), LONGEST_REST_MS)


def rest_left_ms(state: CoinState, now_ms: int) -> int:
    """Until a coin that a market refused may be traded again; not above zero: it may."""
    return 0 if state.refused_ms is None else rest_ms(state.refusals) - (now_ms - state.refused_ms)


def resting(states: Mapping[Asset, CoinState], now_ms: int) -> AbstractSet[Asset]:
    """Coins that a market refused: no way home goes with them either."""
    return {coin for coin, state in states.items() if rest_left_ms(state, now_ms) > 0}


def check_halt(halt: HaltLevel | None) -> Blocked | None:
    """An unreadable kill switch (None) is closed."""
    if halt is None:
        return Blocked(Gate.KILL_SWITCH, "the kill switch can't be read, so it counts as on")
    if halt >= HaltLevel.NO_NEW_CYCLES:
        return Blocked(Gate.KILL_SWITCH, f"trading is halted at level {int(halt)} ({halt.name.lower()})")
    return None


def check_coin(coin: Asset, state: CoinState, cooldown_ms: int, now_ms: int) -> Blocked | None:
    """Is the coin free? One cycle of a coin at a time, and a rest after each. `now_ms`: by the database's clock."""
    if state.open:
        return Blocked(Gate.COIN_BUSY, f"cycle {coin}-{state.last_number} is open")
    if (left := rest_left_ms(state, now_ms)) > 0:
        return Blocked(
            Gate.REFUSED,
            f"{coin} was refused {state.refusals} times in a row, last with {state.refusal!r}; it is tried again in"
            f" {left // 1000} s; mend it on the venue's page, or take the coin off trading.coins",
        )
    if state.closed_ms is not None and (left := cooldown_ms - (now_ms - state.closed_ms)) > 0:
        return Blocked(Gate.COOLDOWN, f"{coin} rests for another {left} ms")
    return None
