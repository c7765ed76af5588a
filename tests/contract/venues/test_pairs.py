"""Both orders of a pair on real sockets: the second request is at its venue before the first is answered."""

import asyncio
import time
from dataclasses import dataclass, field
from decimal import Decimal

from aiohttp import web
from aiohttp.typedefs import Handler
from contract.venues.bench import XRP, Bench
from fakes import intents
from fakes.desk import Desk
from fakes.intents import NEVER
from fakes.journal import MemoryJournal
from fakes.lab import BOUNDS

from activities.orders import OrderActivities
from activities.price_guard import PriceGuard
from kimp.adapters.clock import SystemClock
from kimp.contracts.orders import OrderOutcome, OrderPair, PairReport
from kimp.domain.market import Side
from kimp.domain.venues import PAIR, Venue

GAP_S = 0.25
"""On a machine that does other work as well; alone it is a few milliseconds."""


@dataclass
class Arrivals:
    """A hook at both venues: each order is answered once both have come."""

    at: dict[Venue, float] = field(default_factory=dict)
    both: asyncio.Event = field(default_factory=asyncio.Event)

    def at_venue(self, venue: Venue) -> "Door":
        return Door(self, venue)


@dataclass
class Door:
    arrivals: Arrivals
    venue: Venue

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.method == "POST":
            self.arrivals.at[self.venue] = time.perf_counter()
            if len(self.arrivals.at) == len(PAIR):
                self.arrivals.both.set()
            await asyncio.wait_for(self.arrivals.both.wait(), 5)
        return await handler(request)


async def executed(bench: Bench) -> PairReport:
    """Bought on the venue under test, sold on the other."""
    there = PAIR.other(bench.venue)
    bought, sold = (await bench.exchange.market(XRP)).quote, (await bench.other.market(XRP)).quote
    facts = {"taker_fee": Decimal("0.01"), "expires_at_ms": NEVER, "quantity": Decimal(50)}
    asked = OrderPair(
        buy=intents.order(**facts, venue=bench.venue, limit_price=bought.ask, krw_per_cash=Decimal(_krw(bench.venue))),
        sell=intents.order(
            **facts,
            client_order_id="XRP-1-1S1-1",
            venue=there,
            side=Side.SELL,
            limit_price=sold.bid,
            krw_per_cash=Decimal(_krw(there)),
        ),
    )
    clock, venues, journal = SystemClock(), bench.exchanges, MemoryJournal()
    work = OrderActivities(venues, journal, journal, clock, PriceGuard(venues, journal, clock, BOUNDS))
    report = await Desk(run_id="run-1").run(work.execute_pair, asked)
    assert isinstance(report, PairReport)
    return report


def _krw(venue: Venue) -> int:
    return 1 if venue is PAIR.won else 1400


async def test_the_second_request_comes_before_the_first_is_answered(bench: Bench) -> None:
    arrivals = Arrivals()
    bench.paper.upbit_seam.hook = arrivals.at_venue(Venue.UPBIT)
    bench.paper.binance_seam.hook = arrivals.at_venue(Venue.BINANCE)
    report = await executed(bench)
    assert (report.buy.outcome, report.sell.outcome) == (OrderOutcome.FILLED, OrderOutcome.FILLED)
    gap_s = abs(arrivals.at[Venue.UPBIT] - arrivals.at[Venue.BINANCE])
    assert gap_s < GAP_S
