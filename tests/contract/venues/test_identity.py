"""Two databases on one account: the names of the one mean nothing in the other."""

import time
from decimal import Decimal

from contract.venues.bench import XRP, Bench
from fakes import intents
from fakes.desk import Desk
from fakes.journal import MemoryJournal
from fakes.lab import BOUNDS

from activities.orders import OrderActivities
from activities.price_guard import PriceGuard
from kimp.adapters.clock import SystemClock
from kimp.contracts.orders import OrderOutcome, OrderReport
from kimp.domain.market import Side
from kimp.domain.venues import Venue
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.faults.plan import ScriptedFault


async def executed(bench: Bench, journal: MemoryJournal, quantity: int, *, good_for_s: int = 60) -> OrderReport:
    quote = (await bench.exchange.market(XRP)).quote
    order = intents.order(
        venue=bench.venue,
        side=Side.BUY,
        quantity=Decimal(quantity),
        limit_price=quote.ask,
        krw_per_cash=Decimal(1 if bench.venue is Venue.UPBIT else 1400),
        taker_fee=Decimal("0.01"),
        expires_at_ms=int(time.time() * 1000) + good_for_s * 1000,
    )
    clock, venues = SystemClock(), bench.exchanges
    work = OrderActivities(venues, journal, journal, clock, PriceGuard(venues, journal, clock, BOUNDS))
    report = await Desk().run(work.execute_order, order)
    assert isinstance(report, OrderReport)
    return report


async def test_an_order_that_a_database_of_before_placed_is_not_this_one(bench: Bench) -> None:
    """A new one counts from one again; on Upbit a name is burned for ever, and a look-up finds who burned it."""
    assert (await executed(bench, MemoryJournal(), 100)).outcome is OrderOutcome.FILLED
    before = await bench.holdings()
    if bench.venue is Venue.BINANCE:  # which lets a name be used again: here the second one's answer is refused
        bench.paper.world.faults.injector.script((ScriptedFault(kind=FaultKind.FOREIGN_ORDER, venue=bench.venue),))
    report = await executed(bench, MemoryJournal(), 37)
    assert (report.outcome, report.fills) == (OrderOutcome.FOREIGN, ())
    assert "asked for was buy 37 XRP" in report.reason
    assert await bench.holdings() == before


async def test_an_order_of_many_fills_is_told_whole(bench: Bench) -> None:
    """Binance lists 500 trades unless it is asked for more."""
    bench.paper.world.faults.injector.script((ScriptedFault(kind=FaultKind.MANY_FILLS, venue=bench.venue),))
    report = await executed(bench, MemoryJournal(), 100)
    assert report.outcome is OrderOutcome.FILLED
    found = await bench.exchange.find_order(XRP, report.client_order_id)
    assert found is not None
    assert found.closed
    assert len(found.fills) == len(report.fills) >= 600
    assert sum(fill.quantity for fill in found.fills) == 100
    assert {fill.trade_id for fill in found.fills} == {fill.trade_id for fill in report.fills}
