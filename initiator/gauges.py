"""What the initiator shows of the market: how old the quotes are, and the premiums."""

from collections.abc import Iterable

from kimp.domain.money import Asset
from kimp.domain.premium import premium_between
from kimp.domain.venues import Pair, Venue
from kimp.domain.view import MarketView
from kimp.domain.won import krw_per_usdt
from kimp.observability import metrics


def newest_age_s(view: MarketView, venue: Venue, now_ms: int) -> float | None:
    """Seconds since anything was heard of the venue; None if nothing ever was."""
    received = [quote.received_ms for (where, _), quote in view.quotes.items() if where is venue]
    return (now_ms - max(received)) / 1000 if received else None


def show_market(view: MarketView, pair: Pair, coins: Iterable[Asset], now_ms: int) -> None:
    """For the figures that a process exports."""
    ages = {venue: newest_age_s(view, venue, now_ms) for venue in pair}
    metrics.quote_age.show(*((age, {"venue": venue}) for venue, age in ages.items() if age is not None))
    rate = krw_per_usdt(view.quotes, pair.won)
    premiums = {coin: premium_between(view.quotes, pair, coin, rate) for coin in coins}
    metrics.premiums.show(
        *((float(premium), {"coin": coin}) for coin, premium in premiums.items() if premium is not None)
    )
