"""What is shown to somebody who holds nothing is what the decision says of an account that is free."""

from dataclasses import replace

from fakes.initiator_settings import RULES
from fakes.market import NOW, SOL, TRX, XRP, d, free_rules, kimchi_quotes, quote

from kimp.domain.discovery import Discovered
from kimp.domain.gates import Gate
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView
from kimp.operations.watching import CoinSight, by_net_edge, survey, usually_apart

COINS = (TRX, XRP, SOL)


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules((*COINS, USDT)))


def seen(view: MarketView, now_ms: int = NOW, usd_krw: str | None = None) -> dict[Asset, CoinSight]:
    rate = None if usd_krw is None else d(usd_krw)
    return {sight.coin: sight for sight in survey(view, COINS, RULES, now_ms, usd_krw=rate)}


def test_the_direction_that_pays_is_shown_with_its_way_home_and_edge() -> None:
    sight = seen(market())[XRP]
    assert sight.direction is Direction.TO_UPBIT
    assert sight.decision is not None
    assert not sight.decision.closed
    assert sight.decision.plan is not None
    assert sight.decision.plan.found.route.coin == TRX
    assert sight.net_edge == sight.decision.plan.found.net_edge > d("0.005")


def test_a_coin_that_does_not_pay_says_why() -> None:
    sight = seen(market())[TRX]
    assert sight.decision is not None
    assert [blocked.gate for blocked in sight.decision.closed] == [Gate.LEG_ONE_ALONE]


def test_both_premiums_are_told_where_a_rate_is_named() -> None:
    sight = seen(market(), usd_krw="1380")[XRP]
    assert sight.premium_usdt is not None
    assert sight.premium_usd is not None
    assert round(sight.premium_usdt, 6) == d("0.010610")
    assert round(sight.premium_usd, 6) == d("0.025256")
    assert seen(market())[XRP].premium_usd is None


def test_a_coin_without_books_is_shown_without_figures() -> None:
    sight = seen(market())[SOL]
    assert (sight.priced, sight.direction, sight.net_edge, sight.depth_krw) == (False, None, None, None)


def test_without_upbits_dollar_nothing_is_decided() -> None:
    view = market()
    del view.quotes[Venue.UPBIT, USDT]
    assert all(sight.decision is None for sight in seen(view).values())


def test_old_books_start_nothing() -> None:
    sight = seen(market(), NOW + 60_000)[XRP]
    assert sight.decision is not None
    assert sight.decision.closed[0].gate is Gate.QUOTE_STALE


def test_depth_is_the_thinner_books() -> None:
    view = market()
    view.quotes[Venue.BINANCE, XRP] = quote(Venue.BINANCE, XRP, "1.999", "2", size=d(100))
    assert seen(view)[XRP].depth_krw == 2 * 100 * d(1400)


def test_a_price_of_another_coin_is_no_way_home() -> None:
    """It would be the best by far, and hide those that are ways."""
    view = market()
    view.quotes[Venue.UPBIT, SOL] = quote(Venue.UPBIT, SOL, "100", "101")
    view.quotes[Venue.BINANCE, SOL] = quote(Venue.BINANCE, SOL, "200", "201")
    limits = replace(RULES, limits=replace(RULES.limits, premium_band=d("0.03")))
    (xrp,) = [sight for sight in survey(view, COINS, limits, NOW, usd_krw=None) if sight.coin == XRP]
    assert xrp.decision is not None
    assert xrp.decision.plan is not None
    assert xrp.decision.plan.found.route.coin == TRX


def test_the_best_stand_first_and_those_without_a_price_last() -> None:
    assert [sight.coin for sight in by_net_edge(list(seen(market()).values()))] == [XRP, TRX, SOL]


def test_a_coin_that_is_far_off_for_a_day_is_left_out_with_the_reason() -> None:
    view = market()
    view.usual_premiums = {TRX: d("-0.45"), XRP: d("0.01")}
    found = usually_apart(view, Discovered((TRX, XRP, SOL), {Asset("ONE"): "upbit: warning"}), d("0.03"))
    assert found.coins == (XRP, SOL)
    assert found.left_out.keys() == {"ONE", TRX}
    assert "-45.0%" in found.left_out[TRX]
