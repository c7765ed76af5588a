"""From an opportunity to the message: nothing is calculated anew, and nothing is left out."""

from dataclasses import replace

from fakes.initiator_settings import LIMITS, POLICY
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes

from initiator.plan import cycle_input
from kimp.contracts.cycle import CycleInput
from kimp.domain.decision import plan_of
from kimp.domain.money import USDT, Money
from kimp.domain.opportunity import Opportunity, evaluate
from kimp.domain.venues import Direction
from kimp.domain.view import MarketView


def opportunity() -> Opportunity:
    view = MarketView.of(kimchi_quotes(), free_rules((XRP, TRX, USDT)))
    found = evaluate(view, XRP, Direction.TO_UPBIT, (TRX, USDT), LIMITS, NOW)
    assert isinstance(found, Opportunity)
    return found


def test_the_message_carries_the_opportunity() -> None:
    found = opportunity()
    cycle = cycle_input(plan_of(found), 7, POLICY, NOW, 2_000, "k7m2p")
    assert cycle.cycle_id == "XRP-7"
    assert (cycle.coin, cycle.direction) == (XRP, Direction.TO_UPBIT)
    assert (cycle.buy_quantity, cycle.buy_limit_price) == (d(500), found.limit_price)
    assert cycle.buy_instrument == found.buy_instrument
    assert cycle.expected == found.leg_one
    assert (cycle.expected_route, cycle.expected_edge) == (TRX, d("0.01"))
    assert (cycle.premium, cycle.krw_per_usdt) == (found.premium, d(1400))
    assert cycle.policy == POLICY
    assert cycle.quoted_at_ms == found.quoted_at_ms
    assert cycle.installation == "k7m2p"


def test_a_cycle_is_not_offered_a_way_home_that_a_market_refused_a_moment_ago() -> None:
    cycle = cycle_input(plan_of(opportunity()), 7, POLICY, NOW, 2_000, "k7m2p", {TRX})
    assert cycle.policy.route_coins == (XRP, USDT)


def test_what_is_set_aside_pays_for_the_buy_at_its_worst_price() -> None:
    """500 XRP at 2.004 USDT, 0.2 % above the ask, are 1002 USDT; at 1400.0007 won each, 1,402,800.7014 won."""
    cycle = cycle_input(plan_of(replace(opportunity(), krw_per_usdt=d("1400.0007"))), 7, POLICY, NOW, 2_000, "k7m2p")
    assert cycle.buy_limit_price == d("2.004")
    assert cycle.reserve == Money(d(1_002), USDT)
    assert cycle.stake_krw == 1_402_801, "whole won, never less than what is at stake"


def test_a_start_that_comes_late_comes_to_nothing() -> None:
    cycle = cycle_input(plan_of(opportunity()), 7, POLICY, NOW, 2_000, "k7m2p")
    assert (cycle.detected_at_ms, cycle.expires_at_ms) == (NOW, NOW + 2_000)


def test_the_message_survives_the_way_through_temporal() -> None:
    cycle = cycle_input(plan_of(opportunity()), 7, POLICY, NOW, 2_000, "k7m2p")
    assert CycleInput.model_validate_json(cycle.model_dump_json()) == cycle
