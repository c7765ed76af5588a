"""`python -m bench.strategy FOLDER ... --into docs/strategy.md`: what kimp's rules would have earned, as a table.

Each FOLDER is recorded market data, as `kimp data import` keeps them. Both modes, several thresholds, the default coins
and all that both venues have; everything else as the defaults are. Where a folder has no KRW-USDT, the median over
coins stands in for it, and the table says so.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from itertools import product
from pathlib import Path

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.request import EVERY, BacktestRequest, options_of
from kimp.backtest.statistics import Summary
from kimp.backtest.sweep import sweep
from kimp.config import Settings
from kimp.domain.money import USDT
from kimp.domain.opportunity import Mode
from kimp.domain.venues import PAIR

THRESHOLDS = tuple(Decimal(text) for text in ("0.001", "0.002", "0.003", "0.004", "0.005", "0.006", "0.008", "0.010"))
COINS = {"default coins": None, "all coins": EVERY}
BEGIN = "<!-- From here to the end of the table made by `python -m bench.strategy`. -->"
END = "<!-- End of the table. -->"


def tables(catalogues: Sequence[Catalogue]) -> Iterator[str]:
    for catalogue in catalogues:
        yield from _table(catalogue)


def _table(catalogue: Catalogue) -> Iterator[str]:
    started, settings = time.perf_counter(), Settings()
    stand_in = not _has_rate(catalogue)
    columns: list[list[Summary]] = []
    ways = list(product(Mode, COINS))
    for mode, coins in ways:
        asked = options_of(settings, BacktestRequest(mode=mode, coins=COINS[coins], stand_in=stand_in))
        columns.append([summary for _, summary in sweep(catalogue, asked, {"threshold": THRESHOLDS}).runs])
    first = columns[0][0]
    rate = "the median over coins in the place of KRW-USDT, which was not recorded" if stand_in else "KRW-USDT recorded"
    yield (
        f"{first.first} to {first.last}, {max(one.instants for column in columns for one in column):,} moments,"
        f" {rate}; {time.perf_counter() - started:.0f} s for all of it:"
    )
    yield ""
    yield f"| threshold | {' | '.join(f'{mode}, {coins}' for mode, coins in ways)} |"
    yield "|---" * (1 + len(ways)) + "|"
    for threshold, row in zip(THRESHOLDS, zip(*columns, strict=True), strict=True):
        yield f"| {threshold:.1%} | {' | '.join(map(_cell, row))} |"
    yield ""


def _cell(summary: Summary) -> str:
    if summary.mean is None or summary.median is None:
        return f"{summary.cycles} unfinished" if summary.cycles else "none"
    return f"{summary.cycles}: mean {summary.mean:+.2%}, median {summary.median:+.2%}, {summary.losing_share:.0%} lose"


def _has_rate(catalogue: Catalogue) -> bool:
    files = list(catalogue.files(venue=PAIR.won))
    return any((file.read()["coin"] == USDT).any() for file in files[:1])


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.strategy")
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("--into", type=Path, help="a document whose table is renewed; left out: it is printed")
    asked = parser.parse_args()
    text = "\n".join(tables([Catalogue(folder) for folder in asked.folders]))
    if asked.into is None:
        print(text)
        return
    before, _, rest = asked.into.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise SystemExit(f"{asked.into}: has no place for the table, which is between {BEGIN} and {END}")
    asked.into.write_text(f"{before}{BEGIN}\n\n{text}\n{END}{after}")


if __name__ == "__main__":
    main()
