"""What the initiator shows of the market: how old the quotes are, and the premiums."""

from collections.abc import Iterable

from kimp.domain.money import USDT, Asset
from kimp.domain.premium import coin_premium, mid
from kimp.domain.venues import Venue
from kimp.domain.view import MarketView
from kimp.observability import metrics


def newest_age_s(view: MarketView, venue: Venue, now_ms: int) -> float | None:
    """Seconds since anything was heard of the venue; None if nothing ever was."""
    received = [quote.received_ms for (where, _), quote in view.quotes.items() if where is venue]
    return (now_ms - max(received)) / 1000 if received else None


def show_market(view: MarketView, coins: Iterable[Asset], now_ms: int) -> None:
    """For the figures that a process exports."""
    ages = {venue: newest_age_s(view, venue, now_ms) for venue in Venue}
    metrics.quote_age.show(*((age, {"venue": venue.value}) for venue, age in ages.items() if age is not None))
    dollar = view.quotes.get((Venue.UPBIT, USDT))
    pairs = ((coin, view.quotes.get((Venue.UPBIT, coin)), view.quotes.get((Venue.BINANCE, coin))) for coin in coins)
    metrics.premiums.show(
        *(
            (float(coin_premium(upbit, binance, mid(dollar))), {"coin": coin})
            for coin, upbit, binance in pairs
            if upbit is not None and binance is not None and dollar is not None
        )
    )
