"""The synthetic market, and the replay of recorded files."""

import gzip
import statistics
from decimal import Decimal
from pathlib import Path

import pytest
from fakes.recorded_data import RECORDED_DATA

from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.binance.errors import BinanceError
from kimp.paper.binance.rules import check_price
from kimp.paper.clock import WallClock
from kimp.paper.coins import DEFAULT_COINS, CoinConfig
from kimp.paper.config import PaperConfig, ReplayMarket, SyntheticMarket
from kimp.paper.instruments import PaperInstrument, binance_instruments, upbit_instruments
from kimp.paper.market.recorded import read_recording
from kimp.paper.market.replay import ReplaySource
from kimp.paper.market.source import BadMarketData, MarketUpdate
from kimp.paper.market.synthetic import SyntheticSource
from kimp.paper.ticks import on_tick
from kimp.paper.world import World

D = Decimal
COINS = frozenset(coin.name for coin in DEFAULT_COINS)
DATA = RECORDED_DATA
CANDLES = "timestamp_utc,exchange,symbol,open,high,low,close,volume\n"
TICKS = "timestamp_utc,exchange,symbol,price,qty\n"
SNAPSHOTS = "snapshot_ms,timestamp_utc,exchange,symbol,price,volume_24h_krw\n"


def chosen(*coins: str) -> tuple[CoinConfig, ...]:
    return tuple(c for c in DEFAULT_COINS if not coins or c.name in (*coins, "USDT"))


def instruments(*coins: str) -> list[PaperInstrument]:
    config = PaperConfig(coins=chosen(*coins))
    return [
        *upbit_instruments(config.coins, config.upbit_fee),
        *binance_instruments(config.coins, config.binance_fee),
    ]


def synthetic(config: SyntheticMarket) -> SyntheticSource:
    return SyntheticSource(config, DEFAULT_COINS, instruments())


def replay(config: ReplayMarket, *coins: str) -> ReplaySource:
    return ReplaySource(config, instruments(*coins), D(700_000))


def premiums(updates: list[MarketUpdate]) -> dict[str, list[float]]:
    """Mid premium of each coin, each time one of its three prices changed."""
    last: dict[tuple[Venue, str], float] = {}
    found: dict[str, list[float]] = {}
    for update in updates:
        last[update.venue, update.coin] = float(update.bid + update.ask) / 2
        key = (Venue.UPBIT, update.coin), (Venue.BINANCE, update.coin), (Venue.UPBIT, "USDT")
        if update.coin != "USDT" and all(k in last for k in key):
            won, dollars, rate = (last[k] for k in key)
            found.setdefault(update.coin, []).append(won / (dollars * rate) - 1)
    return found


def test_a_seed_gives_the_same_prices_and_all_are_allowed() -> None:
    config = SyntheticMarket(seed=3)
    first, second = (synthetic(config).advance(5_000) for _ in range(2))
    assert first == second
    assert first != synthetic(SyntheticMarket(seed=4)).advance(5_000)
    by_key = {(i.venue, i.base): i for i in instruments()}
    for update in first:
        ladder = by_key[update.venue, update.coin].ladder
        assert 0 < update.bid < update.ask
        assert on_tick(ladder, update.bid)
        assert on_tick(ladder, update.ask)
        assert update.trade is not None
        assert update.trade.quantity > 0
        assert update.trade.price == (update.ask if update.trade.taker is Side.BUY else update.bid)


def test_without_episodes_premiums_are_small() -> None:
    found = premiums(synthetic(SyntheticMarket(episode_every_s=0)).advance(100_000))
    # Coins whose ticks are fine enough to see it.
    for coin in ("XRP", "SOL"):
        assert abs(statistics.fmean(found[coin])) < 0.001
        assert 0.0005 < statistics.pstdev(found[coin]) < 0.002


def test_episodes_open_in_both_directions_often() -> None:
    found = premiums(synthetic(SyntheticMarket(episode_every_s=8)).advance(60_000))  # ten minutes
    every = [premium for values in found.values() for premium in values]
    assert max(every) > 0.008
    assert min(every) < -0.008
    assert max(map(abs, every)) < 0.03
    assert statistics.median(map(abs, every)) < 0.006


def write(path: Path, text: str) -> Path:
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


def test_ticks_snapshots_and_daily_rates_merge_in_time(tmp_path: Path) -> None:
    files = (
        write(tmp_path / "t.csv", TICKS + "2025-09-01T00:00:02.5Z,upbit,KRW-XRP,3000.0,7\n"),
        write(
            tmp_path / "s.csv",
            SNAPSHOTS
            + "1756684801000,2025-09-01T00:00:01Z,binance,XRPUSDT,2.05,\n"
            + "1756684801000,2025-09-01T00:00:01Z,bithumb,XRP_KRW,1,\n"
            + "1756684801000,2025-09-01T00:00:01Z,upbit,KRW-USDT,1460,1\n",
        ),
        write(tmp_path / "d.csv", "date,upbit_krw_usdt_close\n2025-08-31,1450.0\n"),
    )
    source = replay(ReplayMarket(files=files), "XRP")
    assert [(row.venue, row.coin) for row in source.rows] == [
        (Venue.UPBIT, "USDT"),
        (Venue.UPBIT, "USDT"),
        (Venue.BINANCE, "XRP"),
        (Venue.UPBIT, "XRP"),
    ]
    update = source.update(source.rows[-1])
    assert update.bid < D(3000) < update.ask
    assert update.trade is not None
    assert update.trade.quantity == 7
    assert {(u.venue, u.coin): u.bid for u in source.opening()}[Venue.UPBIT, "USDT"] == D(1449)


def test_a_market_without_a_price_is_told_with_what_was_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    good = write(
        tmp_path / "t.csv",
        TICKS + "2025-09-01T00:00:00Z,upbit,KRW-XRP,5,1\n2025-09-01T00:00:00Z,binance,XRP/USDT,5,1\n",
    )
    with pytest.raises(BadMarketData, match=r"no price of XRPUSDT .*'XRP/USDT on binance' 1"):
        replay(ReplayMarket(files=(good,)), "XRP").opening()
    assert "'XRP/USDT on binance' 1" in caplog.text


async def test_replay_is_paced_by_its_speed(tmp_path: Path) -> None:
    rows = "".join(f"2025-09-01T00:{m:02}:00Z,upbit,KRW-XRP,{3000 + m},1\n" for m in range(30))
    rows += "2025-09-01T00:00:00Z,binance,XRPUSDT,2,1\n"
    path = write(tmp_path / "t.csv", TICKS + rows)
    source = replay(ReplayMarket(files=(path,), speed=1e6), "XRP")
    played = [update async for batch in source.updates() for update in batch]
    assert len(played) == 31


@pytest.mark.skipif(not DATA.exists(), reason="recorded market data is not on this machine")
def test_recorded_files_are_readable() -> None:
    upbit, binance = (
        read_recording(DATA / name, COINS).rows
        for name in ("upbit_1m_20250901_20250915.csv.gz", "binance_spot_5m_20250901_20250915.csv.gz")
    )  # fmt: skip
    assert {row.coin for row in upbit} == {row.coin for row in binance} == {"XRP", "SOL", "DOGE"}
    # A 5m candle closes together with the last 1m candle in it.
    assert upbit[0].at_ms % 300_000 == 60_000
    assert binance[0].at_ms % 300_000 == 0
    ticks = read_recording(DATA / "upbit_ticks_20260512_20260513.csv.gz", COINS).rows
    assert "USDT" in {row.coin for row in ticks}
    assert all(row.quantity for row in ticks)
    assert len(read_recording(DATA / "snapshots_multi_20251204_20251206.csv.gz", COINS).rows) > 1_000
    assert read_recording(DATA / "fx_krwusdt_daily_2025.csv.gz", COINS).rows


MINUTE = "2025-09-01T00:0{}:00Z"


def recorded(tmp_path: Path, *rows: tuple[int, str, str, str]) -> Path:
    """Minute, venue, symbol, price."""
    lines = (f"{MINUTE.format(minute)},{venue},{symbol},{price},1\n" for minute, venue, symbol, price in rows)
    return write(tmp_path / "r.csv", TICKS + "".join(lines))


async def test_a_market_that_waits_has_no_premium_and_begins_with_its_first_row(tmp_path: Path) -> None:
    path = recorded(
        tmp_path,
        (0, "binance", "XRPUSDT", "2.0000"),
        (0, "upbit", "KRW-XRP", "2900"),
        (0, "upbit", "KRW-USDT", "1400"),
        (1, "upbit", "KRW-XRP", "2800"),
    )
    source = replay(ReplayMarket(files=(path,), speed=1e6, waits=True), "XRP")
    batches = source.updates()
    still = {(u.venue, u.coin): u for u in await anext(batches)}
    assert still == {(u.venue, u.coin): u for u in source.opening()}
    assert still[Venue.UPBIT, "XRP"].bid < D(2800) < still[Venue.UPBIT, "XRP"].ask, "2.0 USDT at 1400"
    source.begin()
    played = [(u.coin, u.bid) async for batch in batches for u in batch]
    assert played == [("USDT", D(1399)), ("XRP", D("1.9998")), ("XRP", D(2899)), ("XRP", D(2799))]


def test_each_recorded_price_moves_its_market_once_and_shows_as_much_as_ten_levels_carry(tmp_path: Path) -> None:
    path = recorded(
        tmp_path, (0, "binance", "XRPUSDT", "2"), (0, "upbit", "KRW-XRP", "2900"), (1, "upbit", "KRW-XRP", "2900")
    )
    world = World(PaperConfig(coins=chosen("XRP"), market=ReplayMarket(files=(path,))), WallClock())
    book = world.book(world.instruments[Venue.UPBIT, "KRW-XRP"])
    for number, row in enumerate(world.replay.rows if world.replay else ()):
        if row.venue is Venue.UPBIT and world.replay is not None:
            before = book.sequence
            world.apply(world.replay.update(row))
            assert book.sequence == before + 1, number
            worth = sum(level.price * level.quantity for level in book.levels(Side.BUY))
            assert worth == pytest.approx(D(7_000_000), rel=D("1e-6"))


def test_bitcoin_above_a_hundred_thousand_dollars_has_an_allowed_price() -> None:
    btc = CoinConfig.model_validate(
        DEFAULT_COINS[0].model_dump() | {"name": "BTC", "price_usdt": "126000", "tick": "0.01", "lot": "0.00001"}
    )
    (market,) = binance_instruments((btc,), D("0.001"))
    check_price(market, Side.BUY, D("126000.01"), D(126_000))
    for refused in ("1000000.01", "126000.001"):
        with pytest.raises(BinanceError, match="-1013"):
            check_price(market, Side.BUY, D(refused), D(refused))
