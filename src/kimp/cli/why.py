"""`kimp why`: the market as the feeder last told it, judged by the initiator's own functions."""

from initiator.explain import CoinExplanation, explain_coin
from kimp.adapters.clock import SystemClock
from kimp.bootstrap.parts import open_bus, open_database
from kimp.bootstrap.settings import read_in_force
from kimp.config import Settings
from kimp.domain.decision import Facts
from kimp.domain.errors import BadInput
from kimp.domain.money import Asset, decimal
from kimp.domain.view import MarketView


async def explain_now(settings: Settings, coin: str, usd_krw: str | None) -> CoinExplanation:
    """Raises BadInput for a coin that is not traded at present."""
    async with open_bus(settings) as bus, open_database(settings) as books:
        now = (await read_in_force(settings, books.settings)).settings
        if coin not in now.trading.coins:
            raise BadInput(f"{coin} is not traded; trading.coins has {', '.join(now.trading.coins)}")
        coins = now.trading.assets
        view = MarketView.of(await bus.latest(coins), await bus.latest_rules())
        states = await books.read_model.coin_states()
        halt = await books.controls.halt_level()
        stakes = await books.capital.stakes()
    open_cycles = sum(state.open for state in states.values())
    return explain_coin(
        view,
        Asset(coin),
        coins,
        states,
        Facts(halt, stakes.exposure.with_open(open_cycles), stakes.free),
        now.rules(),
        SystemClock().now_ms(),
        stakes.now_ms,
        usd_krw=None if usd_krw is None else decimal(usd_krw),
    )
