"""Why a coin is not traded at this moment: the decision itself, asked for every gate that is closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.config import Settings
from kimp.domain.admission import NEVER_TRADED, CoinState, legs_out, resting
from kimp.domain.decision import Decision, Question, RiskState, Rules, explain
from kimp.domain.errors import BadInput
from kimp.domain.money import Asset
from kimp.domain.premium import premium_between
from kimp.domain.venues import PAIR, Direction, Pair
from kimp.domain.view import MarketView
from kimp.domain.won import krw_per_usdt
from kimp.operations.market import view_now
from kimp.operations.settings import read_in_force
from kimp.ports.clock import Clock
from kimp.ports.database import Database
from kimp.ports.ticks import TickBus


@dataclass(frozen=True, slots=True)
class CoinExplanation:
    """Ratios; a premium is None while one of its quotes is missing."""

    coin: Asset
    premium_usdt: Decimal | None
    """Against the won venue's own KRW-USDT market: what a cycle can earn."""
    premium_usd: Decimal | None
    """Against the official USD/KRW rate, as newspapers quote it."""
    directions: dict[Direction, Decision]


async def why(
    bus: TickBus, database: Database, configured: Settings, clock: Clock, coin: str, *, usd_krw: Decimal | None
) -> CoinExplanation:
    """By the market as the feeder last told it, and by what the database knows.

    Raises BadInput for a coin that is not traded at present, and for a rate that can't be.
    """
    check_official_rate(configured, usd_krw)
    now = (await read_in_force(configured, database.settings)).settings
    if coin not in now.trading.coins:
        raise BadInput(f"{coin} is not traded; trading.coins has {', '.join(now.trading.coins)}")
    coins = now.trading.assets
    view = await view_now(bus, coins)
    states = await database.read_model.coin_states()
    halt = await database.controls.halt_level()
    stakes = await database.capital.stakes()
    open_cycles = sum(state.open for state in states.values())
    risk = RiskState(
        halt,
        stakes.exposure.with_open(open_cycles),
        stakes.free,
        legs_out(states),
        stakes.stock,
        resting(states, stakes.now_ms),
        stakes.armed,
    )
    return explain_coin(
        view, PAIR, Asset(coin), coins, states, risk, now.rules(), clock.now_ms(), stakes.now_ms, usd_krw=usd_krw
    )


def check_official_rate(settings: Settings, usd_krw: Decimal | None) -> None:
    """Raises BadInput for one that can't be."""
    least, most = settings.trading.least_krw_per_usdt, settings.trading.most_krw_per_usdt
    if usd_krw is not None and not least <= usd_krw <= most:
        raise BadInput(f"{usd_krw:f} won per US dollar can't be right: name a rate between {least:f} and {most:f}")


def explain_coin(
    view: MarketView,
    pair: Pair,
    coin: Asset,
    route_coins: Sequence[Asset],
    states: Mapping[Asset, CoinState],
    risk: RiskState,
    rules: Rules,
    now_ms: int,
    database_ms: int,
    *,
    usd_krw: Decimal | None = None,
) -> CoinExplanation:
    """Decide on the coin in both directions. `usd_krw`: official won per dollar."""
    state = states.get(coin, NEVER_TRADED)
    return CoinExplanation(
        coin=coin,
        premium_usdt=premium_between(view.quotes, pair, coin, krw_per_usdt(view.quotes, pair.won)),
        premium_usd=premium_between(view.quotes, pair, coin, usd_krw),
        directions={
            direction: explain(Question(view, coin, direction, route_coins, state, risk, rules, now_ms, database_ms))
            for direction in pair.directions
        },
    )
