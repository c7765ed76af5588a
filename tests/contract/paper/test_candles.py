"""The paper exchange's candles, by kimp's own client of the venues' public pages, and down to the catalogue."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from aiohttp import ClientSession

from kimp.adapters.binance.history import BinanceHistory
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.history import UpbitHistory
from kimp.adapters.venue import history
from kimp.adapters.venue.transport import open_session
from kimp.domain.durations import MINUTE_MS
from kimp.domain.errors import NotFound, Unavailable
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.paper.market.source import Print
from kimp.paper.server import PaperExchange

XRP = Asset("XRP")
KINDS: dict[Venue, Callable[[str, ClientSession], UpbitHistory | BinanceHistory]] = {
    Venue.UPBIT: lambda url, session: UpbitHistory(url, session, SystemClock()),
    Venue.BINANCE: BinanceHistory,
}


@dataclass
class Traded:
    """Trades in the past: three in the first of `minutes`, one in each other, none where a minute is left out."""

    exchange: PaperExchange
    start_ms: int

    def trade(self, venue: Venue, *minutes: int) -> None:
        instrument = self.exchange.world.of(venue, "KRW-XRP" if venue is Venue.UPBIT else "XRPUSDT")
        assert instrument is not None
        tape = self.exchange.world.tape(instrument)
        tape.minutes.clear()
        for price in ("2.1", "2.3", "2.0"):
            tape.add(Print(Decimal(price), Decimal(5), Side.BUY), self.start_ms + minutes[0] * MINUTE_MS + 7)
        for minute in minutes[1:]:
            tape.add(Print(Decimal("2.2"), Decimal(1), Side.BUY), self.start_ms + minute * MINUTE_MS)


@pytest.fixture
def traded(paper: PaperExchange) -> Traded:
    start = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=20)
    return Traded(paper, int(start.timestamp() * 1000))


def url(paper: PaperExchange, venue: Venue) -> str:
    return f"http://127.0.0.1:{paper.upbit_port if venue is Venue.UPBIT else paper.binance_port}"


@pytest.mark.parametrize("venue", [Venue.UPBIT, Venue.BINANCE])
async def test_pages_are_put_together_to_the_minutes_that_were_asked_for(traded: Traded, venue: Venue) -> None:
    """More than a page of either venue holds."""
    traded.trade(venue, *range(1_100))
    start, end = traded.start_ms, traded.start_ms + 1_050 * MINUTE_MS
    async with open_session() as session:
        found = await KINDS[venue](url(traded.exchange, venue), session).minutes(XRP, start, end)
    assert [candle.open_ms for candle in found] == list(range(start, end, MINUTE_MS))
    first = found[0]
    assert (first.open, first.high, first.low, first.close, first.volume) == tuple(
        map(Decimal, ("2.1", "2.3", "2.0", "2.0", "15"))
    )


async def test_upbit_has_no_candle_where_nothing_was_traded_and_binance_a_flat_one(traded: Traded) -> None:
    found = {}
    async with open_session() as session:
        for venue, kind in KINDS.items():
            traded.trade(venue, 0, 3)
            client = kind(url(traded.exchange, venue), session)
            found[venue] = await client.minutes(XRP, traded.start_ms, traded.start_ms + 4 * MINUTE_MS)
    assert [(c.open_ms - traded.start_ms) // MINUTE_MS for c in found[Venue.UPBIT]] == [0, 3]
    assert [c.volume for c in found[Venue.BINANCE]] == [15, 0, 0, 1]
    assert found[Venue.BINANCE][1].close == Decimal("2.0")


@pytest.mark.parametrize("venue", [Venue.UPBIT, Venue.BINANCE])
async def test_a_market_that_is_not_there_is_told(paper: PaperExchange, venue: Venue) -> None:
    async with open_session() as session:
        with pytest.raises(NotFound):
            await KINDS[venue](url(paper, venue), session).minutes(Asset("NONE"), 0, MINUTE_MS)


async def test_a_venue_that_stays_away_is_asked_some_times(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("kimp.adapters.venue.history.asyncio.sleep", sleep)
    async with open_session() as session:
        with pytest.raises(Unavailable, match="gives no market data"):
            await KINDS[Venue.UPBIT]("http://127.0.0.1:9", session).minutes(XRP, 0, MINUTE_MS)
    assert len(slept) == history.TRIES
