"""Paper money against the venues' own books, where a second paper exchange stands for the venues."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from fakes import intents
from fakes.market import SOL, XRP, d
from fakes.stand_in import StandIn, stand_in

from kimp.adapters.binance.rest import BinanceExchange
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.rest import UpbitExchange
from kimp.bootstrap.live_books import read_live_books
from kimp.bootstrap.live_market import live_market
from kimp.config import BinanceSettings, Settings, TradingSettings, UpbitSettings
from kimp.domain.errors import BadInput, Rejected, Unavailable
from kimp.domain.market import Side
from kimp.domain.money import USDT, Asset, round_down
from kimp.domain.venues import PAIR, Venue
from kimp.paper.book import Book
from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.config import LiveMarket, PaperConfig, SyntheticMarket
from kimp.paper.instruments import PaperInstrument
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import Exchange

NAMES = ("XRP", "SOL", "USDT")
VENUES = PaperConfig(
    upbit_port=0,
    binance_port=0,
    admin_port=0,
    coins=tuple(coin for coin in DEFAULT_COINS if coin.name in NAMES),
    market=SyntheticMarket(ticks_per_second=100, episode_every_s=0),
)
CLOCK = SystemClock()
EARLIER_MS = 1_000
"""How long ago a book that an order meets may have been shown: what the wire and a busy machine take."""
LATENCY_MS = 100
TICKS = 10
"""From the best price to an order's limit: prices move while it is on its way."""


@dataclass
class Shown:
    """Every book of the venues, as it was at each moment: (ms, level's quantity by price)."""

    books: dict[tuple[str, Side], list[tuple[int, dict[Decimal, Decimal]]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def watch(self, exchange: PaperExchange) -> None:
        for venue in PAIR:
            exchange.world.on_book[venue].append(lambda instrument: self._note(exchange.world.book(instrument)))

    def _note(self, book: Book) -> None:
        for side in Side:
            levels = {level.price: level.quantity for level in book.levels(side)}
            self.books[book.instrument.symbol, side].append((CLOCK.now_ms(), levels))

    def had(self, symbol: str, side: Side, price: Decimal, quantity: Decimal, between: tuple[int, int]) -> bool:
        first, last = between
        shown = (levels for at_ms, levels in self.books[symbol, side] if first <= at_ms <= last)
        return any(levels.get(price, Decimal(0)) >= quantity for levels in shown)


@dataclass
class PaperMoney:
    """The paper exchange that trades on the venues' books."""

    venues: StandIn
    exchange: PaperExchange
    adapters: dict[Venue, Exchange]
    shown: Shown
    number: int = 0

    async def order(self, venue: Venue, coin: Asset, side: Side, krw: int) -> list[tuple[Decimal, Decimal]]:
        """Price and quantity of each fill, of which each was in the venue's book when it came."""
        self.number += 1
        instrument = self._instrument(venue, coin)
        book = self.exchange.world.book(instrument)
        best = book.ask if side is Side.BUY else book.bid
        limit = best
        for _ in range(TICKS):
            limit = instrument.ladder.next_up(limit) if side is Side.BUY else instrument.ladder.next_down(limit)
        cash = Decimal(krw) if venue is PAIR.won else Decimal(krw) / 1475
        quantity = round_down(cash / best, instrument.lot)
        intent = intents.order(
            venue=venue, coin=coin, side=side, quantity=quantity, limit_price=limit,
            client_order_id=f"{coin}-1-1B1-{self.number}", krw_per_cash=d(1 if venue is PAIR.won else 1475),
        )  # fmt: skip
        sent_ms = CLOCK.now_ms()
        placed = await self.adapters[venue].place_order(intent, send_by_ms=CLOCK.steady_ms() + 5_000)
        if not placed.closed:  # Upbit tells the trades to whoever asks again
            found = await self.adapters[venue].find_order(coin, intent.client_order_id)
            assert found is not None
            placed = found
        assert CLOCK.now_ms() - sent_ms >= LATENCY_MS
        between = sent_ms + LATENCY_MS - EARLIER_MS, CLOCK.now_ms()
        fills = [(fill.price, fill.quantity) for fill in placed.fills]
        for price, filled in fills:
            assert self.shown.had(instrument.symbol, side, price, filled, between), (price, filled)
        return fills

    def _instrument(self, venue: Venue, coin: Asset) -> PaperInstrument:
        return next(one for one in self.exchange.world.listed(venue) if one.base == coin)


def settings_for(venues: StandIn, *coins: str) -> Settings:
    hosts = venues.hosts
    return Settings(
        trading=TradingSettings(coins=coins or ("XRP", "SOL")),
        upbit=UpbitSettings(
            public_rest_url=hosts["KIMP_UPBIT__PUBLIC_REST_URL"], public_ws_url=hosts["KIMP_UPBIT__PUBLIC_WS_URL"]
        ),
        binance=BinanceSettings(
            public_rest_url=hosts["KIMP_BINANCE__PUBLIC_REST_URL"], public_ws_url=hosts["KIMP_BINANCE__PUBLIC_WS_URL"]
        ),
    )


def config_of(environment: Any, **market: int) -> PaperConfig:
    """As `kimp paper` reads it."""
    live = LiveMarket.model_validate_json(environment["KIMP_PAPER__MARKET"]).model_copy(update=market)
    holds = {"KRW": d(100_000_000), "USDT": d(100_000), "XRP": d(100_000), "SOL": d(1_000)}
    return PaperConfig(
        upbit_port=0,
        binance_port=0,
        admin_port=0,
        coins=json.loads(environment["KIMP_PAPER__COINS"]),
        market=live,
        upbit_balances=holds,
        binance_balances=holds,
    )


@pytest.fixture
async def venues() -> AsyncIterator[StandIn]:
    async with stand_in(VENUES) as venues:
        yield venues


@pytest.fixture
async def paper_money(venues: StandIn) -> AsyncIterator[PaperMoney]:
    async with trading(venues) as money:
        yield money


@asynccontextmanager
async def trading(venues: StandIn) -> AsyncIterator[PaperMoney]:
    shown = Shown()
    shown.watch(venues.exchange)
    settings = settings_for(venues)
    config = config_of((await live_market(settings)).environment, latency_ms=LATENCY_MS, stale_ms=1_000)
    assert isinstance(config.market, LiveMarket)
    live = await read_live_books(settings, config.market, [XRP, SOL, USDT])
    async with PaperExchange(config, live) as exchange:
        upbit = settings.upbit.model_copy(update={"rest_url": f"http://127.0.0.1:{exchange.upbit_port}"})
        binance = settings.binance.model_copy(update={"rest_url": f"http://127.0.0.1:{exchange.binance_port}"})
        adapters: dict[Venue, Exchange] = {
            PAIR.won: UpbitExchange(upbit, CLOCK, lambda: upbit.single),
            PAIR.dollars: BinanceExchange(binance, CLOCK, lambda: binance.single),
        }
        try:
            await eventually(lambda: all(exchange.world.desks[i.venue].known(i.symbol) for i in markets(exchange)))
            yield PaperMoney(venues, exchange, adapters, shown)
        finally:
            await asyncio.gather(*(adapter.close() for adapter in adapters.values()))


def markets(exchange: PaperExchange) -> list[PaperInstrument]:
    return [instrument for venue in PAIR for instrument in exchange.world.listed(venue)]


async def eventually(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not question():
        assert time.monotonic() < deadline, "still not true"
        await asyncio.sleep(0.02)


async def test_every_fill_was_in_the_venues_book_and_no_signed_request_reaches_the_venue(
    paper_money: PaperMoney,
) -> None:
    fills = 0
    for krw in (300_000, 3_000_000):
        for venue in PAIR:
            for coin in (XRP, SOL):
                for side in Side:
                    fills += len(await paper_money.order(venue, coin, side, krw))
    assert fills >= 8
    assert not paper_money.venues.signed
    assert not paper_money.venues.exchange.world.journal.tail(1, "request")
    assert len(paper_money.exchange.world.journal.tail(100, "order")) == 16


async def test_ticks_lots_and_least_orders_are_the_venues(paper_money: PaperMoney) -> None:
    theirs = {(i.venue, i.symbol): i for i in markets(paper_money.venues.exchange)}
    for ours in markets(paper_money.exchange):
        other = theirs[ours.venue, ours.symbol]
        price = paper_money.exchange.world.book(ours).ask
        assert (ours.lot, ours.min_notional) == (other.lot, other.min_notional)
        assert ours.ladder.tick(price) == other.ladder.tick(price)


async def test_once_the_venues_are_silent_orders_are_refused(venues: StandIn) -> None:
    async with trading(venues) as money:
        assert await money.order(PAIR.won, XRP, Side.BUY, 100_000)
        await venues.exchange.stop()
        await asyncio.sleep(1.1)
        for venue in PAIR:
            with pytest.raises((Rejected, Unavailable), match="closed"):
                await money.order(venue, XRP, Side.BUY, 100_000)


async def test_a_coin_that_a_venue_does_not_list_is_refused_before_anything_starts(venues: StandIn) -> None:
    with pytest.raises(BadInput, match="there is no market of NOPE on upbit and binance"):
        await live_market(settings_for(venues, "XRP", "NOPE"))


async def test_feeder_and_paper_exchange_read_the_public_hosts_and_all_else_stays_local(venues: StandIn) -> None:
    setup = await live_market(settings_for(venues))
    assert setup.environment["KIMP_UPBIT__WS_URL"] == venues.hosts["KIMP_UPBIT__PUBLIC_WS_URL"]
    assert setup.environment["KIMP_BINANCE__WS_URL"] == venues.hosts["KIMP_BINANCE__PUBLIC_WS_URL"]
    assert not [name for name in setup.environment if "REST_URL" in name]
    for venue in PAIR:
        assert setup.settings.venue(venue).rest_url == Settings().venue(venue).rest_url
    assert setup.settings.local.data_dir.name == "live"
