"""What premium is usual for each coin: its median over the last day.

A coin that stands far off for days is another coin of the same name, or its wallets are closed; and one that is far
from what is usual for it may be about to go back before it has arrived.
"""

from collections import deque
from collections.abc import Iterable, Mapping
from decimal import Decimal
from statistics import median

from kimp.domain.market import Quote
from kimp.domain.money import Asset, exact
from kimp.domain.premium import premium_between
from kimp.domain.venues import Pair
from kimp.domain.won import krw_per_usdt

EVERY_MS = 300_000
KEPT = 288
"""Of each coin: a day of them."""
DAY_MS = EVERY_MS * KEPT
LEAST = 12
"""From an hour of looks on it is known what is usual; before, a morning's crash would be."""
PLACES = Decimal("0.000001")


class UsualPremiums:
    """Remembers each coin's premium of a day, looked at once in five minutes."""

    def __init__(self, pair: Pair) -> None:
        self._pair = pair
        self._looks: dict[Asset, deque[tuple[int, Decimal]]] = {}
        self._looked_ms: int | None = None

    @exact
    def look(self, quotes: Iterable[Quote], now_ms: int) -> bool:
        """Whether it was time for a look. The quotes are taken as they are: who brings them brings fresh ones."""
        if not self.due(now_ms):
            return False
        known = {(quote.venue, quote.coin): quote for quote in quotes}
        rate = krw_per_usdt(known, self._pair.won)
        coins = {coin for _, coin in known}
        premiums = {coin: premium_between(known, self._pair, coin, rate) for coin in coins}
        reported = {coin: premium.quantize(PLACES) for coin, premium in premiums.items() if premium is not None}
        return self.remember(reported, now_ms)

    def remember(self, premiums: Mapping[Asset, Decimal], now_ms: int) -> bool:
        """The same where the premiums of that moment are known already."""
        if not self.due(now_ms):
            return False
        self._looked_ms = now_ms
        for coin, premium in premiums.items():
            self._looks.setdefault(coin, deque(maxlen=KEPT)).append((now_ms, premium))
        return True

    def due(self, now_ms: int) -> bool:
        """Whether it is time for a look."""
        return self._looked_ms is None or not 0 <= now_ms - self._looked_ms < EVERY_MS

    def known(self, now_ms: int) -> Mapping[Asset, Decimal]:
        """The median of each coin that was looked at for an hour at least."""
        lately = {
            coin: [premium for at_ms, premium in looks if now_ms - at_ms <= DAY_MS]
            for coin, looks in self._looks.items()
        }
        return {coin: median(premiums) for coin, premiums in lately.items() if len(premiums) >= LEAST}
