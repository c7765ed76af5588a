"""A recorded day of three markets that is small enough to be played by whole processes, and what it holds."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from kimp.backtest.options import Model
from kimp.backtest.venue_rules import rule_book
from kimp.domain.market import Quote
from kimp.domain.modelled_book import quote_around
from kimp.domain.money import USDT, ZERO, Asset
from kimp.domain.opportunity import Limits, Opportunity, evaluate
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView

START = datetime(2025, 9, 1, tzinfo=UTC)
MINUTES = 24
RATE = Decimal(1400)
XRP, SOL = Asset("XRP"), Asset("SOL")
Found = tuple[Asset, Direction, Decimal, Decimal]
"""Coin, way, cash to start with and edge, both as the database keeps them."""


def prices(minute: int) -> dict[Asset, tuple[str, str]]:
    """In won and in dollars: XRP is dear in won at first; SOL is cheap there from some minutes later on."""
    return {
        XRP: ("3118" if minute < 4 else "3080", "2.2001"),
        SOL: ("196010" if minute < 6 else "193500", "140.01"),
    }


def day_file(path: Path) -> Path:
    """As a recorder of last prices writes it."""
    rows = ["snapshot_ms,timestamp_utc,exchange,symbol,price"]
    for minute in range(MINUTES):
        moment = START + timedelta(minutes=minute)
        stamp = f"{int(moment.timestamp() * 1000)},{moment:%Y-%m-%dT%H:%M:%SZ}"
        rows.append(f"{stamp},upbit,KRW-USDT,{RATE}")
        for coin, (won, dollars) in prices(minute).items():
            rows += [f"{stamp},upbit,KRW-{coin},{won}", f"{stamp},binance,{coin}USDT,{dollars}"]
    path.write_text("\n".join(rows) + "\n")
    return path


def bare(limits: Limits) -> set[Found]:
    """What the decision alone finds in the day's prices."""
    return {found for minute in range(MINUTES) for found in _bare(prices(minute), limits)}


def _bare(now: dict[Asset, tuple[str, str]], limits: Limits) -> Iterator[Found]:
    model = Model()
    samples = {coin: (Decimal(dollars), len(dollars.partition(".")[2])) for coin, (_, dollars) in now.items()}
    rules = rule_book(PAIR, model.fees, samples | {USDT: (Decimal(1), 4)})
    quotes: dict[tuple[Venue, Asset], Quote] = {}
    reported = [(PAIR.won, USDT, RATE)]
    reported += [
        (venue, coin, Decimal(price)) for coin, both in now.items() for venue, price in zip(PAIR, both, strict=True)
    ]
    for venue, coin, price in reported:
        level = model.level_krw if venue is PAIR.won else model.level_krw / RATE
        quotes[venue, coin] = quote_around(rules.instruments[venue, coin], price, level, 0, model.shape)
    # The day tells no turnovers, and what is not known forbids no trade of a backtest or of a replay.
    view = MarketView(quotes, rules.instruments, rules.networks)
    limits = replace(limits, least_turnover_krw=ZERO)
    for coin in now:
        for way in PAIR.directions:
            found = evaluate(view, coin, way, (*now, USDT), limits, 0)
            if isinstance(found, Opportunity):
                yield kept(found)


def kept(found: Opportunity) -> Found:
    return found.coin, found.direction, rounded(found.leg_one.spent.amount), rounded(found.net_edge)


def rounded(value: Decimal | str) -> Decimal:
    return round(Decimal(value), 6)
