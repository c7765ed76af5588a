"""What the market shows at this moment to somebody who holds nothing and has nothing open: each coin's better cycle.

The decision is the one that an initiator takes, with the books of an account that is free to start.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.domain.admission import NEVER_TRADED, HaltLevel
from kimp.domain.caps import ORDER_CEILING, Exposure
from kimp.domain.decision import Decision, Question, RiskState, Rules, explain
from kimp.domain.depth import cash_within
from kimp.domain.discovery import Discovered
from kimp.domain.market import Quote, Quotes, Side
from kimp.domain.money import ONE, USDT, ZERO, Asset, Money, exact
from kimp.domain.opportunity import ROUTES_PRICED, excluded
from kimp.domain.premium import home_rate, out_rate, premium_between
from kimp.domain.venues import PAIR, Direction
from kimp.domain.view import MarketView
from kimp.domain.won import in_won, krw_per_usdt

NOTHING_OPEN = RiskState(
    HaltLevel.RUN, Exposure(), {venue: Money(ORDER_CEILING[venue.cash], venue.cash) for venue in PAIR}
)


@dataclass(frozen=True, slots=True)
class CoinSight:
    """One coin. None: a quote is missing."""

    coin: Asset
    won: Quote | None
    dollars: Quote | None
    premium_usdt: Decimal | None
    """Against the won venue's own KRW-USDT market, as a ratio: what a cycle can earn."""
    premium_usd: Decimal | None
    """Against the official USD/KRW rate, where that was told."""
    direction: Direction | None = None
    """The one that pays more, or loses less."""
    depth_krw: Decimal | None = None
    """What the books of both venues carry in this direction, within the slippage that is allowed."""
    decision: Decision | None = None

    @property
    def priced(self) -> bool:
        """Both venues have told a book."""
        return self.won is not None and self.dollars is not None

    @property
    def starts(self) -> bool:
        """No gate is closed."""
        return self.decision is not None and not self.decision.closed

    @property
    def net_edge(self) -> Decimal | None:
        """Of the whole cycle, home again and after all costs; None where it can't be priced."""
        return None if self.decision is None or self.decision.plan is None else self.decision.plan.found.net_edge


def survey(
    view: MarketView, coins: Sequence[Asset], rules: Rules, now_ms: int, *, usd_krw: Decimal | None
) -> Iterator[CoinSight]:
    """Each coin in turn: pricing hundreds takes a while, and whoever asks may want to do something in between."""
    rates = {direction: _rates(view.quotes, coins, direction) for direction in PAIR.directions}
    sane = [coin for coin in coins if excluded(view, PAIR, coin, rules.limits) is None]
    ways_home = {direction: _likeliest(rates[direction], sane) for direction in PAIR.directions}
    rate = krw_per_usdt(view.quotes, PAIR.won)
    for coin in coins:
        won, dollars = (view.quotes.get((venue, coin)) for venue in PAIR)
        usdt, usd = (premium_between(view.quotes, PAIR, coin, basis) for basis in (rate, usd_krw))
        if won is None or dollars is None or rate is None:
            yield CoinSight(coin, won, dollars, usdt, usd)
            continue
        direction = max(PAIR.directions, key=lambda way: _raw_edge(coin, way, rates))
        question = Question(
            view, coin, direction, ways_home[direction.opposite], NEVER_TRADED, NOTHING_OPEN, rules, now_ms, now_ms
        )
        depth = _depth_krw(won, dollars, direction, rules.limits.slippage, rate)
        yield CoinSight(coin, won, dollars, usdt, usd, direction, depth, explain(question))


def usually_apart(view: MarketView, discovered: Discovered, band: Decimal) -> Discovered:
    """The same without coins whose premium has been beyond the band for most of a day."""
    apart = {
        coin: f"its usual premium is {usual:+.1%}: another coin of the same name, or its wallets are closed"
        for coin in discovered.coins
        if abs(usual := view.usual_premiums.get(coin, ZERO)) > band
    }
    if not apart:
        return discovered
    coins = tuple(coin for coin in discovered.coins if coin not in apart)
    return Discovered(coins, {**discovered.left_out, **apart})


def by_net_edge(sights: Sequence[CoinSight]) -> list[CoinSight]:
    """What would start comes first, then the others; what has no net edge last, by the size of its premium."""
    return sorted(sights, key=_rank)


def _rank(sight: CoinSight) -> tuple[bool, bool, Decimal, Asset]:
    edge = sight.net_edge
    by = -abs(sight.premium_usdt or ZERO) if edge is None else -edge
    return not sight.starts, edge is None, by, sight.coin


def _rates(quotes: Quotes, coins: Sequence[Asset], direction: Direction) -> Mapping[Asset, Decimal]:
    """USDT to won or back by each coin, before costs, so that more is better in either direction."""
    into_won = direction.destination is PAIR.won
    found: dict[Asset, Decimal] = {}
    for coin in (*coins, USDT):
        won, dollars = (quotes.get((venue, coin)) for venue in PAIR)
        if won is None or not won.priced:
            continue
        if coin == USDT:
            found[coin] = won.bid if into_won else _inverse(won.ask)
        elif dollars is not None and dollars.priced:
            found[coin] = out_rate(won, dollars) if into_won else _inverse(home_rate(won, dollars))
    return found


@exact
def _inverse(rate: Decimal) -> Decimal:
    return ONE / rate


def _likeliest(rates: Mapping[Asset, Decimal], sane: Iterable[Asset]) -> list[Asset]:
    """The best by raw rate, and USDT: whether a cycle may start does not depend on the others."""
    best = heapq.nlargest(ROUTES_PRICED, (coin for coin in sane if coin in rates), key=rates.__getitem__)
    return best if USDT in best else [*best, USDT]


@exact
def _raw_edge(coin: Asset, direction: Direction, rates: Mapping[Direction, Mapping[Asset, Decimal]]) -> Decimal:
    """Before costs, with USDT home, which leg one has to pay with."""
    out, home = rates[direction].get(coin), rates[direction.opposite].get(USDT)
    return -ONE if out is None or home is None else out * home - ONE


@exact
def _depth_krw(won: Quote, dollars: Quote, direction: Direction, slippage: Decimal, rate: Decimal) -> Decimal:
    """The smaller of what can be bought at the source and sold at the destination."""
    sides = ((direction.source, Side.BUY), (direction.destination, Side.SELL))
    books = {PAIR.won: won, PAIR.dollars: dollars}
    return min(in_won(Money(cash_within(books[venue], side, slippage), venue.cash), rate) for venue, side in sides)
