"""Recorded prices as a market of the paper exchange: with the coins that the files tell, and time passes faster."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any

from kimp.backtest.options import Model
from kimp.backtest.travel import travel_of
from kimp.backtest.venue_rules import RuleBook, rule_book
from kimp.config import Settings
from kimp.domain.assumed import usual_chain
from kimp.domain.errors import BadInput
from kimp.domain.market import Network
from kimp.domain.money import ONE, USDT, Asset
from kimp.domain.tags import TAGGED_COINS
from kimp.domain.venues import PAIR, Venue
from kimp.paper.coins import CoinConfig, PaperNetwork
from kimp.paper.market.recorded import read_recording
from kimp.paper.market.rows import RecordedPrice

SHARES = {"review_s": 0.25, "confirm_s": 0.5, "credit_s": 0.25}
"""Of the usual travel time."""
DOLLAR_PLACES = 4
NAME_LENGTH = 12


class _Every:
    """All coins."""

    def __contains__(self, _coin: object) -> bool:
        return True


@dataclass(frozen=True, slots=True)
class RecordedMarket:
    """What is played, and how fast."""

    settings: Settings
    """As they were given, with the coins that are played and waits that are as much shorter as time is faster."""
    environment: Mapping[str, str]
    """The same for kimp's processes and for the paper exchange."""
    lasts_s: float
    """From the first price to the last one, as it is played."""


def recorded_market(settings: Settings, files: Sequence[Path], speed: float) -> RecordedMarket:
    """Raises BadMarketData for a bad file, BadInput where the files tell no coin of both venues."""
    rows = list(chain.from_iterable(read_recording(path, _Every()).rows for path in files))
    samples = _samples(rows)
    if not samples:
        raise BadInput(
            f"{', '.join(map(str, files))}: no coin has prices of both venues; add a file of"
            f" {' or '.join(PAIR)}, whichever is missing"
        )
    played = {**samples, USDT: (Decimal(1), DOLLAR_PLACES)}
    rules = rule_book(PAIR, Model().fees, played)
    chains = {coin: _chain(coin) for coin in played}
    trading: dict[str, Any] = {"coins": tuple(samples), **_hurried(settings, speed)}
    market = {"kind": "replay", "files": [str(path.absolute()) for path in files], "speed": speed, "waits": True}
    paper = {
        "MARKET": json.dumps(market),
        "COINS": json.dumps([_coin(coin, rules, price) for coin, (price, _) in played.items()]),
        "TRANSFER_TIME_SCALE": f"{1 / speed:.9f}",
    }
    environment = {f"KIMP_PAPER__{name}": value for name, value in paper.items()}
    environment |= {f"KIMP_TRADING__{name.upper()}": json.dumps(value) for name, value in trading.items()}
    environment |= {f"KIMP_{venue.upper()}__NETWORKS": json.dumps(chains) for venue in PAIR}
    changed: dict[str, Any] = {"trading": settings.trading.model_copy(update=trading)}
    changed |= {venue: settings.venue(venue).model_copy(update={"networks": chains}) for venue in PAIR}
    times = [row.at_ms for row in rows if row.coin in chains]
    return RecordedMarket(settings.model_copy(update=changed), environment, (max(times) - min(times)) / 1000 / speed)


def _samples(rows: Sequence[RecordedPrice]) -> dict[Asset, tuple[Decimal, int]]:
    """Of each coin that both venues have: a price in dollars, and the most decimals that its prices there have."""
    found: dict[Asset, tuple[Decimal, int]] = {}
    won = {row.coin for row in rows if row.venue is PAIR.won}
    for row in rows:
        coin = Asset(row.coin)
        if row.venue is PAIR.dollars and coin in won and coin != USDT and _may_be_named(coin):
            exponent = row.price.normalize().as_tuple().exponent
            places = max(0, -exponent) if isinstance(exponent, int) else 0
            found[coin] = (row.price, max(places, found.get(coin, (row.price, 0))[1]))
    return found


def _may_be_named(coin: Asset) -> bool:
    return coin.isascii() and coin.isalnum() and len(coin) <= NAME_LENGTH


def _hurried(settings: Settings, speed: float) -> dict[str, int]:
    """Waits for the market and for coins on their way. What measures kimp itself, such as the age of a quote on the
    bus, stays: its processes are no faster.
    """
    trading = settings.trading
    waits = {
        name: max(1, round(getattr(trading, name) / speed))
        for name in ("rebalance_deadline_s", "rebalance_poll_s", "deposit_unseen_s")
    }
    return {"cooldown_s": round(trading.cooldown_s / speed), **waits}


def _chain(coin: Asset) -> str:
    return usual_chain(coin) or coin


def usual_network(coin: Asset, ends: Mapping[Venue, Network]) -> PaperNetwork:
    """The chain that the coin is usually sent over, as slow as it usually is."""
    usual_s = travel_of(coin).usual_min * 60
    return PaperNetwork(
        name=_chain(coin),
        tag_required=coin in TAGGED_COINS,
        decimals=6,
        upbit_fee=ends[PAIR.won].withdraw_fee,
        upbit_min=ends[PAIR.won].withdraw_min,
        binance_fee=ends[PAIR.dollars].withdraw_fee,
        binance_min=ends[PAIR.dollars].withdraw_min,
        **{step: usual_s * share for step, share in SHARES.items()},
    )


def _coin(coin: Asset, rules: RuleBook, price: Decimal) -> dict[str, Any]:
    dollars = rules.instruments.get((PAIR.dollars, coin))
    config = CoinConfig(
        name=coin,
        price_usdt=price,
        tick=ONE.scaleb(-DOLLAR_PLACES) if dollars is None else dollars.tick_bands[0].tick,
        lot=Decimal(1) if dollars is None else dollars.lot,
        networks=(usual_network(coin, {venue: rules.networks[venue, coin] for venue in PAIR}),),
    )
    return config.model_dump(mode="json")
