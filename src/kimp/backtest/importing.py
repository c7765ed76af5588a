"""Files that people have, into the catalogue: read in blocks, so that a year fits any memory."""

import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import polars as pl

from kimp.backtest import columns, parsing
from kimp.backtest.catalogue import Catalogue, Written
from kimp.backtest.columns import Columns
from kimp.backtest.kinds import BadData, DataKind
from kimp.backtest.left_out import LeftOut
from kimp.backtest.lengths import Lengths
from kimp.backtest.text_files import BETWEEN, Lines, open_lines
from kimp.domain.durations import DAY_MS
from kimp.domain.venues import Venue


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody knows of the files that they do not tell themselves."""

    kind: DataKind | None = None
    venue: Venue | None = None
    symbol: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """Meaning -> the column's name."""
    length_s: int | None = None
    """Of candles."""


@dataclass(slots=True)
class Imported:
    """What became of one file."""

    path: Path
    kind: DataKind
    rows: int = 0
    """All but the header and blank lines."""
    left_out: LeftOut = field(default_factory=LeftOut)
    written: Written = field(default_factory=Written)

    @property
    def taken(self) -> int:
        return self.rows - self.left_out.rows


def import_files(
    catalogue: Catalogue,
    paths: Sequence[Path],
    choices: Choices,
    bad_rows: Callable[[Path, pl.DataFrame], None] | None = None,
) -> list[Imported]:
    """`bad_rows` is told of every row that is left out. Raises BadData; files before that one are imported then."""
    return [_import(catalogue, path, choices, bad_rows) for path in paths]


def _import(
    catalogue: Catalogue,
    path: Path,
    choices: Choices,
    bad_rows: Callable[[Path, pl.DataFrame], None] | None,
) -> Imported:
    with open_lines(path) as blocks:
        first = next(blocks, None)
        if first is None:
            raise BadData(f"{path}: is empty")
        header = first.texts[0].split(BETWEEN)
        known = columns.recognise(f"{path}:1", header, choices.names, choices.kind, choices.venue)
        symbol = _symbol(path, known, choices)
        imported, lengths = Imported(path, known.kind), Lengths()
        stage = Path(tempfile.mkdtemp(prefix="kimp-import-"))
        try:
            for number, lines in enumerate(chain([first], blocks)):
                good, bad = _block(lines, known, choices, symbol, imported)
                if bad_rows is not None and bad.height:
                    bad_rows(path, bad)
                if known.kind is DataKind.CANDLES:
                    lengths.take(good)
                good.write_parquet(stage / f"{number:06}.parquet", compression="lz4")
            imported.written = _settle(catalogue, stage, known.kind, _length(path, lengths, choices, imported))
        finally:
            shutil.rmtree(stage, ignore_errors=True)
    return imported


def _symbol(path: Path, known: Columns, choices: Choices) -> str | None:
    """Binance's own files have the market in their name only: XRPUSDT-1m-2025-09.csv."""
    if choices.symbol is not None or "symbol" in known.places:
        return choices.symbol
    name = path.name.split("-")[0].upper()
    if name.endswith("USDT") and name.isalnum():
        return name
    raise BadData(f"{path}:1: no column names the market; say it, e.g. --symbol KRW-XRP")


def _block(
    lines: Lines, known: Columns, choices: Choices, symbol: str | None, imported: Imported
) -> tuple[pl.DataFrame, pl.DataFrame]:
    texts = parsing.table(lines, known, choices.venue, symbol)
    good, bad = parsing.parsed(texts, known)
    imported.rows += texts.height
    imported.left_out.take(bad)
    amounts = [name for name in (*parsing.AMOUNTS[known.kind], "turnover") if name in good.columns]
    return good.select("venue", "coin", "time_ms", *amounts), bad


def _length(path: Path, lengths: Lengths, choices: Choices, imported: Imported) -> pl.DataFrame | None:
    if imported.kind is not DataKind.CANDLES or not imported.taken:
        return None
    found = lengths.found(str(path)) if choices.length_s is None else None
    if found is not None:
        return found
    return pl.DataFrame({"length_ms": [(choices.length_s or 0) * 1000]}, schema={"length_ms": pl.Int64()})


def _settle(catalogue: Catalogue, stage: Path, kind: DataKind, lengths: pl.DataFrame | None) -> Written:
    """Day by day out of the staged blocks."""
    staged = pl.scan_parquet(stage / "*.parquet")
    days = staged.select(pl.col("venue"), day=pl.col("time_ms") // DAY_MS).unique().sort("venue", "day").collect()
    written = Written()
    for venue, day in days.iter_rows():
        of_day = (pl.col("venue") == venue) & (pl.col("time_ms") // DAY_MS == day)
        rows = staged.filter(of_day).collect()
        written += catalogue.write(kind, Venue(venue), _known(rows, kind, lengths))
    return written


def _known(rows: pl.DataFrame, kind: DataKind, lengths: pl.DataFrame | None) -> pl.DataFrame:
    """Each row at the time when it became known."""
    match kind:
        case DataKind.CANDLES:
            if lengths is None:
                raise AssertionError("candles were taken, so their length was found")
            if "coin" in lengths.columns:
                rows = rows.join(lengths, on=["venue", "coin"], how="left")
                rows = rows.with_columns(pl.col("length_ms").fill_null(lengths["length_ms"].max()))
            else:
                rows = rows.join(lengths, how="cross")
            return rows.with_columns(
                at_ms=pl.col("time_ms") + pl.col("length_ms"), length_s=(pl.col("length_ms") // 1000).cast(pl.Int32)
            )
        case DataKind.TRADES:
            nth = pl.int_range(pl.len(), dtype=pl.Int32).over("coin", "time_ms", "price", "quantity")
            return rows.with_columns(at_ms=pl.col("time_ms"), nth=nth)
        case _:
            if "turnover" not in rows.columns:
                rows = rows.with_columns(turnover=pl.lit(None, dtype=pl.Decimal(38, 12)))
            return rows.with_columns(at_ms=pl.col("time_ms"))
