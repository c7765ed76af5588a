"""The explanation says what the decision says, with the figures a person looks for first."""

import pytest
from fakes.caps import RICH
from fakes.initiator_settings import RULES
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes

from kimp.domain.admission import CoinState, HaltLevel
from kimp.domain.caps import Exposure
from kimp.domain.decision import RiskState
from kimp.domain.gates import Gate
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Direction, Venue
from kimp.domain.view import MarketView
from kimp.operations.why import CoinExplanation, explain_coin

COINS = (XRP, TRX, USDT)


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules(COINS))


def reported(
    view: MarketView,
    states: dict[Asset, CoinState] | None = None,
    halt: HaltLevel | None = HaltLevel.RUN,
    usd_krw: str | None = None,
) -> CoinExplanation:
    rate = None if usd_krw is None else d(usd_krw)
    facts = RiskState(halt, Exposure(), RICH.free)
    return explain_coin(view, PAIR, XRP, COINS, states or {}, facts, RULES, NOW, NOW, usd_krw=rate)


def test_one_direction_pays_and_the_other_says_why_not() -> None:
    directions = reported(market()).directions
    assert not directions[Direction.TO_UPBIT].closed
    assert [blocked.gate for blocked in directions[Direction.TO_BINANCE].closed] == [Gate.NET_EDGE]


def test_both_premiums() -> None:
    """2829 won against 1.9995 dollars: at 1400 by Upbit's own market, at 1380 by the newspapers."""
    explanation = reported(market(), usd_krw="1380")
    assert explanation.premium_usdt is not None
    assert explanation.premium_usd is not None
    assert round(explanation.premium_usdt, 6) == d("0.010610")
    assert round(explanation.premium_usd, 6) == d("0.025256")


def test_without_an_official_rate_there_is_one_premium() -> None:
    assert reported(market()).premium_usd is None


@pytest.mark.parametrize("missing", [(Venue.UPBIT, XRP), (Venue.BINANCE, XRP), (Venue.UPBIT, USDT)])
def test_without_a_quote_there_is_no_premium(missing: tuple[Venue, Asset]) -> None:
    view = market()
    del view.quotes[missing]
    assert reported(view).premium_usdt is None


def test_what_forbids_a_cycle_that_would_pay_stands_beside_what_it_would_earn() -> None:
    decision = reported(market(), halt=HaltLevel.NO_NEW_CYCLES).directions[Direction.TO_UPBIT]
    assert [blocked.gate for blocked in decision.closed] == [Gate.KILL_SWITCH]
    assert decision.plan is not None
    assert decision.plan.found.net_edge == d("0.01")


def test_the_state_is_the_coins_own() -> None:
    states = {TRX: CoinState(1, open=True, closed_ms=None)}
    assert not reported(market(), states).directions[Direction.TO_UPBIT].closed
    states[XRP] = states[TRX]
    assert [blocked.gate for blocked in reported(market(), states).directions[Direction.TO_UPBIT].closed] == [
        Gate.COIN_BUSY
    ]
