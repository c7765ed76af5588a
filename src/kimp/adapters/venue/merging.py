"""One book out of two streams: each change of its top, and some levels of it every now and then."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from kimp.adapters.venue.ticks import Depth, Tick
from kimp.domain.depth import levels_text
from kimp.domain.market import Quote
from kimp.domain.money import Asset


class MergedBooks:
    """Of each book of one connection the newest top, before the levels of the newest depth that are worse than it."""

    def __init__(self) -> None:
        self._tops: dict[Asset, Tick] = {}
        self._depths: dict[Asset, Depth] = {}

    def quote(self, reported: Tick | Depth) -> Quote:
        """The book as it is known with this."""
        if isinstance(reported, Tick):
            coin = reported.quote.coin
            self._tops[coin] = reported
            depth = self._depths.get(coin)
            return reported.quote if depth is None else _joined(reported.quote, depth)
        coin = reported.top.coin
        self._depths[coin] = reported
        last = self._tops.get(coin)
        if last is not None and last.sequence > reported.sequence:
            return _joined(last.quote._replace(received_ms=reported.top.received_ms), reported)
        return _joined(reported.top, reported)


def _joined(top: Quote, depth: Depth) -> Quote:
    return top._replace(
        bids_behind=_behind(depth.bids, top.bid, Decimal.__lt__),
        asks_behind=_behind(depth.asks, top.ask, Decimal.__gt__),
    )


def _behind(levels: Sequence[tuple[str, str]], best: Decimal, is_worse: Callable[[Decimal, Decimal], bool]) -> str:
    """Almost always all but the first: the top has moved by little since the levels were told."""
    try:
        first = next((n for n, (price, _) in enumerate(levels) if is_worse(Decimal(price), best)), len(levels))
    except ArithmeticError:
        return ""
    return levels_text(levels[first:])
