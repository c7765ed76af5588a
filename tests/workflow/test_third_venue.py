"""A venue that only this test declares: kimp finds an opportunity on it and trades a whole cycle, unchanged.

Its fees come out of the coins where Upbit's come on top, and it credits XRP by a tag.
"""

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest
from fakes.caps import RICH
from fakes.initiator import PlayedBus, StatedBooks
from fakes.initiator_settings import SETTINGS
from fakes.lab import COINS, LIMITS, POLICY, UNUSED_NUMBERS, XRP, Lab, traded
from fakes.lab import binance as binance_at_even_prices
from fakes.lab import upbit as upbit_with_dear_xrp
from fakes.venue import CHAIN
from temporalio.client import Client

from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.clock import SystemClock
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.contracts.cycle import CycleInput, CycleResult
from kimp.contracts.status import CycleStatus
from kimp.contracts.ticks import encode_batch
from kimp.domain.admission import CoinState
from kimp.domain.decision import Rules
from kimp.domain.ids import workflow_id
from kimp.domain.market import Side
from kimp.domain.money import KRW, USDT, Money
from kimp.domain.venues import Pair, Venue
from kimp.ports.starter import StartOutcome
from workflows.arbitrage_cycle import ArbitrageCycle

HANBIT = Venue.declare("hanbit", cash=KRW, buy_fee_on_top=False, withdraw_fee_on_top=False)
HANBIT_AND_BINANCE = Pair(HANBIT, Venue.BINANCE)
TAGS = {XRP: "2207"}


@pytest.fixture
def lab(temporal_client: Client) -> Lab:
    here = replace(upbit_with_dear_xrp(), venue=HANBIT, pair=HANBIT_AND_BINANCE, tags=TAGS)
    there = replace(binance_at_even_prices(), pair=HANBIT_AND_BINANCE, tags_there=TAGS)
    return Lab(temporal_client, here, there, installation=SETTINGS.installation)


@dataclass
class Started:
    """Temporal's starter, which also notes what was started first."""

    starter: TemporalCycleStarter
    first: asyncio.Future[CycleInput]

    async def start(self, cycle: CycleInput) -> StartOutcome:
        outcome = await self.starter.start(cycle)
        if not self.first.done():  # also one that began although its first answer was late: its number is ours alone
            self.first.set_result(cycle)
        return outcome


async def trade(lab: Lab) -> tuple[CycleInput, CycleResult]:
    """The initiator sees the venues' quotes; what it starts runs to its end."""
    bus = PlayedBus(rules=[replace(rules, read_ms=SystemClock().now_ms()) for rules in await lab.latest_rules()])
    free = {venue: Money(Decimal(10**9), venue.cash) for venue in HANBIT_AND_BINANCE}
    states = {XRP: CoinState(last_number=next(UNUSED_NUMBERS), open=False, closed_ms=None)}
    books = StatedBooks(states, at_stake=replace(RICH, free=free, now_ms=SystemClock().now_ms()))
    settings = replace(
        SETTINGS,
        pair=HANBIT_AND_BINANCE,
        coins=(XRP, USDT),
        policy=POLICY,
        rules=Rules(LIMITS, POLICY.caps, cooldown_ms=60_000),
        start_within_ms=60_000,
    )

    async def latest() -> InitiatorSettings:
        return settings

    started = Started(TemporalCycleStarter(lab.client), asyncio.get_running_loop().create_future())
    initiator = Initiator(bus, started, books, books, books, SystemClock(), settings, latest)
    async with lab.workers():
        running = asyncio.create_task(initiator.run())
        try:
            async with asyncio.timeout(120):
                while not started.first.done():
                    bus.channel.put_nowait(encode_batch(await lab.latest(COINS)))
                    await asyncio.sleep(0.05)
        finally:
            running.cancel()
        cycle = started.first.result()
        handle = lab.client.get_workflow_handle_for(ArbitrageCycle.run, workflow_id(cycle.cycle_id))
        return cycle, await handle.result()


async def test_coins_go_there_where_they_are_dear(lab: Lab) -> None:
    cycle, result = await trade(lab)
    assert str(cycle.direction) == "binance>hanbit"
    assert result.status is CycleStatus.COMPLETED
    assert result.profit_krw is not None
    assert result.profit_krw > 0
    assert traded(lab.binance) == [(Side.BUY, XRP)]
    assert traded(lab.upbit) == [(Side.SELL, XRP), (Side.BUY, USDT)]


async def test_coins_leave_it_where_they_are_cheap(lab: Lab) -> None:
    """Bought with a fee in coins, sent with the network's fee out of the amount."""
    lab.upbit.prices[XRP] = (Decimal(3150), Decimal(3151))
    cycle, result = await trade(lab)
    assert str(cycle.direction) == "hanbit>binance"
    assert result.status is CycleStatus.COMPLETED
    assert result.spent is not None
    assert result.spent.asset == KRW
    (buy,) = [order for order in lab.upbit.sent if order.side is Side.BUY]
    (fill,) = lab.upbit.orders[buy.client_order_id].fills
    assert fill.fee_asset == XRP
    ((name, arrived),) = CHAIN[f"tx-{next(iter(lab.upbit.withdrawals)).removeprefix('w-')}"][1].items()
    assert name.startswith(cycle.cycle_id)
    assert fill.quantity - fill.fee - lab.upbit.network_fee - Decimal("0.000001") <= arrived
    assert arrived <= fill.quantity - fill.fee - lab.upbit.network_fee
