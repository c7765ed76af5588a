"""Why a coin is not traded at this moment: the decision itself, asked for every gate that is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.admission import NEVER_TRADED, CoinState
from kimp.domain.decision import Decision, Facts, Question, Rules, explain
from kimp.domain.money import USDT, Asset
from kimp.domain.premium import coin_premium, mid
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView


@dataclass(frozen=True, slots=True)
class CoinExplanation:
    """Ratios; a premium is None while one of its quotes is missing."""

    coin: Asset
    premium_usdt: Decimal | None
    """Against Upbit's own KRW-USDT market: what a cycle can earn."""
    premium_usd: Decimal | None
    """Against the official USD/KRW rate, as newspapers quote it."""
    directions: dict[str, Decision]


def explain_coin(
    view: MarketView,
    coin: Asset,
    route_coins: Sequence[Asset],
    states: Mapping[Asset, CoinState],
    facts: Facts,
    rules: Rules,
    now_ms: int,
    database_ms: int,
    *,
    usd_krw: Decimal | None = None,
) -> CoinExplanation:
    """Decide on the coin in both directions. `usd_krw`: official won per dollar."""
    dollar = view.quotes.get((Venue.UPBIT, USDT))
    state = states.get(coin, NEVER_TRADED)
    return CoinExplanation(
        coin=coin,
        premium_usdt=_premium(view, coin, None if dollar is None else mid(dollar)),
        premium_usd=_premium(view, coin, usd_krw),
        directions={
            direction.value: explain(
                Question(view, coin, direction, route_coins, state, facts, rules, now_ms, database_ms)
            )
            for direction in Direction
        },
    )


def _premium(view: MarketView, coin: Asset, krw_per_dollar: Decimal | None) -> Decimal | None:
    upbit, binance = view.quotes.get((Venue.UPBIT, coin)), view.quotes.get((Venue.BINANCE, coin))
    if upbit is None or binance is None or krw_per_dollar is None:
        return None
    return coin_premium(upbit, binance, krw_per_dollar)
