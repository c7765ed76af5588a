"""Where market data are kept: one Parquet file for each kind, venue and day (UTC), whoever brings them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from kimp.backtest.kinds import SHAPES, BadData, DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.venues import PAIR, Venue

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of rows that were brought."""

    new: int = 0
    known: int = 0
    """Were there already, with the same values."""
    replaced: int = 0
    """Were there already, with other values: the newer ones hold."""
    twice: int = 0
    """Came twice at once: the last one holds."""

    def __add__(self, other: "Written") -> "Written":
        return Written(
            self.new + other.new,
            self.known + other.known,
            self.replaced + other.replaced,
            self.twice + other.twice,
        )


@dataclass(frozen=True, slots=True)
class DayFile:
    kind: DataKind
    venue: Venue
    day: date
    path: Path

    def read(self) -> pl.DataFrame:
        """Raises BadData."""
        shape = SHAPES[self.kind]
        try:
            return pl.read_parquet(self.path).select(*shape.columns).cast(shape.schema)
        except (OSError, PolarsError) as error:
            raise BadData(f"{self.path}: is no file of {self.kind} ({_first_line(error)}); remove it") from None


class Catalogue:
    """A folder of market data. It is made when the first rows are written."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, kind: DataKind, venue: Venue, rows: pl.DataFrame) -> Written:
        """Add rows of any days. What is there already is not told twice, so the same may be brought again."""
        shape = SHAPES[kind]
        rows = rows.select(*shape.columns).cast(shape.schema)
        once = rows.unique(list(shape.key), keep="last", maintain_order=True)
        written = Written(twice=len(rows) - len(once))
        days = once.with_columns(day=pl.col("at_ms") // DAY_MS)
        for (day,), part in sorted(days.partition_by("day", as_dict=True, include_key=False).items()):
            path = self._path(kind, venue, EPOCH + timedelta(days=int(day)))
            written += self._merge(DayFile(kind, venue, EPOCH + timedelta(days=int(day)), path), part)
        return written

    def append(self, kind: DataKind, venue: Venue, day: date, parts: Sequence[Path]) -> None:
        """Put parts of one day behind what is there, in a stream: a recorder's, whose rows are new and in order.

        Trades may have been downloaded meanwhile, so those are told once.
        """
        path = self._path(kind, venue, day)
        path.parent.mkdir(parents=True, exist_ok=True)
        there = [path] if path.exists() else []
        unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
        rows = pl.concat([pl.scan_parquet(part) for part in (*there, *parts)])
        if there and kind is DataKind.TRADES:
            rows = rows.unique(list(SHAPES[kind].key)).sort("at_ms", "coin")
        rows.sink_parquet(unfinished, compression="zstd")
        unfinished.replace(path)

    def files(self, kind: DataKind | None = None, venue: Venue | None = None) -> Iterator[DayFile]:
        """In order of kind, venue and day."""
        for one in DataKind if kind is None else (kind,):
            for place in PAIR if venue is None else (venue,):
                for path in sorted((self.root / one / place).glob("*.parquet")):
                    try:
                        day = date.fromisoformat(path.stem)
                    except ValueError:
                        raise BadData(f"{path}: its name is no day, e.g. 2025-09-01.parquet; remove it") from None
                    yield DayFile(one, place, day, path)

    def day(self, kind: DataKind, venue: Venue, day: date) -> pl.DataFrame | None:
        """The rows of a day in order of time; None if there are none."""
        path = self._path(kind, venue, day)
        return DayFile(kind, venue, day, path).read() if path.exists() else None

    def _path(self, kind: DataKind, venue: Venue, day: date) -> Path:
        return self.root / kind / venue / f"{day}.parquet"

    def _merge(self, file: DayFile, part: pl.DataFrame) -> Written:
        key = list(SHAPES[file.kind].key)
        kept = file.read() if file.path.exists() else part.clear()
        again = part.join(kept, on=key, how="semi").height
        same = part.join(kept, on=part.columns, how="semi", nulls_equal=True).height
        if same < part.height:
            merged = pl.concat([kept.join(part, on=key, how="anti"), part]).sort("at_ms", "coin", maintain_order=True)
            _replace(file.path, merged)
        return Written(new=part.height - again, known=same, replaced=again - same)


def _replace(path: Path, rows: pl.DataFrame) -> None:
    """Whole or not at all, also where the machine stops in the middle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}.unfinished")
    rows.write_parquet(unfinished, compression="zstd")
    unfinished.replace(path)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
