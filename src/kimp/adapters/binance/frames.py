"""Frames of Binance's combined streams: `{"stream": .., "data": ..}`, prices as strings. Pure."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.ticks import Depth, Notice, Read, Refused, Tick
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue

SHUTDOWN = "serverShutdown"
SHOWN = 200
"""Characters of a refusal that are told."""


class _Data(
    msgspec.Struct,
    gc=False,
    rename={
        "event": "e",
        "update": "u",
        "symbol": "s",
        "bid": "b",
        "bid_size": "B",
        "ask": "a",
        "ask_size": "A",
        "depth_update": "lastUpdateId",
    },
):
    """A bookTicker or a depth; all fields have defaults because a `serverShutdown` has none of them."""

    event: str = ""
    update: int = 0
    symbol: str = ""
    bid: Decimal = ZERO
    bid_size: Decimal = ZERO
    ask: Decimal = ZERO
    ask_size: Decimal = ZERO
    depth_update: int | None = None
    bids: list[tuple[str, str]] = []
    asks: list[tuple[str, str]] = []


class StreamError(msgspec.Struct):
    """What Binance answers to a subscription that it does not take."""

    code: int = 0
    msg: str = ""

    def refused(self) -> Refused:
        return Refused(f"{self.code}: {self.msg[:SHOWN]!r}")


class _Frame(msgspec.Struct, gc=False, rename={"event": "e", "number": "id"}):
    stream: str = ""
    data: _Data | None = None
    event: str = ""
    error: StreamError | None = None
    code: int = 0
    msg: str = ""
    """Of a refusal in the older form, which has no `error` around it."""
    number: int | str | None = None
    """Of the request that this answers."""


_frames = msgspec.json.Decoder(_Frame)


def reader(coins: Sequence[Asset], levels: int) -> Read:
    """Reads bookTickers of `coins` and depths of so many levels, ordered by their update ids: they carry no time."""
    by_symbol = {symbol(coin): coin for coin in coins}
    by_stream = {symbol(coin).lower(): coin for coin in coins}

    def read(frame: bytes, received_ms: int) -> Tick | Depth | Notice:
        try:
            reported = _frames.decode(frame)
        except (ValueError, RecursionError) as error:
            raise BadMessage(f"not a frame of Binance: {error}") from None
        top = reported.data
        if top is not None and top.depth_update is not None:
            # Only the name of its stream tells whose it is.
            coin = by_stream.get(reported.stream.partition("@")[0])
            return _notice(reported) if coin is None else _depth(coin, top.depth_update, top, levels, received_ms)
        coin = None if top is None else by_symbol.get(top.symbol)
        if top is None or coin is None:
            return _notice(reported)
        return Tick(
            Quote(Venue.BINANCE, coin, top.bid, top.bid_size, top.ask, top.ask_size, received_ms), top.update
        )  # fmt: skip

    return read


def _depth(coin: Asset, update: int, reported: _Data, levels: int, received_ms: int) -> Depth:
    """An empty side is a price of zero, as it is in a bookTicker."""
    bids, asks = reported.bids[:levels], reported.asks[:levels]
    try:
        (bid, bid_size), (ask, ask_size) = map(_best, (bids, asks))
    except ArithmeticError:
        raise BadMessage("a best level that is no pair of numbers") from None
    return Depth(Quote(Venue.BINANCE, coin, bid, bid_size, ask, ask_size, received_ms), update, bids, asks)


def _best(side: list[tuple[str, str]]) -> tuple[Decimal, Decimal]:
    price, size = side[0] if side else ("0", "0")
    return Decimal(price), Decimal(size)


def _notice(reported: _Frame) -> Notice:
    if SHUTDOWN in {reported.event, reported.data.event if reported.data else "", reported.stream.removeprefix("!")}:
        return Notice.GOING_AWAY
    if (error := reported.error or (StreamError(reported.code, reported.msg) if reported.code else None)) is not None:
        raise error.refused()
    if reported.number is not None:
        return Notice.NOTHING
    raise BadMessage(f"neither a book of ours nor a notice: {reported.stream[:40]!r}")
