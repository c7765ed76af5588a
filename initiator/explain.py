"""Why a coin is not traded at this moment: the same functions that decide, asked for their reasons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.admission import NEVER_TRADED, AdmissionLimits, CoinState, HaltLevel, admit
from kimp.domain.caps import Exposure, check_caps, check_latches
from kimp.domain.gates import Blocked
from kimp.domain.market import Direction, Venue
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits, Opportunity, evaluate
from kimp.domain.premium import coin_premium, mid
from kimp.domain.view import MarketView


@dataclass(frozen=True, slots=True)
class CoinExplanation:
    """Ratios; a premium is None while one of its quotes is missing."""

    coin: Asset
    premium_usdt: Decimal | None
    """Against Upbit's own KRW-USDT market: what a cycle can earn."""
    premium_usd: Decimal | None
    """Against the official USD/KRW rate, as newspapers quote it."""
    directions: dict[str, Opportunity | Blocked]
    admission: Blocked | None
    """What forbids a new cycle of the coin even if one paid."""


def explain(
    view: MarketView,
    coin: Asset,
    route_coins: Sequence[Asset],
    limits: Limits,
    admission: AdmissionLimits,
    states: Mapping[Asset, CoinState],
    halt: HaltLevel | None,
    exposure: Exposure,
    now_ms: int,
    *,
    usd_krw: Decimal | None = None,
) -> CoinExplanation:
    """Judge the coin in both directions. `usd_krw`: official won per dollar."""
    dollar = view.quotes.get((Venue.UPBIT, USDT))
    open_cycles = sum(state.open for state in states.values())
    return CoinExplanation(
        coin=coin,
        premium_usdt=_premium(view, coin, None if dollar is None else mid(dollar)),
        premium_usd=_premium(view, coin, usd_krw),
        directions={
            direction.value: evaluate(view, coin, direction, route_coins, limits, now_ms) for direction in Direction
        },
        admission=admit(coin, states.get(coin, NEVER_TRADED), open_cycles, halt, admission, now_ms)
        or check_latches(admission.caps, exposure)
        or check_caps(admission.caps, exposure, limits.notional_krw),
    )


def _premium(view: MarketView, coin: Asset, krw_per_dollar: Decimal | None) -> Decimal | None:
    upbit, binance = view.quotes.get((Venue.UPBIT, coin)), view.quotes.get((Venue.BINANCE, coin))
    if upbit is None or binance is None or krw_per_dollar is None:
        return None
    return coin_premium(upbit, binance, krw_per_dollar)
