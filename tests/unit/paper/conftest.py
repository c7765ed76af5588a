"""A world whose time a test moves by hand."""

from decimal import Decimal

import pytest

from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.world import World


class ManualClock:
    def __init__(self) -> None:
        self.ms = 1_790_000_000_000

    def now_ms(self) -> int:
        return self.ms


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def config() -> PaperConfig:
    return PaperConfig(
        market=SyntheticMarket(ticks_per_second=0),
        transfer_time_scale=1,
        upbit_balances={"KRW": Decimal(100_000_000), "XRP": Decimal(10_000)},
        binance_balances={"USDT": Decimal(100_000), "XRP": Decimal(10_000)},
    )


@pytest.fixture
def world(config: PaperConfig, clock: ManualClock) -> World:
    return World(config, clock)
