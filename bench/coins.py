"""What a tick costs the initiator's scanner and the feeder's screening when five hundred coins are followed, not 26.

PYTHONPATH=tests python -m bench.coins
"""

import time
from collections.abc import Sequence
from decimal import Decimal

from rich.console import Console

from bench.figures import Row, as_table, compare
from bench.ticks import quote, rules
from feeder.pending import Pending
from feeder.screening import QuoteFilter
from feeder.standing import Standing
from initiator.scanner import Scanner
from kimp.domain.market import Quote
from kimp.domain.money import USDT, Asset
from kimp.domain.venues import PAIR, Venue

FEW, MANY = 26, 500
TICKS = 20_000
TURNS = 15


class Line:
    """A quote's way through both processes, without the wire between them."""

    def __init__(self, count: int) -> None:
        coins = [Asset(f"C{number}") for number in range(count)]
        self._scanner = Scanner(PAIR, coins, Decimal("0.004"))
        self._scanner.apply_rules([rules(venue, coins) for venue in PAIR])
        self._screen, self._standing, self._pending = QuoteFilter(), Standing(), Pending()
        self._quotes = _ticks(coins)

    def cost(self) -> float:
        """Seconds of a thousand ticks, of all books in turn."""
        begun = time.perf_counter()
        for one in self._quotes:
            if self._screen.reject(one) is None:
                self._standing.put(one)
                self._pending.put((one,))
            self._scanner.feed(one)
        return (time.perf_counter() - begun) / len(self._quotes) * 1000


def _ticks(coins: Sequence[Asset]) -> list[Quote]:
    books = [quote(Venue.UPBIT, USDT, "1400")]
    books += [
        quote(venue, coin, price) for coin in coins for venue, price in ((Venue.UPBIT, "1400"), (Venue.BINANCE, "1"))
    ]
    return [books[number % len(books)] for number in range(TICKS)]


def measure() -> list[Row]:
    few, many = Line(FEW), Line(MANY)
    few.cost()  # each once before it counts
    many.cost()
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(TURNS):
        ours.append(many.cost())
        theirs.append(few.cost())
    return [compare(f"a thousand ticks, {MANY} coins against {FEW}", ours, theirs, "<= 1.1")]


if __name__ == "__main__":
    Console(width=140).print(as_table(measure()))
