"""Candles and trades of the venues' public pages, fetched a day after the other and never twice."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.market import TRX, XRP, ManualClock, d

from kimp.backtest import downloading
from kimp.backtest.catalogue import EPOCH, Catalogue
from kimp.backtest.downloading import Downloaded, download
from kimp.backtest.kinds import DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import NotFound, Unavailable
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle, MarketTrade

DAY = date(2025, 9, 1)
START_MS = (DAY - EPOCH).days * DAY_MS
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


@dataclass
class Reported:
    """A venue with a candle and two equal trades an hour, and XRP alone."""

    venue: Venue = Venue.UPBIT
    trade_days: int | None = None
    price: Decimal = Decimal(2)
    asked: list[tuple[Asset, date]] = field(default_factory=list)
    away_after: int = 10**6

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        self._ask(coin, start_ms)
        return [Candle(at, d(1), d(3), d(1), self.price, d(5)) for at in range(start_ms, end_ms, HOUR_MS)]

    async def trades(self, coin: Asset, start_ms: int, end_ms: int) -> AsyncIterator[Sequence[MarketTrade]]:
        """The latest first."""
        self._ask(coin, start_ms)
        for at in reversed(range(start_ms, end_ms, HOUR_MS)):
            yield [MarketTrade(at, self.price, d(5))]
            yield [MarketTrade(at, self.price, d(5))]

    def _ask(self, coin: Asset, start_ms: int) -> None:
        if len(self.asked) >= self.away_after:
            raise Unavailable("gone", venue=self.venue)
        self.asked.append((coin, EPOCH + timedelta(milliseconds=start_ms)))
        if coin != XRP:
            raise NotFound("no such market", venue=self.venue)


async def fetched(
    reported: Reported,
    folder: Path,
    days: int = 2,
    *,
    kind: DataKind = DataKind.CANDLES,
    now_ms: int = START_MS + 9 * DAY_MS,
    coins: Sequence[Asset] = (XRP,),
) -> tuple[Downloaded, int]:
    """What became of it, and how many coins' days it was told of."""
    steps: list[int] = []
    last = DAY + timedelta(days=days - 1)
    done = await download(reported, kind, Catalogue(folder), coins, (DAY, last), ManualClock(now_ms), steps.append)
    return done, sum(steps)


async def test_each_day_is_fetched_and_a_candle_is_known_at_its_close(tmp_path: Path) -> None:
    done, steps = await fetched(Reported(), tmp_path)
    assert (done.written.new, done.there, steps) == (48, 0, 2)
    rows = Catalogue(tmp_path).day(DataKind.CANDLES, Venue.UPBIT, DAY)
    assert rows is not None
    assert rows["at_ms"][0] == START_MS + MINUTE_MS
    assert rows.row(0, named=True)["close"] == d(2)


async def test_what_is_whole_is_not_asked_for_again(tmp_path: Path) -> None:
    await fetched(Reported(), tmp_path, days=1)
    reported = Reported()
    done, steps = await fetched(reported, tmp_path, days=2)
    assert [day for _, day in reported.asked] == [DAY + timedelta(days=1)]
    assert (done.there, steps) == (1, 2)


async def test_a_download_that_was_ended_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await fetched(Reported(away_after=1), tmp_path)
    reported = Reported()
    done, _ = await fetched(reported, tmp_path)
    assert len(reported.asked) == 1
    assert done.written.new == 24


async def test_a_day_that_is_not_over_is_fetched_again(tmp_path: Path) -> None:
    """At noon and half a minute: twelve candles are closed, and the one that opened at noon is not."""
    noon = START_MS + DAY_MS // 2 + 30_000
    done, _ = await fetched(Reported(), tmp_path, days=1, now_ms=noon)
    assert done.written.new == 12
    done, _ = await fetched(Reported(), tmp_path, days=1)
    assert (done.written.new, done.written.known) == (12, 12)


async def test_a_coin_that_is_not_traded_there_is_named_once(tmp_path: Path) -> None:
    reported = Reported()
    done, _ = await fetched(reported, tmp_path, days=3, coins=(XRP, TRX))
    assert done.missing == [TRX]
    assert len([coin for coin, _ in reported.asked if coin == TRX]) == 1
    assert done.written.new == 72


async def test_trades_are_fetched_in_order_of_time_and_equal_ones_are_two(tmp_path: Path) -> None:
    done, steps = await fetched(Reported(), tmp_path, kind=DataKind.TRADES)
    assert (done.written.new, steps) == (96, 2)
    rows = Catalogue(tmp_path).day(DataKind.TRADES, Venue.UPBIT, DAY)
    assert rows is not None
    assert rows["at_ms"].is_sorted()
    assert rows["nth"].to_list() == [0, 1] * 24
    again, _ = await fetched(Reported(), tmp_path, kind=DataKind.TRADES)
    assert (again.there, again.written.new) == (2, 0)
    candles, _ = await fetched(Reported(), tmp_path)
    assert candles.there == 0, "trades are no candles"


async def test_days_whose_trades_a_venue_tells_no_more_are_not_asked_for(tmp_path: Path) -> None:
    """Nine days later, of a venue that tells eight: the first one is gone."""
    reported = Reported(trade_days=8)
    done, steps = await fetched(reported, tmp_path, kind=DataKind.TRADES)
    assert [day for _, day in reported.asked] == [DAY + timedelta(days=1)]
    assert (done.too_old, steps) == (1, 2)
    assert (await fetched(Reported(trade_days=0), tmp_path))[0].too_old == 0, "candles are told for ever"


async def test_what_waits_to_be_written_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A coin's day is written as soon as there is enough, so that it is not fetched again after an end in between."""
    monkeypatch.setattr(downloading, "MOST_ROWS", 24)
    with pytest.raises(Unavailable):
        await fetched(Reported(away_after=1), tmp_path, days=1, coins=(XRP, TRX))
    assert (await fetched(Reported(), tmp_path, days=1))[0].there == 1


@pytest.mark.parametrize(
    ("price", "left_out"), [("0", 24), ("-1", 24), ("NaN", 24), ("1e40", 24), ("1e-13", 24), ("0.000000000001", 0)]
)
async def test_a_number_that_no_market_has_is_left_out(tmp_path: Path, price: str, left_out: int) -> None:
    for kind in (DataKind.CANDLES, DataKind.TRADES):
        done, _ = await fetched(Reported(price=Decimal(price)), tmp_path / kind, days=1, kind=kind)
        times = 1 if kind is DataKind.CANDLES else 2
        assert (done.left_out, done.written.new) == (times * left_out, times * (24 - left_out))
