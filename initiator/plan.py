"""From a decision to the message that starts its cycle."""

from kimp.contracts.cycle import CycleInput, CyclePolicy
from kimp.domain.decision import Plan
from kimp.domain.ids import cycle_id


def cycle_input(
    plan: Plan, number: int, policy: CyclePolicy, now_ms: int, start_within_ms: int, installation: str
) -> CycleInput:
    """The coin's `number`th cycle of this installation, to be opened within `start_within_ms` or not at all.

    `now_ms`: by the database's clock, which is what its expiry is judged by.
    """
    found = plan.found
    if found.sale is not None:  # coins of leg one that came home by themselves would not be the stock's
        others = tuple(coin for coin in policy.route_coins if coin != found.coin)
        policy = policy.model_copy(update={"route_coins": others})
    return CycleInput(
        cycle_id=cycle_id(found.coin, number),
        coin=found.coin,
        direction=found.direction,
        buy_instrument=found.buy_instrument,
        buy_quantity=found.leg_one.buy_quantity,
        buy_limit_price=found.limit_price,
        expected=found.leg_one,
        expected_route=found.route.coin,
        reserve=plan.reserve,
        stake_krw=plan.stake_krw,
        expected_edge=found.net_edge,
        premium=found.premium,
        krw_per_usdt=found.krw_per_usdt,
        detected_at_ms=now_ms,
        quoted_at_ms=found.quoted_at_ms,
        expires_at_ms=now_ms + start_within_ms,
        policy=policy,
        installation=installation,
        sale=found.sale,
    )
