"""Caps that nothing in a test reaches, unless it says so."""

from dataclasses import dataclass
from decimal import Decimal

from fakes.market import NOW

from kimp.contracts.cycle import CyclePolicy
from kimp.domain.caps import Caps, Exposure
from kimp.domain.money import Money
from kimp.domain.venues import PAIR
from kimp.ports.controls import Stakes

WIDE = Caps(
    order_krw=Decimal(100_000_000),
    cycle_krw=Decimal(100_000_000),
    day_krw=Decimal(100_000_000_000),
    open_cycles=500,
    cycles_per_minute=600,
    losses_in_a_row=100,
    day_loss_krw=Decimal(1_000_000_000),
)
RICH = Stakes(free={venue: Money(Decimal(10**12), venue.cash) for venue in PAIR}, exposure=Exposure(), now_ms=NOW)


@dataclass
class FixedRules:
    """The port `TradingRules` of a system whose settings nobody changes."""

    always: CyclePolicy
    tolerance_krw: Decimal = Decimal(10_000)
    band: Decimal = Decimal("0.2")

    async def policy(self) -> CyclePolicy:
        return self.always

    async def premium_band(self) -> Decimal:
        return self.band

    async def unexplained_krw(self) -> Decimal:
        return self.tolerance_krw
