"""Recorded books are taken as they are: their prices, and no more than they carry."""

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from fakes.recorded import START_MS, options

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import DataKind
from kimp.backtest.running import Backtest
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
