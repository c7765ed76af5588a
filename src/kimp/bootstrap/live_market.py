"""The real venues' prices as a market of the paper exchange: whoever trades there meets real books with paper money.

Books, ticks, lots, least orders and turnover come from public hosts, without a key; every signed call goes to the paper
exchange. Fees, networks and how long coins travel are assumed.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from kimp.backtest.travel import NINETY_FIFTH, OTHER
from kimp.bootstrap.recorded_market import usual_network
from kimp.bootstrap.watching import open_public_markets, read_listings, require_listed
from kimp.config import Settings
from kimp.domain.errors import Unavailable
from kimp.domain.market import Instrument
from kimp.domain.money import KRW, ONE, Asset
from kimp.domain.ticks import KRW_TICKS
from kimp.domain.venues import PAIR
from kimp.domain.view import MarketView
from kimp.paper.coins import CoinConfig
from kimp.paper.config import LiveMarket

TAIL = math.log(OTHER.late_min / OTHER.usual_min) / NINETY_FIFTH
"""So that one transfer in twenty is as late as one of most chains."""
NOTICE = (
    "prices: the real venues', from their public hosts; money: paper money",
    "assumed, as no key is asked for: usual fees, network fees and travel times, open wallets",
)


@dataclass(frozen=True, slots=True)
class LiveMarketSetup:
    """What `kimp up` runs on."""

    settings: Settings
    """With books and cycles of its own: paper money of another market would not fit."""
    environment: Mapping[str, str]
    """For kimp's processes and for the paper exchange."""
    notice: Sequence[str]


async def live_market(settings: Settings) -> LiveMarketSetup:
    """Raises Unavailable for a host that does not answer, BadInput for a coin that a venue does not list."""
    public = {venue: settings.venue(venue).public for venue in PAIR}
    async with open_public_markets(public) as markets:
        coins = [Asset(coin) for coin in settings.trading.coins]
        require_listed(coins, await read_listings(markets), "trading.coins", "take it out")
        view = MarketView.of((), [await market.rules(settings.trading.assets) for market in markets.values()])
    market = LiveMarket(ws_urls={venue: public[venue].ws_url for venue in PAIR})
    configs = [_coin(view, coin, market.krw_per_usdt) for coin in settings.trading.assets]
    chains = {config.name: config.networks[0].name for config in configs}
    paper = {
        "MARKET": market.model_dump_json(),
        "COINS": json.dumps([config.model_dump(mode="json") for config in configs]),
        "TRANSFER_TIME_SCALE": "1",
        "TRANSFER_TAIL": f"{TAIL:.3f}",
    }
    environment = {f"KIMP_PAPER__{name}": value for name, value in paper.items()}
    changed: dict[str, Any] = {
        "local": settings.local.model_copy(update={"data_dir": settings.local.data_dir / "live"})
    }
    for venue in PAIR:
        environment[f"KIMP_{venue.upper()}__NETWORKS"] = json.dumps(chains)
        environment[f"KIMP_{venue.upper()}__WS_URL"] = public[venue].ws_url
        update = {"networks": chains, "ws_url": public[venue].ws_url}
        changed[venue] = settings.venue(venue).model_copy(update=update)
    return LiveMarketSetup(settings.model_copy(update=changed), environment, NOTICE)


def _coin(view: MarketView, coin: Asset, krw_per_usdt: Decimal) -> CoinConfig:
    """As the venues trade it. Raises Unavailable while one of them does not."""
    found = {venue: view.instruments.get((venue, coin)) for venue in PAIR if coin != venue.cash}
    if closed := next((venue for venue, instrument in found.items() if instrument is None), None):
        raise Unavailable(f"{coin} is not traded now; try again, or take it out of trading.coins", venue=closed)
    won, dollars = found[PAIR.won], found.get(PAIR.dollars)
    cash = [
        cash * (ONE if venue.cash == KRW else krw_per_usdt)
        for venue in PAIR
        if (cash := view.turnovers.get((venue, coin))) is not None
    ]
    return CoinConfig(
        name=coin,
        price_usdt=ONE,  # that of a made-up market
        tick=ONE if dollars is None else dollars.tick_bands[0].tick,
        lot=ONE if dollars is None else dollars.lot,
        binance_least=Decimal(5) if dollars is None else dollars.min_notional,
        upbit_tick=None if won is None else _own_tick(won),
        turnover_krw=min(cash, default=None),
        networks=(usual_network(coin, {venue: view.networks[venue, coin] for venue in PAIR}),),
    )


def _own_tick(instrument: Instrument) -> Decimal | None:
    """Where the market has another one than the published table."""
    bands = zip(instrument.tick_bands, KRW_TICKS, strict=True)
    return next((own.tick for own, usual in bands if own != usual), None)
