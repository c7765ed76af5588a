"""From an opportunity to the message that starts its cycle."""

from decimal import Decimal

from kimp.contracts.cycle import CycleInput, CyclePolicy
from kimp.domain.ids import cycle_id
from kimp.domain.market import Venue
from kimp.domain.money import ONE, Money, exact, round_up
from kimp.domain.opportunity import Opportunity
from kimp.domain.sizing import buy_cost, cash_of


def plan(
    found: Opportunity, number: int, policy: CyclePolicy, now_ms: int, start_within_ms: int, installation: str
) -> CycleInput:
    """The coin's `number`th cycle of this installation, to be opened within `start_within_ms` or not at all.

    `now_ms`: by the database's clock, which is what its expiry is judged by.
    """
    source = found.direction.source
    reserve = cash_of(source, buy_cost(found.limit_price, found.leg_one.buy_quantity, found.buy_instrument))
    return CycleInput(
        cycle_id=cycle_id(found.coin, number),
        coin=found.coin,
        direction=found.direction,
        buy_instrument=found.buy_instrument,
        buy_quantity=found.leg_one.buy_quantity,
        buy_limit_price=found.limit_price,
        expected=found.leg_one,
        expected_route=found.route.coin,
        reserve=reserve,
        stake_krw=_whole_won(reserve, found.krw_per_usdt),
        expected_edge=found.net_edge,
        premium=found.premium,
        krw_per_usdt=found.krw_per_usdt,
        detected_at_ms=now_ms,
        quoted_at_ms=found.quoted_at_ms,
        expires_at_ms=now_ms + start_within_ms,
        policy=policy,
        installation=installation,
    )


@exact
def _whole_won(cash: Money, krw_per_usdt: Decimal) -> int:
    rate = ONE if cash.asset == Venue.UPBIT.cash else krw_per_usdt
    return int(round_up(cash.amount * rate, ONE))
