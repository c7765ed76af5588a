"""From a decision to the message that starts its cycle."""

from collections.abc import Set as AbstractSet

from kimp.contracts.cycle import CycleInput, CyclePolicy
from kimp.domain.decision import Plan
from kimp.domain.ids import cycle_id
from kimp.domain.money import Asset


def cycle_input(
    plan: Plan,
    number: int,
    policy: CyclePolicy,
    now_ms: int,
    start_within_ms: int,
    installation: str,
    resting: AbstractSet[Asset] = frozenset(),
) -> CycleInput:
    """The coin's `number`th cycle of this installation, to be opened within `start_within_ms` or not at all.

    `now_ms`: by the database's clock, which is what its expiry is judged by. `resting`: no ways home for now.
    """
    found = plan.found
    # Where both sides are traded at once, coins of leg one that came home by themselves would not be the stock's.
    excluded = resting if found.sale is None else {*resting, found.coin}
    routes = tuple(coin for coin in policy.route_coins if coin not in excluded)
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
        policy=policy.model_copy(update={"route_coins": routes}),
        installation=installation,
        sale=found.sale,
    )
