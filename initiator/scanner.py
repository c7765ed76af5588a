"""Keeps the tops of all books and says, after each quote, which cycles could pay at all.

A leg must pay alone, with USDT home. So one comparison with the rate of USDT rules out almost every quote, and what a
quote may have made pay is its own coin, or, if it is one of USDT, any coin. What passes is only a candidate: the
decision prices it exactly.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal

from kimp.domain.gates import Blocked
from kimp.domain.market import Quote, VenueRules
from kimp.domain.money import ONE, USDT, Asset
from kimp.domain.opportunity import ROUTES_PRICED
from kimp.domain.premium import home_rate, out_rate
from kimp.domain.venues import Direction, Pair
from kimp.domain.view import MarketView, check_wallets

Candidate = tuple[Asset, Direction]


class Scanner:
    """Hides no cycle that pays: rates are before costs, and a stale quote only makes it look twice."""

    def __init__(self, pair: Pair, coins: Iterable[Asset], threshold: Decimal) -> None:
        self.view = MarketView()
        self._pair = pair
        self._into_won, self._into_dollars = pair.directions
        self._coins = frozenset(coins) | {USDT}
        self._hurdle = ONE + threshold
        self._travels: dict[Direction, frozenset[Asset]] = {direction: frozenset() for direction in pair.directions}
        self._out: dict[Asset, Decimal] = {}
        self._home: dict[Asset, Decimal] = {}

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
        self._rate(quote.coin)
        return self._that_may_pay(self._coins if quote.coin == USDT else (quote.coin,))

    def route_coins(self, direction: Direction) -> Iterator[Asset]:
        """The likeliest ways in this direction, best raw rate first; found when the first one is asked for."""
        rates = self._out if direction is self._into_won else self._home
        pick: Callable[..., list[Asset]] = heapq.nlargest if direction is self._into_won else heapq.nsmallest
        best = pick(ROUTES_PRICED, rates, key=rates.__getitem__)
        yield from best if USDT in best else [*best, USDT]

    def _rate(self, coin: Asset) -> None:
        """Renew the coin's rates, each where it may travel."""
        won = self.view.quotes.get((self._pair.won, coin))
        if won is None:
            return
        if coin == USDT:
            out, home = won.bid, won.ask
        else:
            dollars = self.view.quotes.get((self._pair.dollars, coin))
            if dollars is None:
                return
            out, home = out_rate(won, dollars), home_rate(won, dollars)
        if coin in self._travels[self._into_won]:
            self._out[coin] = out
        if coin in self._travels[self._into_dollars]:
            self._home[coin] = home

    def _that_may_pay(self, coins: Iterable[Asset]) -> list[Candidate]:
        """Compare each coin's rates with those of USDT the other way round."""
        found: list[Candidate] = []
        if (usdt_home := self._home.get(USDT)) is not None:
            least = usdt_home * self._hurdle
            rates = ((coin, self._out.get(coin)) for coin in coins if coin != USDT)
            found += [(coin, self._into_won) for coin, out in rates if out is not None and out >= least]
        if (usdt_out := self._out.get(USDT)) is not None:
            rates = ((coin, self._home.get(coin)) for coin in coins if coin != USDT)
            hurdle = self._hurdle
            found += [(c, self._into_dollars) for c, home in rates if home is not None and usdt_out >= home * hurdle]
        return found
