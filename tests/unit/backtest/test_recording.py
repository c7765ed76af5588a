"""Books that are kept from the bus, and trades: bounded in memory, whole over days and kills."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest
from fakes.initiator import PlayedBus
from fakes.market import TRX, XRP, ManualClock, d, quote

from kimp.backtest import recording
from kimp.backtest.catalogue import EPOCH, Catalogue
from kimp.backtest.kinds import SHAPES, DataKind
from kimp.backtest.recording import Recorder, record
from kimp.contracts.ticks import encode_batch
from kimp.domain.durations import DAY_MS
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.history import MarketTrade

DAY = date(2026, 9, 20)
START_MS = (DAY - EPOCH).days * DAY_MS
NEXT = DAY + timedelta(days=1)


def book(at_ms: int, bid: str = "2828", venue: Venue = Venue.UPBIT) -> Quote:
    return quote(venue, XRP, bid, "2830", received_ms=START_MS + at_ms)._replace(asks_behind="2831:7")


@dataclass
class Trading:
    """A venue where these are traded, and then nothing."""

    reported: Sequence[MarketTrade]
    venue: Venue = Venue.UPBIT

    async def trades(self, coins: Sequence[Asset]) -> AsyncIterator[Sequence[tuple[Asset, MarketTrade]]]:
        for trade in self.reported:
            yield [(coin, trade) for coin in coins]
        await asyncio.Event().wait()


REPORTED = [MarketTrade(START_MS, d(2829), d(5))] * 2
"""Two that are equal in all."""


def trades(folder: Path, day: date = DAY) -> list[tuple[object, ...]]:
    rows = Catalogue(folder).day(DataKind.TRADES, Venue.UPBIT, day)
    return [] if rows is None else rows.rows()


def kept(folder: Path, day: date = DAY, venue: Venue = Venue.UPBIT) -> pl.DataFrame:
    rows = Catalogue(folder).day(DataKind.BOOKS, venue, day)
    assert rows is not None
    return rows


def test_of_each_book_the_newest_is_kept_whole(tmp_path: Path) -> None:
    recorder = Recorder(Catalogue(tmp_path))
    recorder.take([book(1, "2827"), book(2), quote(Venue.BINANCE, TRX, "0.25", "0.2501", received_ms=START_MS)])
    recorder.note()
    recorder.note()
    assert recorder.held == 2, "what was not heard of again is not kept again"
    recorder.flush()
    recorder.finish(NEXT)
    row = kept(tmp_path).row(0, named=True)
    assert (row["at_ms"], row["coin"], row["bid"], row["asks_behind"]) == (START_MS + 2, XRP, d(2828), "2831:7")
    assert kept(tmp_path, venue=Venue.BINANCE).height == 1


def test_a_day_is_put_together_once_it_is_over(tmp_path: Path) -> None:
    recorder = Recorder(Catalogue(tmp_path))
    for at_ms in (0, DAY_MS - 1, DAY_MS):
        recorder.take([book(at_ms)])
        recorder.note()
        recorder.flush()
    recorder.finish(NEXT)
    assert kept(tmp_path)["at_ms"].to_list() == [START_MS, START_MS + DAY_MS - 1]
    assert Catalogue(tmp_path).day(DataKind.BOOKS, Venue.UPBIT, NEXT) is None
    recorder.finish(date.max)
    assert kept(tmp_path, NEXT).height == 1
    assert not list((tmp_path / recording.PARTS).glob("*/*/*"))


def test_what_a_killed_recorder_had_written_is_taken_over(tmp_path: Path) -> None:
    killed = Recorder(Catalogue(tmp_path))
    killed.take([book(0)])
    killed.note()
    killed.flush()
    next_one = Recorder(Catalogue(tmp_path))
    next_one.take([book(1)])
    next_one.note()
    next_one.flush()
    next_one.finish(date.max)
    assert kept(tmp_path)["at_ms"].to_list() == [START_MS, START_MS + 1]


def test_a_day_that_is_gone_on_with_keeps_what_is_there(tmp_path: Path) -> None:
    for at_ms in (0, 1):
        recorder = Recorder(Catalogue(tmp_path))
        recorder.take([book(at_ms)])
        recorder.note()
        recorder.flush()
        recorder.finish(date.max)
    assert kept(tmp_path)["at_ms"].to_list() == [START_MS, START_MS + 1]


async def test_it_records_until_it_is_cancelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad message is left out, and no more rows are held than a part has."""
    monkeypatch.setattr(recording, "PART_ROWS", 2)
    monkeypatch.setattr(recording, "LOOK_S", 0.001)
    bus = PlayedBus()
    task = asyncio.create_task(
        record(bus, [Trading(REPORTED)], [XRP], Catalogue(tmp_path), ManualClock(START_MS), 0.001)
    )
    bus.channel.put_nowait(b"not json")
    for at_ms in range(9):
        bus.channel.put_nowait(encode_batch([book(at_ms)]))
        async with asyncio.timeout(20):
            while not bus.channel.empty():  # noqa: ASYNC110 - a queue that others empty
                await asyncio.sleep(0.002)
        await asyncio.sleep(0.003)
    assert list((tmp_path / recording.PARTS).glob("*/*/*/*.parquet")), "parts are written while it runs"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    times = kept(tmp_path)["at_ms"].to_list()
    assert times == sorted(set(times))
    assert times[-1] == START_MS + 8
    assert trades(tmp_path) == [(START_MS, XRP, d(2829), d(5), 0), (START_MS, XRP, d(2829), d(5), 1)]


def test_what_a_killed_process_left_half_written_is_taken_away(tmp_path: Path) -> None:
    recorder = recording.Recorder(Catalogue(tmp_path))
    recorder.take([book(0)])
    recorder.note()
    recorder.flush()
    (part,) = (tmp_path / recording.PARTS).glob("*/*/*/*.parquet")
    part.with_name("000002.unfinished").write_bytes(b"half")
    recorder.finish(date.max)
    assert len(kept(tmp_path)) == 1
    assert not list((tmp_path / recording.PARTS).glob("*/*/*"))


def test_trades_that_were_downloaded_meanwhile_are_told_once(tmp_path: Path) -> None:
    there = pl.DataFrame([(START_MS + 1, XRP, d(2829), d(5), 0)], SHAPES[DataKind.TRADES].schema, orient="row")
    Catalogue(tmp_path).write(DataKind.TRADES, Venue.UPBIT, there)
    recorder = Recorder(Catalogue(tmp_path))
    recorder.take_trades(Venue.UPBIT, [(XRP, MarketTrade(START_MS + at_ms, d(2829), d(5))) for at_ms in (0, 1, 2)])
    recorder.flush()
    recorder.finish(date.max)
    assert [row[0] for row in trades(tmp_path)] == [START_MS, START_MS + 1, START_MS + 2]


def test_a_trade_just_before_midnight_that_comes_later_is_kept_in_its_day(tmp_path: Path) -> None:
    recorder = Recorder(Catalogue(tmp_path))
    late = MarketTrade(START_MS + DAY_MS - 1, d(2829), d(5))
    for trade in (late._replace(at_ms=START_MS), late._replace(at_ms=START_MS + DAY_MS), late):
        recorder.take_trades(Venue.UPBIT, [(XRP, trade)])
        recorder.flush()
        recorder.finish(NEXT)
    recorder.finish(date.max)
    assert [row[0] for row in trades(tmp_path)] == [START_MS, late.at_ms]
    assert len(trades(tmp_path, NEXT)) == 1
