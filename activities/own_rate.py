"""What cash is worth, by the book of the venue in won itself: whoever writes to the bus must not value orders, losses
or what is left.
"""

import asyncio
from decimal import Decimal

from kimp.domain.errors import Unavailable
from kimp.domain.money import USDT
from kimp.domain.own_prices import PriceBounds
from kimp.domain.premium import mid
from kimp.domain.reasons import ReasonKind
from kimp.ports.exchange import MarketData

WITHIN_S = 5.0


async def own_krw_per_usdt(won: MarketData, bounds: PriceBounds) -> Decimal:
    """Raises a venue error, Unavailable also for a rate that the configuration does not allow."""
    try:
        async with asyncio.timeout(WITHIN_S):
            quote = (await won.tops((USDT,))).get(USDT)
    except TimeoutError:
        raise Unavailable("the price of USDT took too long", venue=won.venue, kind=ReasonKind.TIMEOUT) from None
    if quote is None or not quote.priced:
        raise Unavailable("there is no price in the book of USDT", venue=won.venue, kind=ReasonKind.NO_PRICE)
    rate = mid(quote)
    if rate != bounds.nearest(rate):
        raise Unavailable(f"{rate:f} KRW per USDT is beyond trading.least_ and most_krw_per_usdt", venue=won.venue)
    return rate
