"""Gates: each reason why a cycle is not started, by the name under which it is counted.

A function of type `Gates` yields each closed gate, in the order in which they are asked, and returns what it found.
So one function serves those who need the first closed gate, quickly, and those who want to see all of them.
"""

from collections.abc import Generator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar


class Gate(StrEnum):
    """Why no cycle is started, or a route is not taken; each is counted under its name."""

    QUOTE_MISSING = "quote_missing"
    QUOTE_STALE = "quote_stale"
    QUOTE_CROSSED = "quote_crossed"
    PREMIUM_BAND = "premium_band"
    COARSE_TICK = "coarse_tick"
    TURNOVER = "turnover"
    RULES_MISSING = "rules_missing"
    WALLET_CLOSED = "wallet_closed"
    BELOW_MINIMUM = "below_minimum"
    DEPTH = "depth"
    NO_ROUTE_HOME = "no_route_home"
    NET_EDGE = "net_edge"
    LEG_ONE_ALONE = "leg_one_alone"
    MIRROR = "mirror"
    COIN_BUSY = "coin_busy"
    COOLDOWN = "cooldown"
    REFUSED = "refused"
    OPEN_CYCLES = "open_cycles"
    CAPITAL = "capital"
    STOCK = "stock"
    ORDER_CAP = "order_cap"
    CYCLE_CAP = "cycle_cap"
    DAY_CAP = "day_cap"
    CYCLE_RATE = "cycle_rate"
    LOSSES_IN_A_ROW = "losses_in_a_row"
    DAY_LOSS = "day_loss"
    KILL_SWITCH = "kill_switch"
    NOT_ARMED = "not_armed"
    ARMED_CAP = "armed_cap"
    PRICES_DIFFER = "prices_differ"
    RATE_BOUNDS = "rate_bounds"
    OWN_PRICES_MISSING = "own_prices_missing"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A gate that is closed, with the figures that close it."""

    gate: Gate
    detail: str


R = TypeVar("R")
Gates = Generator[Blocked, None, R | None]
"""Returns None only where a closed gate leaves nothing to find."""


def first_closed(gates: Gates[R]) -> R | Blocked:
    """What was found, or the first closed gate; nothing behind that is asked."""
    try:
        return next(gates)
    except StopIteration as end:
        found: R = end.value
        return found


def all_closed(gates: Gates[R]) -> tuple[R | None, tuple[Blocked, ...]]:
    """What was found, as if no gate were closed, and every gate that is."""
    closed: list[Blocked] = []
    while True:
        try:
            closed.append(next(gates))
        except StopIteration as end:
            found: R | None = end.value
            return found, tuple(closed)
