"""What a report shows of the market itself, gathered while the days go by, in as little memory as a picture needs."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import polars as pl

from kimp.backtest.screening import edges
from kimp.domain.durations import DAY_MS
from kimp.domain.money import USDT
from kimp.domain.venues import Pair

POINTS = 1_200
"""Of a picture, from left to right."""
DECAY_MIN = (1, 5, 10, 30, 60)


@dataclass(slots=True)
class Decay:
    """Of the cycles that looked worth a decision, after so many minutes. Bounds: before network fees and depth."""

    minutes: int
    seen: int = 0
    total: float = 0.0
    kept: int = 0
    """Still at the threshold."""
    below_zero: int = 0

    @property
    def mean(self) -> float:
        return self.total / self.seen if self.seen else 0.0


@dataclass(slots=True)
class Watcher:
    pair: Pair
    first: date
    last: date
    threshold: float
    premiums: dict[str, dict[int, float]] = field(default_factory=dict)
    """Coin -> moment -> premium, the furthest from zero of those that fall on one point of a picture."""
    at_once: Decay = field(default_factory=lambda: Decay(0))
    decay: list[Decay] = field(default_factory=lambda: [Decay(minutes) for minutes in DECAY_MIN])

    def __call__(self, _day: date, bounds: pl.DataFrame, candidates: pl.DataFrame) -> None:
        self._keep_premiums(bounds)
        later_edges = edges(bounds, self.pair).rename({"bound": "later"}).sort("at_ms")
        self._count(self.at_once, candidates.select(later="bound"))
        for decay in self.decay:
            step_ms = decay.minutes * 60_000
            later = candidates.select(pl.col("at_ms") + step_ms, "coin", "direction").sort("at_ms")
            found = later.join_asof(
                later_edges, on="at_ms", by=["coin", "direction"], strategy="forward", tolerance=step_ms // 2,
                check_sortedness=False,
            )  # fmt: skip
            self._count(decay, found.select("later").drop_nulls())

    def _keep_premiums(self, bounds: pl.DataFrame) -> None:
        start = datetime.combine(self.first, datetime.min.time(), UTC)
        start_ms, days = int(start.timestamp() * 1000), (self.last - self.first).days + 1
        width_ms = max(1, days * DAY_MS // POINTS)
        points = (
            bounds.filter((pl.col("coin") != USDT) & pl.col("premium").is_not_null())
            .group_by("coin", point=(pl.col("at_ms") - start_ms) // width_ms * width_ms + start_ms)
            .agg(pl.col("premium").get(pl.col("premium").abs().arg_max()))
        )
        for coin, at_ms, premium in points.select("coin", "point", "premium").iter_rows():
            self.premiums.setdefault(coin, {})[at_ms] = premium

    def _count(self, decay: Decay, found: pl.DataFrame) -> None:
        if found.is_empty():
            return
        later = found["later"]
        decay.seen += found.height
        decay.total += float(later.sum())
        decay.kept += int((later >= self.threshold).sum())
        decay.below_zero += int((later < 0).sum())
