"""Gates: each reason why a cycle is not started, by the name under which it is counted."""

from dataclasses import dataclass
from enum import StrEnum


class Gate(StrEnum):
    """Why no cycle is started, or a route is not taken; each is counted under its name."""

    QUOTE_MISSING = "quote_missing"
    QUOTE_STALE = "quote_stale"
    QUOTE_CROSSED = "quote_crossed"
    PREMIUM_BAND = "premium_band"
    RULES_MISSING = "rules_missing"
    WALLET_CLOSED = "wallet_closed"
    BELOW_MINIMUM = "below_minimum"
    DEPTH = "depth"
    NO_ROUTE_HOME = "no_route_home"
    NET_EDGE = "net_edge"
    COIN_BUSY = "coin_busy"
    COOLDOWN = "cooldown"
    REFUSED = "refused"
    OPEN_CYCLES = "open_cycles"
    CAPITAL = "capital"
    ORDER_CAP = "order_cap"
    CYCLE_CAP = "cycle_cap"
    DAY_CAP = "day_cap"
    CYCLE_RATE = "cycle_rate"
    LOSSES_IN_A_ROW = "losses_in_a_row"
    DAY_LOSS = "day_loss"
    KILL_SWITCH = "kill_switch"
    PRICES_DIFFER = "prices_differ"
    RATE_BOUNDS = "rate_bounds"
    OWN_PRICES_MISSING = "own_prices_missing"


@dataclass(frozen=True, slots=True)
class Blocked:
    """A gate that is closed, with the figures that close it."""

    gate: Gate
    detail: str
