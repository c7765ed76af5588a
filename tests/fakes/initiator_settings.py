"""Settings under which the quotes of `fakes.market.kimchi_quotes` make exactly one percent."""

from dataclasses import replace
from decimal import Decimal

from fakes.caps import WIDE
from fakes.market import TRX, XRP

from initiator.service import InitiatorSettings
from kimp.contracts.cycle import CyclePolicy
from kimp.domain.decision import Rules
from kimp.domain.money import USDT
from kimp.domain.opportunity import Limits
from kimp.domain.venues import PAIR

LIMITS = Limits(
    threshold=Decimal("0.005"),
    notional_krw=Decimal(1_400_000),
    slippage=Decimal("0.002"),
    premium_band=Decimal("0.1"),
    max_quote_age_ms=1_000,
)
POLICY = CyclePolicy(
    slippage=Decimal("0.002"),
    route_coins=(XRP, TRX, USDT),
    rebalance_floor=Decimal(0),
    rebalance_loss_limit=Decimal("-0.01"),
    compensation_loss_limit=Decimal("-0.05"),
    rebalance_deadline_s=3_600,
    rebalance_poll_s=10,
    max_quote_age_ms=1_000,
    caps=WIDE,
)
RULES = Rules(LIMITS, replace(WIDE, open_cycles=5), cooldown_ms=60_000)
SETTINGS = InitiatorSettings(
    pair=PAIR,
    coins=(XRP, TRX, USDT),
    rules=RULES,
    policy=POLICY,
    start_within_ms=2_000,
    installation="k7m2p",
)
