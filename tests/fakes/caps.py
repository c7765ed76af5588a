"""Caps that nothing in a test reaches, unless it says so."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from kimp.domain.admission import AdmissionLimits
from kimp.domain.caps import Caps, Exposure
from kimp.domain.market import Venue
from kimp.domain.money import Money
from kimp.ports.books import Stakes

WIDE = Caps(
    order_krw=Decimal(100_000_000),
    cycle_krw=Decimal(100_000_000),
    day_krw=Decimal(100_000_000_000),
    open_cycles=500,
    cycles_per_minute=600,
    losses_in_a_row=100,
    day_loss_krw=Decimal(1_000_000_000),
)
RICH = Stakes(free={venue: Money(Decimal(10**12), venue.cash) for venue in Venue}, exposure=Exposure())


def limits(*, cooldown_ms: int = 60_000, **caps: Any) -> AdmissionLimits:
    return AdmissionLimits(replace(WIDE, **caps), cooldown_ms)
