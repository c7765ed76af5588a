"""Quotes that still stand although nothing new came of their books. Pure.

A quiet book is no stale one: as long as its stream loses nothing and shows that it lives, the last quote is what the
book is. It is published again with the time of the last sign of life, so that whoever reads it needs to know of no
connections, and last values live as long as they are true.
"""

from kimp.domain.market import Quote
from kimp.domain.money import Asset

RENEW_MS = 500
"""How old a quote becomes before it is published again."""


class Standing:
    """The last quote of each book of one stream."""

    def __init__(self) -> None:
        self._quotes: dict[Asset, Quote] = {}
        self._unbroken: int | None = None
        self._renewed_ms = 0

    def follow(self, unbroken: int) -> None:
        """Forget all quotes if something may have been missed since they were received."""
        if unbroken != self._unbroken:
            self._quotes.clear()
            self._unbroken = unbroken

    def put(self, quote: Quote) -> None:
        self._quotes[quote.coin] = quote

    def drop(self, coin: Asset) -> None:
        """Its newest quote is not believed, so the one before it is no longer true either."""
        self._quotes.pop(coin, None)

    def renewed(self, now_ms: int) -> list[Quote]:
        """Those that were not published for a while, as of now, at which the stream lives.

        A clock that was set back must not keep them waiting, so either sign of a difference counts.
        """
        if abs(now_ms - self._renewed_ms) < RENEW_MS:
            return []
        self._renewed_ms = now_ms
        older = [quote for quote in self._quotes.values() if abs(now_ms - quote.received_ms) >= RENEW_MS]
        renewed = [quote._replace(received_ms=now_ms) for quote in older]
        for quote in renewed:
            self._quotes[quote.coin] = quote
        return renewed
