"""Quotes, rules and a view of both markets with round numbers, for tests that calculate by hand."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.market import Instrument, Network, Quote, TickBand, Turnover, VenueRules
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue

NOW = 1_790_000_000_000
XRP, TRX, SOL = Asset("XRP"), Asset("TRX"), Asset("SOL")
DEEP = Decimal(1_000_000_000)


@dataclass
class ManualClock:
    """Stands still until a test moves it."""

    ms: int = NOW
    off_ms: int = 0
    """By how much somebody has set this machine's wall clock wrong."""

    def now_ms(self) -> int:
        return self.ms + self.off_ms

    def steady_ms(self) -> int:
        return self.ms


def d(text: str | int) -> Decimal:
    return Decimal(text)


def quote(venue: Venue, coin: Asset, bid: str, ask: str, *, size: Decimal = DEEP, received_ms: int = NOW) -> Quote:
    return Quote(venue, coin, Decimal(bid), size, Decimal(ask), size, received_ms)


def instrument(
    venue: Venue,
    coin: Asset = XRP,
    *,
    tick: str = "0.0001",
    lot: str = "0.01",
    min_quantity: str = "0.01",
    min_notional: str = "5",
    max_notional: str = "1000000000",
    fee: str = "0",
    bands: tuple[TickBand, ...] | None = None,
) -> Instrument:
    return Instrument(
        venue=venue,
        coin=coin,
        tick_bands=bands or (TickBand(Decimal(0), Decimal(tick)),),
        lot=Decimal(lot),
        min_quantity=Decimal(min_quantity),
        min_notional=Decimal(min_notional),
        max_notional=Decimal(max_notional),
        taker_fee=Decimal(fee),
    )


def network(
    venue: Venue,
    coin: Asset = XRP,
    *,
    fee: str = "0",
    least: str = "0",
    step: str = "0.000001",
    out: bool = True,
    into: bool = True,
) -> Network:
    return Network(
        venue=venue,
        coin=coin,
        name="TRC20" if coin == USDT else coin,
        withdraw_fee=Decimal(fee),
        withdraw_min=Decimal(least),
        withdraw_step=Decimal(step),
        withdraw_open=out,
        deposit_open=into,
        tag_required=False,
    )


def rules_of(
    venue: Venue, instruments: Iterable[Instrument], networks: Iterable[Network], read_ms: int = NOW
) -> VenueRules:
    """Each market turned over much."""
    markets = tuple(instruments)
    turnovers = tuple(Turnover(venue, market.coin, Decimal(10**12)) for market in markets)
    return VenueRules(venue, read_ms, markets, tuple(networks), turnovers)


def free_rules(coins: Iterable[Asset], read_ms: int = NOW) -> list[VenueRules]:
    """Both venues with no fees and open wallets; USDT has a market on Upbit only."""
    named = tuple(coins)
    return [
        rules_of(
            venue,
            (instrument(venue, coin) for coin in named if coin != venue.cash),
            (network(venue, coin) for coin in named),
            read_ms,
        )
        for venue in PAIR
    ]


def kimchi_quotes(received_ms: int = NOW) -> list[Quote]:
    """USDT at 1400 won; XRP 1 % dear on Upbit (2 USDT against 2828 won), TRX even (0.25 USDT, 350 won)."""
    return [
        quote(Venue.UPBIT, USDT, "1399", "1401", received_ms=received_ms),
        quote(Venue.UPBIT, XRP, "2828", "2830", received_ms=received_ms),
        quote(Venue.BINANCE, XRP, "1.999", "2", received_ms=received_ms),
        quote(Venue.UPBIT, TRX, "349.9", "350", received_ms=received_ms),
        quote(Venue.BINANCE, TRX, "0.25", "0.2501", received_ms=received_ms),
    ]
