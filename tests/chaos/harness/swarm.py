"""Draws what goes wrong at the venues: each plan has a subset of the kinds of its own, at rates of its own."""

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kimp.paper.faults import kinds
from kimp.paper.faults.kinds import FaultKind

TOTAL = (0.15, 0.30)
"""Of all requests, orders, and sides of transfers meet a fault."""
SHARE = 0.5
"""Of the kinds of a family that a plan has."""
PER_FRAME = 0.08
"""A stream brings dozens of frames a second: at the rate of requests it would bring hardly a quote."""
AT_MOST: Mapping[FaultKind, float] = {
    FaultKind.BAN: 0.001,  # these stop a whole venue for seconds, or a market
    FaultKind.BAN_TEXT: 0.001,
    FaultKind.MAINTENANCE: 0.001,
    FaultKind.KEY_EXPIRED: 0.001,
    FaultKind.KEY_LOCKED: 0.005,
    FaultKind.MARKET_HALTED: 0.02,
    FaultKind.NOT_PERMITTED: 0.02,
    FaultKind.MANY_FILLS: 0.01,  # hundreds of lines in the venue's journal
    FaultKind.FOREIGN_ORDER: 0.01,  # a person has to decide
    FaultKind.STREAM_DISCONNECT: 0.0002,
    FaultKind.STREAM_SILENCE: 0.0002,
    FaultKind.HALF_OPEN: 0.0002,
    FaultKind.SERVER_SHUTDOWN: 0.0005,
    FaultKind.STREAM_STALL: 0.002,
    FaultKind.SYMBOL_FROZEN: 0.002,
    FaultKind.DEPOSIT_REJECTED: 0.01,  # coins are lost for good, and a person has to say so
    FaultKind.DEPOSIT_LOST: 0.01,
    FaultKind.TAG_LOST: 0.01,
    FaultKind.DEPOSIT_SHORT: 0.02,
    FaultKind.WORSE_PRICE: 0.01,  # these cost money by themselves, and much of that halts kimp until it is resumed
    FaultKind.DOUBLE_FEE: 0.01,
}
SECONDS: Mapping[FaultKind, float] = {
    FaultKind.HANG: 7.0,  # longer than kimp's own time-out
    FaultKind.HANG_AFTER: 7.0,
    FaultKind.BAN: 4.0,
    FaultKind.BAN_TEXT: 4.0,
    FaultKind.MAINTENANCE: 4.0,
    FaultKind.KEY_EXPIRED: 4.0,
    FaultKind.KEY_LOCKED: 5.0,
}
BEYOND = 0.004
"""Of orders that are executed when kimp has given them up: each keeps its cycle busy until a sweep has found it."""
FAMILIES = (kinds.ORDER, kinds.SENDING, kinds.RECEIVING)
NEVER_LEFT_OUT = (
    FaultKind.REDIRECT,
    FaultKind.REDIRECT_AFTER,
    FaultKind.NULL_ROW,
    FaultKind.NOT_PERMITTED,
    FaultKind.FOREIGN_ORDER,
    FaultKind.FOREIGN_WITHDRAWAL,
    FaultKind.MANY_FILLS,
    FaultKind.DOUBLE_FEE,
)
"""Of a whole run: what the draw has not brought is asked for."""
ALL = "*"
LONG = frozenset({FaultKind.DEPOSIT_LOST, FaultKind.TAG_LOST})
"""What nobody has heard of is waited for before a person is told."""
QUICK = ("GET *", "POST *order*")
"""All requests but withdrawals: kimp searches for a lost one for five minutes, and then asks a person."""


def draw_plan(draw: random.Random, routes: Sequence[str] = (ALL,)) -> dict[str, Any]:
    """A fault plan as `PUT /_paper/faults` takes it; `routes`: which requests may fail."""
    rules: list[dict[str, Any]] = []
    for route in routes:
        rules += _rules(draw, kinds.REQUEST, draw.uniform(*TOTAL), route)
    for family in FAMILIES:
        rules += _rules(draw, family if ALL in routes else family - LONG, draw.uniform(*TOTAL))
    rules += _rules(draw, kinds.STREAM, PER_FRAME)
    if ALL in routes:
        rules.append({"kind": FaultKind.BEYOND_THE_FENCE, "rate": BEYOND, "route": "POST *order*"})
    return {"seed": draw.randrange(2**31), "rules": rules}


def _rules(draw: random.Random, family: Iterable[FaultKind], total: float, route: str = ALL) -> list[dict[str, Any]]:
    chosen = [kind for kind in sorted(family) if draw.random() < SHARE]
    weights = [draw.random() for _ in chosen]
    return [
        {"kind": kind.value, "rate": min(total * weight / sum(weights), AT_MOST.get(kind, 1.0)), "route": route}
        | ({"seconds": SECONDS[kind]} if kind in SECONDS else {})
        for kind, weight in zip(chosen, weights, strict=True)
    ]
