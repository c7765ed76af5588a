"""The venues' rules for the days that are replayed: published ones where there are any, else read off the prices."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.assumed import assumed_networks
from kimp.domain.market import Instrument, Network, TickBand
from kimp.domain.money import ONE, USDT, Asset
from kimp.domain.ticks import KRW_TICKS
from kimp.domain.venues import Pair, Venue

CENTS = Decimal("0.1")
"""A lot on the venue in dollars is worth at most so much: so it is there for all liquid coins."""


@dataclass(frozen=True, slots=True)
class RuleBook:
    instruments: Mapping[tuple[Venue, Asset], Instrument]
    networks: Mapping[tuple[Venue, Asset], Network]


def rule_book(pair: Pair, fees: Mapping[Venue, Decimal], samples: Mapping[Asset, tuple[Decimal, int]]) -> RuleBook:
    """`samples`: a price of each coin in dollars, and how many decimals its prices there have at most."""
    instruments: dict[tuple[Venue, Asset], Instrument] = {}
    networks: dict[tuple[Venue, Asset], Network] = {}
    for coin, (price, decimals) in samples.items():
        instruments[pair.won, coin] = _in_won(pair.won, coin, fees[pair.won])
        if coin != USDT:
            instruments[pair.dollars, coin] = _in_dollars(pair.dollars, coin, fees[pair.dollars], price, decimals)
        networks |= {(venue, coin): network for venue, network in assumed_networks(coin, price).items()}
    return RuleBook(instruments, networks)


def _in_won(venue: Venue, coin: Asset, fee: Decimal) -> Instrument:
    """docs.upbit.com krw-market-info: at least 5,000 and at most 1,000,000,000 KRW, eight decimals of volume."""
    lot = Decimal("1e-8")
    return Instrument(venue, coin, KRW_TICKS, lot, lot, Decimal(5_000), Decimal(1_000_000_000), fee)


def _in_dollars(venue: Venue, coin: Asset, fee: Decimal, price: Decimal, decimals: int) -> Instrument:
    """What Binance's exchangeInfo says is not in its prices; its ticks are powers of ten, so the prices show them."""
    lot = min(ONE, ONE.scaleb((CENTS / price).adjusted()))
    tick = TickBand(Decimal(0), ONE.scaleb(-decimals))
    return Instrument(venue, coin, (tick,), lot, lot, Decimal(5), Decimal(9_000_000), fee)
