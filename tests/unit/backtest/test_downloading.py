"""Candles of the venues' public pages, fetched a day after the other and never twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import pytest
from fakes.market import TRX, XRP, ManualClock, d

from kimp.backtest.catalogue import EPOCH, Catalogue
from kimp.backtest.downloading import Downloaded, download
from kimp.backtest.kinds import DataKind
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import NotFound, Unavailable
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import Candle

DAY = date(2025, 9, 1)
START_MS = (DAY - EPOCH).days * DAY_MS
MINUTE_MS = 60_000


@dataclass
class Told:
    """A venue with a candle an hour, and XRP alone."""

    venue: Venue = Venue.UPBIT
    asked: list[tuple[Asset, date]] = field(default_factory=list)
    away_after: int = 10**6

    async def minutes(self, coin: Asset, start_ms: int, end_ms: int) -> Sequence[Candle]:
        if len(self.asked) >= self.away_after:
            raise Unavailable("gone", venue=self.venue)
        self.asked.append((coin, EPOCH + timedelta(milliseconds=start_ms)))
        if coin != XRP:
            raise NotFound("no such market", venue=self.venue)
        return [Candle(at, d(1), d(3), d(1), d(2), d(5)) for at in range(start_ms, end_ms, 60 * MINUTE_MS)]


async def fetched(
    told: Told, folder: Path, days: int = 2, *, now_ms: int = START_MS + 9 * DAY_MS, coins: Sequence[Asset] = (XRP,)
) -> tuple[Downloaded, int]:
    """What became of it, and how many coins' days it was told of."""
    steps: list[int] = []
    last = DAY + timedelta(days=days - 1)
    done = await download(told, Catalogue(folder), coins, (DAY, last), ManualClock(now_ms), steps.append)
    return done, sum(steps)


async def test_each_day_is_fetched_and_a_candle_is_known_at_its_close(tmp_path: Path) -> None:
    done, steps = await fetched(Told(), tmp_path)
    assert (done.written.new, done.there, steps) == (48, 0, 2)
    rows = Catalogue(tmp_path).day(DataKind.CANDLES, Venue.UPBIT, DAY)
    assert rows is not None
    assert rows["at_ms"][0] == START_MS + MINUTE_MS
    assert rows.row(0, named=True)["close"] == d(2)


async def test_what_is_whole_is_not_asked_for_again(tmp_path: Path) -> None:
    await fetched(Told(), tmp_path, days=1)
    told = Told()
    done, steps = await fetched(told, tmp_path, days=2)
    assert [day for _, day in told.asked] == [DAY + timedelta(days=1)]
    assert (done.there, steps) == (1, 2)


async def test_a_download_that_was_ended_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        await fetched(Told(away_after=1), tmp_path)
    told = Told()
    done, _ = await fetched(told, tmp_path)
    assert len(told.asked) == 1
    assert done.written.new == 24


async def test_a_day_that_is_not_over_is_fetched_again(tmp_path: Path) -> None:
    """At noon and half a minute: twelve candles are closed, and the one that opened at noon is not."""
    noon = START_MS + DAY_MS // 2 + 30_000
    done, _ = await fetched(Told(), tmp_path, days=1, now_ms=noon)
    assert done.written.new == 12
    done, _ = await fetched(Told(), tmp_path, days=1)
    assert (done.written.new, done.written.known) == (12, 12)


async def test_a_coin_that_is_not_traded_there_is_named_once(tmp_path: Path) -> None:
    told = Told()
    done, _ = await fetched(told, tmp_path, days=3, coins=(XRP, TRX))
    assert done.missing == [TRX]
    assert len([coin for coin, _ in told.asked if coin == TRX]) == 1
    assert done.written.new == 72
