"""Frames of Binance's combined streams: `{"stream": .., "data": ..}`, prices as strings. Pure."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from kimp.adapters.binance.parse import symbol
from kimp.adapters.venue.ticks import Notice, Read, Refused, Tick
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue

SHUTDOWN = "serverShutdown"
SHOWN = 200
"""Characters of a refusal that are told."""


class _Top(
    msgspec.Struct,
    gc=False,
    rename={"event": "e", "update": "u", "symbol": "s", "bid": "b", "bid_size": "B", "ask": "a", "ask_size": "A"},
):
    """A bookTicker; all fields have defaults because a `serverShutdown` has none of them."""

    event: str = ""
    update: int = 0
    symbol: str = ""
    bid: Decimal = ZERO
    bid_size: Decimal = ZERO
    ask: Decimal = ZERO
    ask_size: Decimal = ZERO


class _Error(msgspec.Struct):
    code: int = 0
    msg: str = ""


class _Frame(msgspec.Struct, gc=False, rename={"event": "e", "number": "id"}):
    stream: str = ""
    data: _Top | None = None
    event: str = ""
    error: _Error | None = None
    number: int | str | None = None
    """Of the request that this answers."""


_frames = msgspec.json.Decoder(_Frame)


def reader(coins: Sequence[Asset]) -> Read:
    """Reads bookTickers of `coins`, ordered by their update id: they carry no time."""
    by_symbol = {symbol(coin): coin for coin in coins}

    def read(frame: bytes, received_ms: int) -> Tick | Notice:
        try:
            told = _frames.decode(frame)
        except (ValueError, RecursionError) as error:
            raise BadMessage(f"not a frame of Binance: {error}") from None
        top = told.data
        coin = None if top is None else by_symbol.get(top.symbol)
        if top is None or coin is None:
            return _notice(told)
        return Tick(
            Quote(Venue.BINANCE, coin, top.bid, top.bid_size, top.ask, top.ask_size, received_ms), top.update
        )  # fmt: skip

    return read


def _notice(told: _Frame) -> Notice:
    if SHUTDOWN in {told.event, told.data.event if told.data else "", told.stream.removeprefix("!")}:
        return Notice.GOING_AWAY
    if told.error is not None:
        raise Refused(f"{told.error.code}: {told.error.msg[:SHOWN]!r}")
    if told.number is not None:
        return Notice.NOTHING
    raise BadMessage(f"neither a bookTicker of ours nor a notice: {told.stream[:40]!r}")
