"""When the last price of a candle became known: its opening and its length, which the files do not tell."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from kimp.paper.market.rows import MarketKey, RecordedPrice

RUN = 24
"""So many equal distances after one another are candles of that length, not holes between shorter ones."""


class NoLength(ValueError):
    """The opening times do not tell how long the candles are."""


@dataclass(frozen=True, slots=True)
class Closes:
    """Rows at the times of their closes."""

    rows: list[RecordedPrice]
    odd: int
    """Openings that are not whole lengths after the one before: after an outage a venue may begin anew."""


def at_close(rows: Sequence[RecordedPrice]) -> Closes:
    """The length is the commonest distance between two openings of a market, so that two odd rows that lie close
    together do not make the closes of all others known before their time.

    Raises NoLength.
    """
    if not rows:
        return Closes([], 0)
    distances = {market: _distances(opens) for market, opens in _opens(rows).items()}
    lengths = {market: _length(market, found) for market, found in distances.items() if found}
    if not lengths:
        raise NoLength("no market has two candles, so their length is unknown; add rows")
    # A market with one candle: the longest of the others is never too early.
    fallback = max(lengths.values())
    shifted = [replace(row, at_ms=row.at_ms + lengths.get(_market(row), fallback)) for row in rows]
    return Closes(shifted, sum(_odd(found, lengths[market]) for market, found in distances.items() if found))


def _market(row: RecordedPrice) -> MarketKey:
    return row.venue, row.coin


def _opens(rows: Sequence[RecordedPrice]) -> Mapping[MarketKey, set[int]]:
    opens: dict[MarketKey, set[int]] = {}
    for row in rows:
        opens.setdefault(_market(row), set()).add(row.at_ms)
    return opens


def _distances(opens: set[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(sorted(opens))]


def _length(market: MarketKey, distances: Sequence[int]) -> int:
    """Of equally common ones the shortest: the others are holes."""
    counts = Counter(distances)
    length = min(counts, key=lambda distance: (-counts[distance], distance))
    name = f"{market[1]} on {market[0]}"
    if _odd(distances, length) > counts[length]:
        raise NoLength(f"the opening times of {name} have no common distance; these are no candles of one length")
    runs = ((distance, sum(1 for _ in run)) for distance, run in groupby(distances))
    if other := next((distance for distance, times in runs if distance != length and times >= RUN), None):
        raise NoLength(f"{name} has candles of {length // 1000} s and of {other // 1000} s; put them into two files")
    return length


def _odd(distances: Sequence[int], length: int) -> int:
    return sum(1 for distance in distances if distance % length)
