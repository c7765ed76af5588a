"""Whether both venues' candles tell of the same moments. Openings taken for closes, or Korean time for UTC, make
premiums that never were, and no row of either venue shows it: only both together do.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import polars as pl

LEAST_ROWS = 100
"""Fewer tell nothing."""
CLEARER = 0.7
"""A shift must make the two agree so much better than none does."""
STEPS = (-2, -1, 1, 2)
"""In lengths of the longer candles."""


@dataclass(frozen=True, slots=True)
class OutOfStep:
    day: date
    coin: str
    by_s: int
    """The venue in won agrees best with the other one so many seconds later."""


def out_of_step(day: date, won: pl.DataFrame, dollars: pl.DataFrame) -> Iterator[OutOfStep]:
    """By the moves of each coin from candle to candle: one market's follow the other's within a minute."""
    for (coin,), ours in won.group_by("coin", maintain_order=True):
        theirs = dollars.filter(pl.col("coin") == coin)
        if ours.height < LEAST_ROWS or theirs.height < LEAST_ROWS:
            continue
        step_ms = 1000 * max(int(ours["length_s"][0]), int(theirs["length_s"][0]))
        spreads = {
            shift: spread for shift in (0, *STEPS) if (spread := _spread(ours, theirs, shift * step_ms)) is not None
        }
        if 0 not in spreads:
            continue
        best = min(spreads, key=lambda shift: (spreads[shift], abs(shift)))
        if best and spreads[best] < CLEARER * spreads[0]:
            yield OutOfStep(day, str(coin), best * step_ms // 1000)


def _spread(ours: pl.DataFrame, theirs: pl.DataFrame, shift_ms: int) -> float | None:
    """How far the two prices' ratio strays from one candle to the next."""
    both = ours.select("at_ms", ours=pl.col("close").cast(pl.Float64)).join(
        theirs.select(pl.col("at_ms") + shift_ms, theirs=pl.col("close").cast(pl.Float64)), on="at_ms"
    )
    if both.height < LEAST_ROWS:
        return None
    moves = (pl.col("ours") / pl.col("theirs")).log().diff()
    found = both.sort("at_ms").select(moves.std()).item()
    return float(found) if found is not None else None
