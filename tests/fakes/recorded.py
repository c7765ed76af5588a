"""A recorded market of round numbers, for backtests that are calculated by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl

from kimp.backtest.catalogue import Catalogue
from kimp.backtest.kinds import DataKind
from kimp.backtest.options import Home, Model, Options
from kimp.config import Settings
from kimp.domain.opportunity import Mode
from kimp.domain.venues import PAIR

START_MS = int(datetime(2025, 9, 1, tzinfo=UTC).timestamp() * 1000)
MINUTE_MS = 60_000
RATE = "1400"
Prices = dict[str, tuple[str, str]]
"""Coin -> in won, in dollars."""


def options(mode: Mode = Mode.TRANSFER, *, model: Model | None = None, **limits: Any) -> Options:
    settings = Settings()
    rules = settings.rules()
    usual = {"tick_share": None, "threshold": Decimal("0.004"), "least_turnover_krw": Decimal(0)}
    limits = {"mode": mode, "max_quote_age_ms": 5_000, **usual, **limits}
    return Options(
        rules=replace(rules, limits=replace(rules.limits, **limits)),
        home=Home(Decimal("0.001"), Decimal("-0.01"), 3_600_000, 5_000),
        cash_krw=Decimal(10_000_000),
        model=model or Model(depth_share=Decimal(1)),
    )


def record(
    folder: Path, minutes: Mapping[int, Prices], *, rate: str | None = RATE, turnover: int = 10**12
) -> Catalogue:
    """Last prices at these minutes of a day."""
    catalogue = Catalogue(folder)
    rows: dict[str, list[tuple[int, str, str]]] = {PAIR.won: [], PAIR.dollars: []}
    for minute, prices in minutes.items():
        at_ms = START_MS + minute * MINUTE_MS
        for coin, (won, dollars) in prices.items():
            rows[PAIR.won].append((at_ms, coin, won))
            rows[PAIR.dollars].append((at_ms, coin, dollars))
        if rate is not None:
            rows[PAIR.won].append((at_ms, "USDT", rate))
    for venue in PAIR:
        frame = pl.DataFrame(rows[venue], schema=["at_ms", "coin", "price"], orient="row")
        catalogue.write(DataKind.PRICES, venue, frame.with_columns(turnover=pl.lit(str(turnover))))
    return catalogue
