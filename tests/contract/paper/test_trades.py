"""The paper exchange's trades, by kimp's own clients of the venues' public streams, down to the catalogue."""

import asyncio
from collections.abc import Sequence
from contextlib import aclosing
from decimal import Decimal
from itertools import count, pairwise
from pathlib import Path

import polars as pl
import pytest
from fakes.initiator import PlayedBus

from kimp.adapters.binance.trades import BinanceTrades
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.trades import UpbitTrades
from kimp.adapters.venue.trades import VenueTrades
from kimp.backtest import recording
from kimp.backtest.catalogue import Catalogue
from kimp.backtest.checking import check_catalogue
from kimp.backtest.kinds import DataKind
from kimp.config import VenueSettings
from kimp.domain.market import Side
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.market.source import MarketUpdate, Print
from kimp.paper.server import PaperExchange
from kimp.ports.history import MarketTrade

XRP, SOL = Asset("XRP"), Asset("SOL")
COINS = (XRP, SOL, USDT)
STEP = Decimal("0.01")
STREAMS: dict[Venue, type[VenueTrades]] = {Venue.UPBIT: UpbitTrades, Venue.BINANCE: BinanceTrades}


def stream(paper: PaperExchange, venue: Venue) -> VenueTrades:
    port, path = (paper.upbit_port, "/websocket/v1") if venue is Venue.UPBIT else (paper.binance_port, "")
    return STREAMS[venue](VenueSettings.model_construct(ws_url=f"ws://127.0.0.1:{port}{path}"), SystemClock())


def trade(paper: PaperExchange, venue: Venue, coin: Asset, price: Decimal) -> None:
    paper.world.apply(MarketUpdate(venue, coin, price, price, Print(price, Decimal("0.00000001"), Side.BUY)))


async def busy(paper: PaperExchange) -> None:
    """Each market trades at one price after another."""
    for number in count():
        for venue in PAIR:
            for coin in (XRP, SOL):
                trade(paper, venue, coin, 1 + number * STEP)
        await asyncio.sleep(0.01)


def unbroken(prices: Sequence[Decimal]) -> bool:
    return all(later - before == STEP for before, later in pairwise(prices))


@pytest.mark.parametrize("venue", PAIR)
async def test_each_trade_of_each_coin_is_told_as_it_happens(paper: PaperExchange, venue: Venue) -> None:
    received: dict[Asset, list[MarketTrade]] = {XRP: [], SOL: []}
    trading = asyncio.create_task(busy(paper))
    async with asyncio.timeout(10), aclosing(stream(paper, venue).trades(COINS)) as batches:
        async for batch in batches:
            for coin, reported in batch:
                received[coin].append(reported)
            if min(map(len, received.values())) >= 5:
                break
    trading.cancel()
    now_ms = SystemClock().now_ms()
    for trades in received.values():
        assert unbroken([reported.price for reported in trades])
        assert {reported.quantity for reported in trades} == {Decimal("0.00000001")}
        assert all(abs(reported.at_ms - now_ms) < 20_000 for reported in trades)


async def test_upbits_last_trade_of_before_is_not_told_as_a_new_one(paper: PaperExchange) -> None:
    trade(paper, Venue.UPBIT, XRP, Decimal(9))
    trading = asyncio.create_task(busy(paper))
    async with asyncio.timeout(10), aclosing(stream(paper, Venue.UPBIT).trades(COINS)) as batches:
        reported = await anext(batches)
    trading.cancel()
    assert Decimal(9) not in {one.price for _, one in reported}


async def test_a_recorder_keeps_them_a_file_a_venue(paper: PaperExchange, tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    streams = [stream(paper, venue) for venue in PAIR]
    tasks = [
        asyncio.create_task(recording.record(PlayedBus(), streams, COINS, catalogue, SystemClock(), every_s=1.0)),
        asyncio.create_task(busy(paper)),
    ]
    await asyncio.sleep(0.5)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for venue in PAIR:
        rows = pl.concat([file.read() for file in catalogue.files(DataKind.TRADES, venue)])
        for coin in (XRP, SOL):
            prices = rows.filter(coin=coin)["price"].to_list()
            assert unbroken(prices)
            assert len(prices) > 3
    assert check_catalogue(catalogue).sound
