"""How long candles are, which most files do not tell: by the distances of their openings."""

from collections import Counter
from dataclasses import dataclass, field

import polars as pl

from kimp.backtest.kinds import BadData


@dataclass(slots=True)
class Lengths:
    """The distances between two openings of one market, over a whole file that is read in blocks."""

    counts: dict[tuple[str, str], Counter[int]] = field(default_factory=dict)

    def take(self, rows: pl.DataFrame) -> None:
        """`rows`: venue, coin and time_ms of openings."""
        distances = (
            rows.select("venue", "coin", "time_ms")
            .unique()
            .sort("venue", "coin", "time_ms")
            .with_columns(distance=pl.col("time_ms").diff().over("venue", "coin"))
            .drop_nulls("distance")
            .group_by("venue", "coin", "distance")
            .len()
        )
        for venue, coin, distance, count in distances.iter_rows():
            self.counts.setdefault((venue, coin), Counter())[distance] += count

    def found(self, where: str) -> pl.DataFrame:
        """`length_ms` of each market: the commonest distance, of equally common ones the shortest, as the others are
        holes. A market with one candle is taken for as long as the longest of the others, which is never too early.

        Raises BadData where no length can be told.
        """
        lengths = {market: self._length(where, market, counts) for market, counts in self.counts.items()}
        if not lengths:
            raise BadData(f"{where}: no market has two candles, so their length is unknown; say it, e.g. --length 60")
        return pl.DataFrame(
            [(venue, coin, length) for (venue, coin), length in lengths.items()],
            schema={"venue": pl.String(), "coin": pl.String(), "length_ms": pl.Int64()},
            orient="row",
        )

    @staticmethod
    def _length(where: str, market: tuple[str, str], counts: Counter[int]) -> int:
        length = min(counts, key=lambda distance: (-counts[distance], distance))
        odd = sum(count for distance, count in counts.items() if distance % length)
        if odd > counts[length] or length % 1000:
            raise BadData(
                f"{where}: the openings of {market[1]} on {market[0]} have no common distance; these are no candles of"
                " one length. Put each length into a file of its own"
            )
        return length
