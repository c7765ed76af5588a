"""Before a cycle is opened: is what the message says what the venues themselves say?

Quotes come over a bus that others may write to, and the message that starts a cycle is made from them: its premium,
its prices and the rate that values it against every cap. So whoever sends the first order reads the books itself, and
believes a message that is near enough to them. What counts by value from here on is valued by that reading.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.depth import walk
from kimp.domain.gates import Blocked, Gate
from kimp.domain.market import Quotes, Side
from kimp.domain.money import ONE, USDT, ZERO, Asset, Money, exact
from kimp.domain.premium import coin_premium, mid
from kimp.domain.venues import Pair, Venue
from kimp.domain.won import in_won


@dataclass(frozen=True, slots=True)
class PriceBounds:
    """From the configuration of the process that sends, never from a message."""

    band: Decimal
    """How far a message may be from the venues' own prices, as a ratio."""
    least_krw_per_usdt: Decimal
    most_krw_per_usdt: Decimal

    def nearest(self, krw_per_usdt: Decimal) -> Decimal:
        """A rate that nobody has checked, no further off than the configuration allows."""
        return min(max(krw_per_usdt, self.least_krw_per_usdt), self.most_krw_per_usdt)


@dataclass(frozen=True, slots=True)
class MessageSale:
    """The other order of a pair."""

    venue: Venue
    limit_price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class MessagePrices:
    """What a message says of a cycle that is about to be opened."""

    venue: Venue
    """Where its first order buys."""
    coin: Asset
    limit_price: Decimal
    quantity: Decimal
    """Coins that the order asks for."""
    cost: Money
    """The most that the order, and what is set aside for it, can take."""
    stake_krw: Decimal
    """What it is counted as against the caps."""
    krw_per_usdt: Decimal | None
    premium: Decimal | None
    """None: told by a kimp that did not say so yet."""
    sale: MessageSale | None = None
    """What is sold at the same instant."""


def books_needed(pair: Pair, coin: Asset) -> Mapping[Venue, tuple[Asset, ...]]:
    """Which tops of which venue the check wants."""
    return {pair.won: (coin, USDT), pair.dollars: (coin,)}


@exact
def check_message_prices(reported: MessagePrices, pair: Pair, own: Quotes, bounds: PriceBounds) -> Blocked | None:
    """Why a message is not believed, with both figures, or None."""
    if (missing := _missing(reported.coin, pair, own)) is not None:
        return Blocked(Gate.OWN_PRICES_MISSING, missing)
    rate = mid(own[pair.won, USDT])
    if rate != bounds.nearest(rate):
        allowed = f"{bounds.least_krw_per_usdt:f} to {bounds.most_krw_per_usdt:f}"
        return Blocked(Gate.RATE_BOUNDS, f"{rate:f} KRW per USDT on {pair.won}, {allowed} allowed by the configuration")
    for what, message, real, apart in _compared(reported, pair, own, rate):
        if apart > bounds.band:
            return Blocked(
                Gate.PRICES_DIFFER, f"{what}: {message:f} by the message, {real:f} by the venues; {apart:.2%} apart"
            )
    return None


def _compared(
    reported: MessagePrices, pair: Pair, own: Quotes, rate: Decimal
) -> Iterator[tuple[str, Decimal, Decimal, Decimal]]:
    """What it is, by the message, by the venues, and how far they are apart."""
    worst = walk(own[reported.venue, reported.coin], Side.BUY, reported.quantity).worst
    yield (
        f"price of {reported.coin} on {reported.venue}",
        reported.limit_price,
        worst,
        abs(reported.limit_price / worst - ONE),
    )
    if (sale := reported.sale) is not None:
        worst = walk(own[sale.venue, reported.coin], Side.SELL, sale.quantity).worst
        yield f"price of {reported.coin} on {sale.venue}", sale.limit_price, worst, abs(sale.limit_price / worst - ONE)
        too_many = max(ZERO, sale.quantity / reported.quantity - ONE)
        yield f"{reported.coin} sold on {sale.venue}", sale.quantity, reported.quantity, too_many
    if reported.krw_per_usdt is not None:
        yield "KRW per USDT", reported.krw_per_usdt, rate, abs(reported.krw_per_usdt / rate - ONE)
    if reported.premium is not None:
        premium = coin_premium(own[pair.won, reported.coin], own[pair.dollars, reported.coin], rate)
        yield "premium", reported.premium, premium, abs(reported.premium - premium)
    worth = in_won(reported.cost, rate)
    # Counted as more than it is worth, it only leaves the caps less room.
    yield "stake in KRW", reported.stake_krw, worth, max(ZERO, ONE - reported.stake_krw / worth)


def _missing(coin: Asset, pair: Pair, own: Quotes) -> str | None:
    for venue, coins in books_needed(pair, coin).items():
        for asset in coins:
            quote = own.get((venue, asset))
            if quote is None or not quote.priced:
                return f"{venue} tells no price of {asset} that could be compared with the message's"
    return None
