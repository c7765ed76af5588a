"""What the demo's screen and a web page show of the market."""

from types import SimpleNamespace
from typing import Any

from fakes.initiator import PlayedBus
from fakes.market import NOW, TRX, XRP, ManualClock, d, free_rules, kimchi_quotes

from kimp.config import Settings
from kimp.domain.money import USDT
from kimp.domain.opportunity import Opportunity
from kimp.domain.venues import Direction
from kimp.operations.market import CoinMarket, market_now

CONFIGURED = Settings(trading={"coins": ["XRP", "TRX"]})  # type: ignore[arg-type]  # as sources give it


async def market(bus: PlayedBus) -> dict[str, CoinMarket]:
    async def latest() -> None:
        """Nothing was ever changed."""

    database: Any = SimpleNamespace(settings=SimpleNamespace(latest=latest))
    return {row.coin: row for row in await market_now(bus, database, CONFIGURED, ManualClock(NOW))}


async def test_each_coin_with_what_stands_between_it_and_a_cycle() -> None:
    rows = await market(PlayedBus(list(free_rules((XRP, TRX, USDT))), list(kimchi_quotes())))
    assert list(rows) == ["XRP", "TRX"], "USDT is only a way home"
    xrp = rows["XRP"]
    assert xrp.premium is not None
    assert round(xrp.premium, 6) == d("0.010610")
    assert xrp.direction is Direction.TO_UPBIT
    assert isinstance(xrp.best, Opportunity)
    assert rows["TRX"].direction is Direction.TO_BINANCE, "cheaper on Upbit than USDT is"


async def test_without_quotes_there_is_nothing_to_say() -> None:
    assert await market(PlayedBus()) == {coin: CoinMarket(coin, None, None, None, None, None) for coin in (XRP, TRX)}
