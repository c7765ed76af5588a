"""What cash is worth in won: by one rate, the won venue's own market of USDT."""

from collections.abc import Mapping
from decimal import Decimal

from kimp.domain.market import Quote
from kimp.domain.money import KRW, ONE, USDT, Asset, Money, exact
from kimp.domain.premium import mid
from kimp.domain.venues import Venue

CASH = frozenset({KRW, USDT})
"""What prices are quoted in, on one venue or another."""


def krw_per_usdt(quotes: Mapping[tuple[Venue, Asset], Quote], won: Venue) -> Decimal | None:
    """By the quotes of the venue that trades in won; None while it quotes no USDT."""
    dollar = quotes.get((won, USDT))
    return None if dollar is None else mid(dollar)


@exact
def buy_price_krw(quotes: Mapping[tuple[Venue, Asset], Quote], coin: Asset, venue: Venue, won: Venue) -> Decimal | None:
    """What a coin costs on the venue, in won; None while it is not quoted."""
    quote, rate = quotes.get((venue, coin)), krw_per_usdt(quotes, won)
    return None if quote is None or rate is None else quote.ask * krw_per(venue.cash, rate)


def krw_per(cash: Asset, rate: Decimal) -> Decimal:
    """Won per unit of cash. `rate`: KRW per USDT, here and below."""
    return ONE if cash == KRW else rate


@exact
def in_won(cash: Money, rate: Decimal) -> Decimal:
    return cash.amount * krw_per(cash.asset, rate)


@exact
def from_won(won: Decimal, cash: Asset, rate: Decimal) -> Money:
    """So many won in other cash."""
    return Money(won / krw_per(cash, rate), cash)
