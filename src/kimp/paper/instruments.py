"""The markets of both venues."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.venues import Venue
from kimp.paper.amounts import SATOSHI
from kimp.paper.coins import CoinConfig
from kimp.paper.ticks import EvenLadder, KrwLadder, Ladder

KRW = "KRW"
USDT = "USDT"
BOOK_STEP = Decimal("0.0001")
"""Sizes of the strangers' orders in Upbit's books."""


@dataclass(frozen=True, slots=True, eq=False)
class PaperInstrument:
    """One market: `symbol` is the venue's own name, prices are in `quote`, amounts in `base`."""

    venue: Venue
    symbol: str
    base: str
    quote: str
    ladder: Ladder
    lot: Decimal
    book_lot: Decimal
    fee: Decimal
    """Ratio, maker and taker alike."""
    min_notional: Decimal
    max_notional: Decimal


def upbit_instruments(coins: Iterable[CoinConfig], fee: Decimal) -> list[PaperInstrument]:
    """docs.upbit.com krw-market-info: at least 5,000 and at most 1,000,000,000 KRW, eight decimals of volume."""
    return [
        PaperInstrument(
            venue=Venue.UPBIT,
            symbol=f"{KRW}-{coin.name}",
            base=coin.name,
            quote=KRW,
            ladder=EvenLadder(coin.upbit_tick) if coin.upbit_tick else KrwLadder(),
            lot=SATOSHI,
            book_lot=BOOK_STEP,
            fee=fee,
            min_notional=Decimal(5_000),
            max_notional=Decimal(1_000_000_000),
        )
        for coin in coins
    ]


def binance_instruments(coins: Iterable[CoinConfig], fee: Decimal) -> list[PaperInstrument]:
    return [
        PaperInstrument(
            venue=Venue.BINANCE,
            symbol=f"{coin.name}{USDT}",
            base=coin.name,
            quote=USDT,
            ladder=EvenLadder(coin.tick),
            lot=coin.lot,
            book_lot=coin.lot,
            fee=fee,
            min_notional=coin.binance_least,
            max_notional=Decimal(9_000_000),
        )
        for coin in coins
        if coin.name != USDT
    ]
