"""The market at one instant, as the decision sees it: exact quotes, made when they are asked for."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import polars as pl

from kimp.backtest.options import Closure, Model
from kimp.backtest.tape import DOLLARS, WON
from kimp.backtest.venue_rules import RuleBook
from kimp.domain.market import BookKey, Network, Quote
from kimp.domain.modelled_book import quote_around
from kimp.domain.money import ONE, USDT, Asset, exact
from kimp.domain.venues import Pair, Venue
from kimp.domain.view import MarketView

MINUTES_A_DAY = 1440
UNTOLD = Decimal("1e15")


class LazyQuotes(dict[BookKey, Quote]):
    """Of one instant. Most decisions look at few coins, so a quote is made when it is first looked at."""

    def __init__(self, rows: dict[Asset, dict[str, Any]], pair: Pair, rules: RuleBook, model: Model) -> None:
        super().__init__()
        self._rows = rows
        self._sides = {pair.won: WON, pair.dollars: DOLLARS}
        self._pair = pair
        self._rules = rules
        self._model = model
        self._rate: Decimal | None = rows[USDT]["won_price"] if USDT in rows else None

    def get(self, key: BookKey, default: Any = None) -> Any:
        """As of any mapping."""
        found = super().get(key)
        if found is None and (found := self._made(*key)) is not None:
            self[key] = found
        return default if found is None else found

    @exact
    def _made(self, venue: Venue, coin: Asset) -> Quote | None:
        row, side, instrument = self._rows.get(coin), self._sides[venue], self._rules.instruments.get((venue, coin))
        if row is None or instrument is None or row[f"{side}_price"] is None:
            return None
        price, known_ms = row[f"{side}_price"], row[f"{side}_ms"]
        if row.get(f"{side}_bid") is not None:
            bid, bid_size, ask, ask_size, bids, asks = (
                row[f"{side}_{name}"] for name in ("bid", "bid_size", "ask", "ask_size", "bids_behind", "asks_behind")
            )
            return Quote(venue, coin, bid, bid_size, ask, ask_size, known_ms, bids or "", asks or "")
        return quote_around(instrument, price, self._level(row, side), known_ms, self._model.shape)

    def _level(self, row: dict[str, Any], side: str) -> Decimal:
        """What a level is worth in the venue's cash."""
        minute = self._minute(row, side)
        if minute is not None:
            return minute * self._model.depth_share
        return self._model.level_krw if side == WON else self._model.level_krw / (self._rate or ONE)

    def _minute(self, row: dict[str, Any], side: str) -> Decimal | None:
        """What the coin turns over in a minute, in the venue's cash: by its own records, else by the other venue's."""
        rate = self._rate or ONE
        own, other = row[f"{side}_turnover"], row[f"{DOLLARS if side == WON else WON}_turnover"]
        if own:
            return _money(own)
        if other:
            return _money(other) * rate if side == WON else _money(other) / rate
        return None

    @exact
    def turnover(self, key: BookKey) -> Decimal:
        """Of a day, by the minutes so far; where neither venue tells any, as much as may ever be asked for."""
        venue, coin = key
        row = self._rows.get(coin)
        minute = None if row is None else self._minute(row, self._sides[venue])
        return UNTOLD if minute is None else minute * MINUTES_A_DAY


class Turnovers(dict[BookKey, Decimal]):
    """Of one instant, worked out when they are asked for."""

    def __init__(self, quotes: LazyQuotes) -> None:
        super().__init__()
        self._quotes = quotes

    def get(self, key: BookKey, default: Any = None) -> Any:
        """As of any mapping; there is one for each market."""
        del default
        return self._quotes.turnover(key)


def _money(value: float) -> Decimal:
    """A turnover, which is a guide and no money, to the hundredth."""
    return Decimal(f"{value:.2f}")


@dataclass(frozen=True, slots=True)
class Wait:
    """Until the market as it was last known at `until_ms`, or, if `fresh`, until the first news from then on."""

    until_ms: int
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """What can be known at `now_ms`."""

    now_ms: int
    view: MarketView


class Instants:
    """The rows of a frame by instant."""

    def __init__(
        self, rows: pl.DataFrame, pair: Pair, rules: RuleBook, model: Model, closures: Sequence[Closure]
    ) -> None:
        starts = (
            rows.with_row_index("start").group_by("at_ms", maintain_order=True).agg(pl.col("start").first(), pl.len())
        )
        self.times: list[int] = starts["at_ms"].to_list()
        self._spans = list(zip(starts["start"], starts["len"], strict=True))
        self._rows = rows
        self._pair, self._rules, self._model, self._closures = pair, rules, model, closures
        self._at, self._view = -1, MarketView()

    def view(self, at_ms: int, before: MarketView | None = None) -> MarketView:
        """As it was last known at that time; `before`: what was known before the first instant."""
        place = bisect_right(self.times, at_ms) - 1
        if place < 0:
            return before or MarketView()
        if place != self._at:
            self._at, self._view = place, self._made(place)
        return self._view

    def end_of(self, wait: Wait) -> int:
        """When a wait is over; beyond the last instant if these rows do not tell."""
        if not wait.fresh:
            return wait.until_ms
        place = bisect_left(self.times, wait.until_ms)
        return self.times[place] if place < len(self.times) else self.times[-1] + 1

    def _made(self, place: int) -> MarketView:
        start, count = self._spans[place]
        rows = {Asset(row["coin"]): row for row in self._rows.slice(start, count).iter_rows(named=True)}
        quotes = LazyQuotes(rows, self._pair, self._rules, self._model)
        return MarketView(quotes, self._rules.instruments, self._networks(self.times[place]), Turnovers(quotes))

    def _networks(self, now_ms: int) -> Any:
        shut = {
            (closure.venue, closure.coin) for closure in self._closures if closure.from_ms <= now_ms < closure.until_ms
        }
        if not shut:
            return self._rules.networks
        return {key: _closed(network) if key in shut else network for key, network in self._rules.networks.items()}


def _closed(network: Network) -> Network:
    return replace(network, withdraw_open=False, deposit_open=False)


def open_again_ms(closures: Iterable[Closure], venue: Venue, coin: Asset, at_ms: int) -> int:
    """When a wallet lets coins through that come to it at `at_ms`."""
    for closure in sorted(closures, key=lambda closure: closure.from_ms):
        if (closure.venue, closure.coin) == (venue, coin) and closure.from_ms <= at_ms < closure.until_ms:
            at_ms = closure.until_ms
    return at_ms
