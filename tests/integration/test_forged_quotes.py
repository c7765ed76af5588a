"""Somebody with the feeder's rights on a real Redis, beside venues that run: forged quotes buy nothing."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from contract.venues.bench import adapter, settings_of
from fakes import intents
from fakes.caps import WIDE, FixedRules
from fakes.desk import Desk
from fakes.lab import BOUNDS, LIMITS, POLICY, XRP
from fakes.market import ManualClock

from activities.market import MarketActivities
from activities.orders import OrderActivities
from activities.price_guard import LASTING_MS, REFUSALS, PriceGuard
from initiator.plan import cycle_input
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.contracts.cycle import RouteQuery
from kimp.contracts.orders import Opening, OrderOutcome, OrderReport
from kimp.domain.admission import HaltLevel
from kimp.domain.decision import plan_of
from kimp.domain.gates import Gate
from kimp.domain.market import Quote
from kimp.domain.money import KRW, USDT, Money
from kimp.domain.opportunity import Opportunity, evaluate
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import Exchange

COINS = (XRP, USDT)
ENDLESS = Decimal(10**9)
NOTHING: Mapping[tuple[Venue, str], str] = {}
BOTH_DOWN = {(Venue.UPBIT, "USDT"): "0.01", (Venue.UPBIT, "XRP"): "0.01"}
"""The premium stays what it is, and the order is valued at a hundredth."""


class Market:
    """Two venues of the paper exchange, a bus that anybody may write to, and what kimp decides by it."""

    def __init__(self, exchanges: dict[Venue, Exchange], redis_url: str) -> None:
        self.exchanges = exchanges
        self.feeder, self.forger, self.bus = (RedisTickBus(redis_url) for _ in range(3))
        self.desk = Desk(ManualClock(SystemClock().now_ms()))
        guard = PriceGuard(exchanges, self.desk.journal, self.desk.clock, BOUNDS)
        self.orders = OrderActivities(exchanges, self.desk.journal, self.desk.journal, self.desk.clock, guard)
        self.ways = MarketActivities(exchanges, self.bus, SystemClock(), BOUNDS, FixedRules(POLICY))
        self._number = 0

    async def close(self) -> None:
        await asyncio.gather(*(bus.close() for bus in (self.feeder, self.forger, self.bus)))
        await asyncio.gather(*(exchange.close() for exchange in self.exchanges.values()))

    async def feed(self, forged: Mapping[tuple[Venue, str], str]) -> None:
        """What the venues say, and over it what somebody else does."""
        reported = [quote for venue in self.exchanges.values() for quote in (await self._tops(venue))]
        await self.feeder.publish(reported)
        for venue in self.exchanges.values():
            await self.feeder.publish_rules(await venue.rules(COINS))
        if forged:
            await self.forger.publish(
                [_scaled(quote, forged.get((quote.venue, quote.coin), "1")) for quote in reported]
            )

    async def _tops(self, venue: Exchange) -> list[Quote]:
        return list((await venue.tops([coin for coin in COINS if coin != venue.venue.cash])).values())

    async def open(self, forged: Mapping[tuple[Venue, str], str]) -> tuple[str, OrderReport]:
        await self.feed(forged)
        view = MarketView.of(await self.bus.latest(COINS), await self.bus.latest_rules())
        limits = replace(LIMITS, threshold=Decimal(-1), premium_band=Decimal(1), notional_krw=Decimal(100_000))
        found = evaluate(view, XRP, Direction.TO_UPBIT, COINS, limits, SystemClock().now_ms())
        assert isinstance(found, Opportunity), found
        self._number += 1
        cycle = cycle_input(plan_of(found), self._number, POLICY, self.desk.clock.ms, 2_000, "k7m2p")
        intent = intents.order(
            cycle_id=cycle.cycle_id,
            client_order_id=f"{cycle.cycle_id}-1B1-1",
            venue=Venue.BINANCE,
            quantity=cycle.buy_quantity,
            limit_price=cycle.buy_limit_price,
            krw_per_cash=cycle.krw_per_usdt,
            expires_at_ms=cycle.expires_at_ms,
            opening=Opening(
                reserve=cycle.reserve,
                stake_krw=cycle.stake_krw,
                caps=WIDE,
                krw_per_usdt=cycle.krw_per_usdt,
                premium=cycle.premium,
            ),
        )
        report = await self.desk.run(self.orders.execute_order, intent)
        assert isinstance(report, OrderReport)
        return intent.client_order_id, report


def _scaled(quote: Quote, by: str) -> Quote:
    return quote._replace(
        bid=quote.bid * Decimal(by), ask=quote.ask * Decimal(by), bid_size=ENDLESS, ask_size=ENDLESS
    )  # fmt: skip


@pytest.fixture
async def market(redis_url: str) -> AsyncIterator[Market]:
    config = PaperConfig(
        upbit_port=0,
        binance_port=0,
        admin_port=0,
        market=SyntheticMarket(ticks_per_second=0),
        upbit_balances={"KRW": Decimal(100_000_000)},
        binance_balances={"USDT": Decimal(1_000_000)},
    )
    async with PaperExchange(config) as paper:
        market = Market({venue: adapter(settings_of(paper, venue), venue) for venue in PAIR}, redis_url)
        yield market
        await market.close()


async def test_quotes_that_hide_an_orders_size_open_nothing_and_halt(market: Market) -> None:
    _, honest = await market.open(NOTHING)
    assert honest.outcome is OrderOutcome.FILLED
    before = await market.exchanges[Venue.BINANCE].balances()
    for _ in range(REFUSALS):
        assert market.desk.journal.halt is HaltLevel.RUN
        name, report = await market.open(BOTH_DOWN)
        assert report.outcome is OrderOutcome.NOT_SENT
        assert report.reason.startswith(f"{Gate.PRICES_DIFFER}; "), report.reason
        assert await market.exchanges[Venue.BINANCE].find_order(XRP, name) is None
        market.desk.clock.ms += LASTING_MS // (REFUSALS - 1)
    assert await market.exchanges[Venue.BINANCE].balances() == before
    assert market.desk.journal.halt is HaltLevel.NO_NEW_CYCLES


async def test_quotes_in_the_middle_of_a_cycle_choose_no_way_home_and_no_rate(market: Market) -> None:
    await market.feed({(Venue.BINANCE, "XRP"): "2", (Venue.UPBIT, "USDT"): "0.01"})
    own = (await market.exchanges[Venue.UPBIT].tops((USDT,)))[USDT]
    query = RouteQuery(
        cycle_id="XRP-1",
        direction=Direction.TO_BINANCE,
        cash=Money(Decimal(100_000), KRW),
        least=Money(Decimal(100_000) / own.bid * Decimal("1.05"), USDT),
        coins=COINS,
        max_quote_age_ms=2_000,
        look_every_s=1,
        look_for_s=0,
    )
    report = await market.desk.run(market.ways.find_route, query)
    assert report.route is None
    assert own.bid <= report.krw_per_usdt <= own.ask
