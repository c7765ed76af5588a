"""The explanation says what the decision says, with the figures a person looks for first."""

import pytest
from fakes.caps import limits
from fakes.initiator_settings import LIMITS
from fakes.market import NOW, TRX, XRP, d, free_rules, kimchi_quotes

from initiator.explain import CoinExplanation, explain
from kimp.domain.admission import CoinState, HaltLevel
from kimp.domain.caps import Exposure
from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Direction, Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Opportunity, evaluate
from kimp.domain.view import MarketView

COINS = (XRP, TRX, USDT)
ADMISSION = limits(open_cycles=1)


def market() -> MarketView:
    return MarketView.of(kimchi_quotes(), free_rules(COINS))


def told(
    view: MarketView,
    states: dict[Asset, CoinState] | None = None,
    halt: HaltLevel | None = HaltLevel.RUN,
    usd_krw: str | None = None,
) -> CoinExplanation:
    rate = None if usd_krw is None else d(usd_krw)
    return explain(view, XRP, COINS, LIMITS, ADMISSION, states or {}, halt, Exposure(), NOW, usd_krw=rate)


@pytest.mark.parametrize("direction", list(Direction))
def test_both_directions_are_judged_as_the_live_system_judges_them(direction: Direction) -> None:
    view = market()
    assert told(view).directions[direction.value] == evaluate(view, XRP, direction, COINS, LIMITS, NOW)


def test_one_direction_pays_and_the_other_says_why_not() -> None:
    directions = told(market()).directions
    assert isinstance(directions["to_upbit"], Opportunity)
    other = directions["to_binance"]
    assert isinstance(other, Blocked)
    assert other.gate is Gate.NET_EDGE


def test_both_premiums() -> None:
    """2829 won against 1.9995 dollars: at 1400 by Upbit's own market, at 1380 by the newspapers."""
    explanation = told(market(), usd_krw="1380")
    assert explanation.premium_usdt is not None
    assert explanation.premium_usd is not None
    assert round(explanation.premium_usdt, 6) == d("0.010610")
    assert round(explanation.premium_usd, 6) == d("0.025256")


def test_without_an_official_rate_there_is_one_premium() -> None:
    assert told(market()).premium_usd is None


@pytest.mark.parametrize("missing", [(Venue.UPBIT, XRP), (Venue.BINANCE, XRP), (Venue.UPBIT, USDT)])
def test_without_a_quote_there_is_no_premium_and_the_gate_says_so(missing: tuple[Venue, Asset]) -> None:
    view = market()
    del view.quotes[missing]
    explanation = told(view)
    assert explanation.premium_usdt is None
    answer = explanation.directions["to_upbit"]
    assert isinstance(answer, Blocked)
    assert answer.gate is Gate.QUOTE_MISSING


def test_what_forbids_a_cycle_that_would_pay() -> None:
    explanation = told(market(), halt=HaltLevel.NO_NEW_CYCLES)
    assert isinstance(explanation.directions["to_upbit"], Opportunity)
    assert explanation.admission is not None
    assert explanation.admission.gate is Gate.KILL_SWITCH


def test_open_cycles_of_all_coins_count() -> None:
    states = {TRX: CoinState(1, open=True, closed_ms=None)}
    blocked = told(market(), states).admission
    assert blocked is not None
    assert blocked.gate is Gate.OPEN_CYCLES


def test_nothing_forbids_a_free_coin() -> None:
    assert told(market()).admission is None
