"""Which symbols have fallen silent while their venue goes on talking. Pure."""

from collections.abc import Iterable, Sequence

from kimp.domain.market import BookKey, Quote
from kimp.domain.venues import Venue


class SilenceWatch:
    """Goes by the time of receipt: a frozen symbol sends nothing that could carry a time of its own."""

    def __init__(self, books: Iterable[BookKey], started_ms: int, silent_after_ms: int) -> None:
        self._received: dict[BookKey, int] = dict.fromkeys(books, started_ms)
        self._lived: dict[Venue, int] = {venue: started_ms for venue, _ in self._received}
        self._silent: set[BookKey] = set()
        self._limit_ms = silent_after_ms

    def mark(self, quotes: Sequence[Quote]) -> None:
        for quote in quotes:
            self._received[quote.venue, quote.coin] = quote.received_ms

    def live(self, venue: Venue, now_ms: int) -> None:
        """A sign of life of the venue's stream, with quotes or without."""
        self._lived[venue] = now_ms

    def dead_venues(self, now_ms: int, for_ms: int) -> list[Venue]:
        """Venues whose streams gave no sign of life for so long."""
        return [venue for venue, at_ms in self._lived.items() if now_ms - at_ms > for_ms]

    def newly_silent(self, now_ms: int) -> list[BookKey]:
        """Books silent for too long while another of the same venue is not; each is told once per silence."""
        alive = {book[0] for book, received in self._received.items() if now_ms - received <= self._limit_ms}
        silent = {
            book for book, received in self._received.items() if now_ms - received > self._limit_ms and book[0] in alive
        }
        fresh = sorted(silent - self._silent)
        self._silent = silent
        return fresh
