"""Recorded books are taken as they are: their prices, and no more than they carry."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import START_MS, options

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import DataKind
from kimp.backtest.running import Backtest
from kimp.backtest.tape import MarketFrames
from kimp.domain.venues import PAIR

SIZES = {"deep": ("100000", 2_003_000), "thin": ("30", 850_000)}
"""Coins on each level, and the most won that a cycle can then start with."""


def book(coin: str, bid: str, ask: str, size: str) -> dict[str, object]:
    tops = {"bid": bid, "bid_size": size, "ask": ask, "ask_size": size}
    return {"at_ms": START_MS, "coin": coin, **tops, "bids_behind": "", "asks_behind": ""}


@pytest.mark.parametrize("depth", SIZES)
def test_a_cycle_is_priced_and_sized_by_them(tmp_path: Path, depth: str) -> None:
    size, most = SIZES[depth]
    catalogue = Catalogue(tmp_path)
    won = [book("AAA", "28399", "28401", size), book("USDT", "1399", "1401", "9000000")]
    catalogue.write(DataKind.BOOKS, PAIR.won, pl.DataFrame(won))
    catalogue.write(DataKind.BOOKS, PAIR.dollars, pl.DataFrame([book("AAA", "19.999", "20.001", size)]))
    (cycle,) = Backtest(catalogue, options()).run().cycles
    found = cycle.plan.found
    assert found.leg_one.spent.amount == pytest.approx(found.leg_one.buy_quantity * Decimal("20.001"))
    assert most * 0.9 < cycle.plan.stake_krw <= most * 1.01


def test_trades_beside_them_move_no_book_and_count_where_none_is_fresh(tmp_path: Path) -> None:
    """At first both are there; the books are too old six seconds later, when a trade is 3 % off."""
    catalogue = Catalogue(tmp_path)
    won = [book("AAA", "28399", "28401", "100000"), book("USDT", "1399", "1401", "9000000")]
    catalogue.write(DataKind.BOOKS, PAIR.won, pl.DataFrame(won))
    catalogue.write(DataKind.BOOKS, PAIR.dollars, pl.DataFrame([book("AAA", "19.999", "20.001", "100000")]))
    for venue, prices in zip(PAIR, ({"AAA": "28840", "USDT": "1400"}, {"AAA": "20"}), strict=True):
        rows = [(START_MS + at_ms, coin, price, "90000", 0) for at_ms in (900, 7_000) for coin, price in prices.items()]
        frame = pl.DataFrame(rows, schema=["at_ms", "coin", "price", "quantity", "nth"], orient="row")
        catalogue.write(DataKind.TRADES, venue, frame)
    tape = MarketFrames(catalogue, options())
    (frame,) = tape.frames(tape.days()[0])
    aaa = frame.filter(coin="AAA").select(pl.col("at_ms") - START_MS, "won_price", "won_ms", "won_bid", "dollars_ask")
    assert [tuple(row) for row in aaa.iter_rows()] == [
        (0, Decimal(28_400), START_MS, Decimal(28_399), Decimal("20.001")),
        (1_000, Decimal(28_400), START_MS, Decimal(28_399), Decimal("20.001")),
        (7_000, Decimal(28_840), START_MS + 7_000, None, None),
    ]
    turnovers = dict(frame.filter(coin="AAA").select(pl.col("at_ms") - START_MS, "won_turnover").iter_rows())
    assert turnovers[1_000] == pytest.approx(28_840 * 90_000 / 60), "by what was traded"
