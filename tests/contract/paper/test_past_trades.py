"""The paper exchange's past trades, by kimp's own clients of the venues' public pages."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import pytest
from aiohttp import ClientSession

from kimp.adapters.binance.history import BinanceHistory
from kimp.adapters.clock import SystemClock
from kimp.adapters.upbit.history import UpbitHistory
from kimp.adapters.venue.transport import open_session
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import NotFound
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.market.source import Print
from kimp.paper.server import PaperExchange
from kimp.ports.history import MarketHistory, MarketTrade

XRP = Asset("XRP")
MARKETS = {Venue.UPBIT: "KRW-XRP", Venue.BINANCE: "XRPUSDT"}


class LateClock(SystemClock):
    """Says at first that it was yesterday."""

    asked = 0

    def now_ms(self) -> int:
        self.asked += 1
        return super().now_ms() - (DAY_MS if self.asked == 1 else 0)


@dataclass
class Past:
    """Trades of one market, a hundred milliseconds apart."""

    paper: PaperExchange
    venue: Venue
    start_ms: int

    def make(self, times: int) -> None:
        instrument = self.paper.world.of(self.venue, MARKETS[self.venue])
        assert instrument is not None
        tape = self.paper.world.tape(instrument)
        tape.prints.clear()
        for number in range(times):
            tape.add(Print(1 + number * Decimal("0.01"), Decimal(5), Side.BUY), self.start_ms + number * 100)

    def asked(self, session: ClientSession, clock: SystemClock) -> MarketHistory:
        if self.venue is Venue.UPBIT:
            return UpbitHistory(f"http://127.0.0.1:{self.paper.upbit_port}", session, clock)
        return BinanceHistory(f"http://127.0.0.1:{self.paper.binance_port}", session)

    async def reported(
        self, start_ms: int, end_ms: int, clock: Callable[[], SystemClock] = SystemClock
    ) -> list[MarketTrade]:
        async with open_session() as session:
            pages = [page async for page in self.asked(session, clock()).trades(XRP, start_ms, end_ms)]
        return sorted(trade for page in pages for trade in page)


def days_ago(days: int) -> int:
    """Its noon."""
    return SystemClock().now_ms() // DAY_MS * DAY_MS - days * DAY_MS + DAY_MS // 2


@pytest.mark.parametrize("venue", PAIR)
async def test_pages_are_put_together_to_the_trades_of_the_time_that_was_asked_for(
    paper: PaperExchange, venue: Venue
) -> None:
    past = Past(paper, venue, days_ago(2))
    past.make(1_400)
    day_ms = past.start_ms - DAY_MS // 2
    found = await past.reported(day_ms, day_ms + DAY_MS)
    assert [trade.at_ms for trade in found] == [past.start_ms + number * 100 for number in range(1_400)]
    assert found[7] == MarketTrade(past.start_ms + 700, Decimal("1.07"), Decimal(5))
    cut = await past.reported(past.start_ms + 300, past.start_ms + 500)
    assert [trade.at_ms - past.start_ms for trade in cut] == [300, 400]


@pytest.mark.parametrize("venue", PAIR)
async def test_no_trades_of_other_days_are_among_them(paper: PaperExchange, venue: Venue) -> None:
    """Some are just before midnight, the others just after."""
    past = Past(paper, venue, days_ago(1) + DAY_MS // 2 - 1_000 - DAY_MS)
    past.make(20)
    midnight = past.start_ms + 1_000
    assert [len(await past.reported(start, start + DAY_MS)) for start in (midnight - DAY_MS, midnight)] == [10, 10]
    assert await past.reported(midnight - 3 * DAY_MS, midnight - 2 * DAY_MS) == []


async def test_upbit_is_asked_again_where_midnight_came_in_between(paper: PaperExchange) -> None:
    past = Past(paper, Venue.UPBIT, days_ago(1))
    past.make(5)
    day_ms = past.start_ms - DAY_MS // 2
    assert len(await past.reported(day_ms, day_ms + DAY_MS, LateClock)) == 5


@pytest.mark.parametrize("venue", PAIR)
async def test_a_market_without_trades_is_refused(paper: PaperExchange, venue: Venue) -> None:
    past = Past(paper, venue, days_ago(1))
    async with open_session() as session:
        with pytest.raises(NotFound):
            await anext(
                aiter(past.asked(session, SystemClock()).trades(Asset("NONE"), past.start_ms, past.start_ms + 1))
            )
