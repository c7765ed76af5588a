"""Both venue adapters against a running paper exchange: the tests know the port `Exchange`, not the venue."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from contract.venues.bench import Bench, adapter, settings_of

from kimp.adapters.venue.back_off import back_off_of
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig, RateLimits, SyntheticMarket
from kimp.paper.server import PaperExchange

GENEROUS = RateLimits(upbit_market=10_000, upbit_default=10_000, upbit_order=10_000)
STILL = SyntheticMarket(ticks_per_second=0)
"""Prices stay where they open."""


@pytest.fixture(params=list(PAIR))
def venue(request: pytest.FixtureRequest) -> Venue:
    return Venue(request.param)


@pytest.fixture
def config() -> PaperConfig:
    coins = {"XRP": Decimal(20_000), "SOL": Decimal(100), "SUI": Decimal(10_000)}
    return PaperConfig(
        upbit_port=0,
        binance_port=0,
        admin_port=0,
        market=STILL,
        limits=GENEROUS,
        transfer_time_scale=0.002,
        upbit_balances={"KRW": Decimal(100_000_000), "USDT": Decimal(1_000), **coins},
        binance_balances={"USDT": Decimal(100_000), **coins},
    )


@pytest.fixture(autouse=True)
def no_pause_of_before() -> None:
    """A pause holds for the venue's address in the whole process; here the next venue may get the same port."""
    back_off_of.cache_clear()


@pytest.fixture
async def paper(config: PaperConfig) -> AsyncIterator[PaperExchange]:
    async with PaperExchange(config) as paper:
        yield paper


@pytest.fixture
async def bench(paper: PaperExchange, venue: Venue) -> AsyncIterator[Bench]:
    exchanges = {venue: adapter(settings_of(paper, venue), venue) for venue in PAIR}
    yield Bench(venue, paper, exchanges)
    await asyncio.gather(*(exchange.close() for exchange in exchanges.values()))
