"""`kimp data`: recorded market data of one's own, for `kimp backtest`."""

import csv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.markup import escape
from rich.table import Table

from kimp.bootstrap.backtesting import open_catalogue
from kimp.cli import terminal
from kimp.cli.app import EXIT_FAILED
from kimp.config import load
from kimp.domain.errors import BadInput
from kimp.domain.venues import Venue

if TYPE_CHECKING:
    from kimp.backtest.checking import Checked, Coverage, Stock
    from kimp.backtest.importing import Choices, Imported

console = terminal.console()
SHOWN = 30
HOURS_FROM_S = 7_200
"""Longer gaps are told in hours."""


def import_data(
    files: list[Path],
    kind: str | None,
    venue: str | None,
    symbol: str | None,
    column: list[str],
    length: int | None,
    left_out: Path | None,
    folder: Path | None,
    *,
    as_json: bool,
) -> None:
    """Rows that can't be right are left out and told."""
    catalogue = open_catalogue(load(), folder)
    from kimp.backtest.importing import import_files  # noqa: PLC0415 - heavy

    choices = _choices(kind, venue, symbol, column, length)
    with _writer(left_out) as bad_rows:
        done = import_files(catalogue, files, choices, bad_rows)
    if as_json:
        terminal.print_json([_imported(one) for one in done])
        return
    for one in done:
        console.print(_sentence(one), highlight=False)
        for line in one.left_out.lines():
            console.print(f"  [yellow]left out:[/] {escape(line)}", highlight=False)


def _choices(
    kind: str | None, venue: str | None, symbol: str | None, pairs: list[str], length: int | None
) -> "Choices":
    from kimp.backtest.columns import MEANINGS  # noqa: PLC0415 - heavy
    from kimp.backtest.importing import Choices  # noqa: PLC0415
    from kimp.backtest.kinds import DataKind  # noqa: PLC0415

    importable = (DataKind.CANDLES, DataKind.TRADES, DataKind.PRICES)
    if kind is not None and kind not in importable:
        raise BadInput(f"--kind {kind}: it is one of {', '.join(importable)}")
    names = {}
    for pair in pairs:
        meaning, _, name = pair.partition("=")
        if meaning not in MEANINGS or not name:
            raise BadInput(f"--column {pair}: write MEANING=NAME, where MEANING is one of {', '.join(MEANINGS)}")
        names[meaning] = name
    return Choices(
        None if kind is None else DataKind(kind), None if venue is None else _venue(venue), symbol, names, length
    )


def _venue(name: str) -> Venue:
    try:
        return Venue(name.lower())
    except ValueError as error:
        raise BadInput(f"--venue: {error}") from None


@contextmanager
def _writer(path: Path | None) -> Iterator[Callable[[Path, Any], None] | None]:
    """What writes every row that is left out into a file."""
    if path is None:
        yield None
        return
    try:
        file = path.open("w", newline="")
    except OSError as error:
        raise BadInput(f"--left-out {path}: cannot be written ({error.strerror})") from None
    with file:
        rows = csv.writer(file)
        rows.writerow(("file", "line", "reason", "detail"))
        yield lambda source, bad: rows.writerows((source, *row) for row in bad.iter_rows())


def _imported(one: "Imported") -> dict[str, Any]:
    return {
        "file": one.path,
        "kind": one.kind,
        "rows": one.rows,
        "taken": one.taken,
        **asdict(one.written),
        "left_out": [
            {"reason": name, "rows": reason.rows, "examples": reason.examples}
            for name, reason in one.left_out.reasons.items()
        ],
    }


def _sentence(one: "Imported") -> str:
    written = one.written
    parts = [f"{written.new:,} new"]
    parts += [f"{count:,} {what}" for count, what in (
        (written.known, "there already"),
        (written.replaced, "replaced by these"),
        (written.twice, "twice in the file"),
        (one.left_out.rows, "left out"),
    ) if count]  # fmt: skip
    return f"{escape(str(one.path))}: {one.rows:,} {one.kind}, {', '.join(parts)}"


def list_data(folder: Path | None, *, as_json: bool) -> None:
    """What there is: kinds, venues, days, coins."""
    catalogue = open_catalogue(load(), folder)
    from kimp.backtest.checking import listed  # noqa: PLC0415 - heavy

    stocks = listed(catalogue)
    if as_json:
        terminal.print_json([asdict(stock) for stock in stocks])
    elif not stocks:
        console.print(f"{catalogue.root} has no market data; `kimp data import FILE` brings some", highlight=False)
    else:
        console.print(_stocks(stocks))


def _stocks(stocks: "list[Stock]") -> Table:
    table = Table("kind", "venue", "from", "to", box=None, padding=(0, 2, 0, 0))
    for name in ("days", "coins", "rows", "MB"):
        table.add_column(name, justify="right")
    for one in stocks:
        table.add_row(
            one.kind, one.venue, f"{one.first}", f"{one.last}", f"{one.days:,}", f"{one.coins:,}", f"{one.rows:,}",
            f"{one.bytes / 1e6:,.1f}",
        )  # fmt: skip
    return table


def check_data(folder: Path | None, *, as_json: bool) -> int:
    """Exit code: 1 where a row can't be right."""
    catalogue = open_catalogue(load(), folder)
    from kimp.backtest.checking import check_catalogue  # noqa: PLC0415 - heavy

    checked = check_catalogue(catalogue)
    if as_json:
        terminal.print_json(asdict(checked) | {"sound": checked.sound})
    else:
        _show(checked)
    return 0 if checked.sound else EXIT_FAILED


def _show(checked: "Checked") -> None:
    if not checked.markets:
        console.print("there are no market data; `kimp data import FILE` brings some")
        return
    worst = sorted(checked.markets, key=lambda market: (market.sound, -market.longest_gap_s))
    console.print(_coverage(worst[:SHOWN]))
    if len(worst) > SHOWN:
        console.print(f"and {len(worst) - SHOWN:,} more with shorter gaps; --json tells all")
    for one in checked.out_of_step[:SHOWN]:
        console.print(
            f"[red]{one.day} {one.coin}:[/] upbit's candles fit binance's best when moved by {one.by_s} s; one of the"
            " two files has wrong times",
            highlight=False,
        )
    broken = sum(not market.sound for market in checked.markets)
    console.print(
        "[green]no row is told twice or before its time[/]"
        if not broken
        else f"[red]{broken} markets have rows that are told twice or before their time; import them anew[/]"
    )


def _coverage(markets: "list[Coverage]") -> Table:
    table = Table("kind", "venue", "coin", "from", "to", box=None, padding=(0, 2, 0, 0))
    for name in ("rows", "covered", "longest gap", "twice", "early"):
        table.add_column(name, justify="right")
    for one in markets:
        table.add_row(
            one.kind, one.venue, one.coin, _day(one.first_ms), _day(one.last_ms), f"{one.rows:,}",
            "-" if one.share is None else f"{one.share:.2%}",
            f"{one.longest_gap_s:,} s" if one.longest_gap_s < HOURS_FROM_S else f"{one.longest_gap_s / 3600:,.1f} h",
            f"{one.twice:,}", f"{one.early:,}",
        )  # fmt: skip
    return table


def _day(at_ms: int) -> str:
    return f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"
