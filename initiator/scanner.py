"""Keeps the tops of all books and says, after each quote, which cycles could pay at all.

A cycle earns `out_rate(one) / home_rate(another) - 1` before costs (see kimp.domain.premium), so one comparison with
the best opposite rate rules out almost every quote. What passes is only a candidate: `evaluate` decides exactly.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from kimp.domain.gates import Blocked
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import ONE, USDT, Asset
from kimp.domain.premium import home_rate, out_rate
from kimp.domain.venues import Direction, Pair
from kimp.domain.view import MarketView, check_wallets

Candidate = tuple[Asset, Direction]
ROUTES_EVALUATED = 4
"""Ways home that are priced exactly, the best by raw rate; USDT is always among them."""


class Scanner:
    """Never hides a cycle that pays by one of the four best ways home or USDT.

    Rates are before costs, and a stale quote only makes it look twice.
    """

    def __init__(self, pair: Pair, coins: Iterable[Asset], threshold: Decimal) -> None:
        self.view = MarketView()
        self._pair = pair
        self._into_won, self._into_dollars = pair.directions
        self._coins = frozenset(coins) | {USDT}
        self._hurdle = ONE + threshold
        self._travels: dict[Direction, frozenset[Asset]] = {direction: frozenset() for direction in pair.directions}
        self._out = _Best(max)
        self._home = _Best(min)

    def apply_rules(self, rules: Iterable[VenueRules]) -> None:
        """Take a fresh reading of fees and wallets; a coin whose wallet is closed is no way out or home."""
        self.view.apply_rules(rules)
        self._travels = {
            direction: frozenset(
                c for c in self._coins if not isinstance(check_wallets(self.view, c, direction), Blocked)
            )
            for direction in self._pair.directions
        }
        self._out.clear()
        self._home.clear()
        for coin in self._coins:
            self._rate(coin)

    def forget_after(self, latest_ms: int) -> None:
        """Drop quotes that are later than this: a clock was set back, and they would hide all that come now."""
        quotes = self.view.quotes
        for book in [book for book, quote in quotes.items() if quote.received_ms > latest_ms]:
            del quotes[book]

    def feed(self, quote: Quote) -> list[Candidate]:
        """Take one quote in; the cycles that it may have made worth a closer look."""
        key = quote.venue, quote.coin
        last = self.view.quotes.get(key)
        if quote.coin not in self._coins or (last is not None and last.received_ms > quote.received_ms):
            return []
        self.view.quotes[key] = quote
        improved_out, improved_home = self._rate(quote.coin)
        if quote.coin == USDT:
            # A way home or out for every coin, and none by itself: whichever it made pay must be looked at here.
            return self._likeliest(self._into_won) + self._likeliest(self._into_dollars)
        candidates = self._that_may_pay((quote.coin,), self._into_won)
        candidates += self._that_may_pay((quote.coin,), self._into_dollars)
        if improved_home:
            candidates += self._likeliest(self._into_won)
        if improved_out:
            candidates += self._likeliest(self._into_dollars)
        return candidates

    def route_coins(self, direction: Direction) -> Iterator[Asset]:
        """The likeliest ways in this direction, best raw rate first; found when the first one is asked for."""
        rates = self._out.rates if direction is self._into_won else self._home.rates
        pick: Callable[..., list[Asset]] = heapq.nlargest if direction is self._into_won else heapq.nsmallest
        best = pick(ROUTES_EVALUATED, rates, key=rates.__getitem__)
        yield from best if USDT in best else [*best, USDT]

    def _rate(self, coin: Asset) -> tuple[bool, bool]:
        """Renew the coin's rates; whether its out rate and its home rate are better than the best ones were."""
        won = self.view.quotes.get((self._pair.won, coin))
        if won is None:
            return False, False
        if coin == USDT:
            out, home = won.bid, won.ask
        else:
            dollars = self.view.quotes.get((self._pair.dollars, coin))
            if dollars is None:
                return False, False
            out, home = out_rate(won, dollars), home_rate(won, dollars)
        return (
            coin in self._travels[self._into_won] and self._out.put(coin, out),
            coin in self._travels[self._into_dollars] and self._home.put(coin, home),
        )

    def _that_may_pay(self, coins: Iterable[Asset], direction: Direction) -> list[Candidate]:
        """Compare each coin's rate with the best opposite one."""
        if self._out.rate is None or self._home.rate is None:
            return []
        if direction is self._into_won:
            rates, least = self._out.rates, self._home.rate * self._hurdle
            return [(c, direction) for c in coins if (rate := rates.get(c)) is not None and rate >= least]
        rates, best = self._home.rates, self._out.rate
        return [(c, direction) for c in coins if (rate := rates.get(c)) is not None and best >= rate * self._hurdle]

    def _likeliest(self, direction: Direction) -> list[Candidate]:
        """The best coins that may pay this way: not only the first, whose book may be thin or its network dear."""
        if self._out.rate is None or self._home.rate is None or self._out.rate < self._home.rate * self._hurdle:
            return []
        return self._that_may_pay((c for c in self.route_coins(direction) if c != USDT), direction)


class _Best:
    """Rates by coin, and always the right best one: found anew only when the best coin itself gets worse."""

    def __init__(self, choose: Callable[..., Asset]) -> None:
        self.rates: dict[Asset, Decimal] = {}
        self._choose = choose
        self._better: Callable[[Decimal, Decimal], bool] = Decimal.__gt__ if choose is max else Decimal.__lt__
        self.best: Asset | None = None
        self.rate: Decimal | None = None

    def put(self, coin: Asset, rate: Decimal) -> bool:
        """Whether `rate` is better than the best one was."""
        self.rates[coin] = rate
        if self.rate is None or self._better(rate, self.rate):
            self.best, self.rate = coin, rate
            return True
        if coin == self.best and rate != self.rate:
            self._find()
        return False

    def clear(self) -> None:
        self.rates.clear()
        self.best = self.rate = None

    def _find(self) -> None:
        self.best = self._choose(self.rates, key=self.rates.__getitem__)
        self.rate = self.rates[self.best]
