"""The kimchi premium and the two effective exchange rates that decide a cycle.

Moving one coin turns USDT into won at `out_rate`, or won into USDT at `home_rate`. A cycle goes out with one coin
and comes home with another, so it earns `out_rate(one) / home_rate(another) - 1`, whichever of the two comes first.
"""

from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.market import Quote
from kimp.domain.money import ONE, Asset, exact
from kimp.domain.venues import Pair, Venue


@exact
def premium(upbit_krw: Decimal, binance_usdt: Decimal, krw_per_usdt: Decimal) -> Decimal:
    """How much dearer a coin is on Upbit, as a ratio (0.01 = 1 %)."""
    return upbit_krw / (binance_usdt * krw_per_usdt) - ONE


@exact
def mid(quote: Quote) -> Decimal:
    return (quote.bid + quote.ask) / 2


def coin_premium(upbit: Quote, binance: Quote, krw_per_usdt: Decimal) -> Decimal:
    """The premium between mid prices: for people and for the sanity band, never for a decision to trade."""
    return premium(mid(upbit), mid(binance), krw_per_usdt)


def premium_between(
    quotes: Mapping[tuple[Venue, Asset], Quote], pair: Pair, coin: Asset, krw_per_usdt: Decimal | None
) -> Decimal | None:
    """The coin's, by the quotes of both venues; None while one of them or the rate is missing."""
    won, dollars = (quotes.get((venue, coin)) for venue in pair)
    if won is None or dollars is None or krw_per_usdt is None:
        return None
    return coin_premium(won, dollars, krw_per_usdt)


@exact
def out_rate(upbit: Quote, binance: Quote) -> Decimal:
    """Won received per USDT when the coin is bought on Binance and sold on Upbit, before fees."""
    return upbit.bid / binance.ask


@exact
def home_rate(upbit: Quote, binance: Quote) -> Decimal:
    """Won paid per USDT when the coin is bought on Upbit and sold on Binance, before fees."""
    return upbit.ask / binance.bid
