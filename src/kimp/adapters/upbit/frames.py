"""Frames of Upbit's public WebSocket in format SIMPLE: binary UTF-8 JSON, prices as JSON numbers. Pure."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec

from kimp.adapters.upbit.parse import market
from kimp.adapters.venue.ticks import Notice, Read, Refused, Tick
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote
from kimp.domain.money import Asset
from kimp.domain.venues import Venue


class _Unit(msgspec.Struct, gc=False, rename={"ask": "ap", "bid": "bp", "ask_size": "as", "bid_size": "bs"}):
    ask: Decimal
    bid: Decimal
    ask_size: Decimal
    bid_size: Decimal


class _Refusal(msgspec.Struct):
    name: str = ""
    message: str = ""


class _Frame(msgspec.Struct, gc=False, rename={"kind": "ty", "code": "cd", "units": "obu", "sent_ms": "tms"}):
    """An order book, or one of the two other things that Upbit sends: a status and an error."""

    kind: str = ""
    code: str = ""
    units: list[_Unit] = []
    sent_ms: int = 0
    status: str = ""
    error: _Refusal | None = None


SHOWN = 200
"""Characters of a refusal's name and message."""

_frames = msgspec.json.Decoder(_Frame)


def reader(coins: Sequence[Asset]) -> Read:
    """Reads frames of the markets of `coins`. Upbit numbers no frames: they are ordered by their time of sending."""
    by_code = {market(coin): coin for coin in coins}

    def read(frame: bytes, received_ms: int) -> Tick | Notice:
        try:
            told = _frames.decode(frame)
        except (ValueError, RecursionError) as error:
            raise BadMessage(f"not a frame of Upbit: {error}") from None
        coin = by_code.get(told.code)
        if coin is None or not told.units:
            return _notice(told)
        top = told.units[0]
        return Tick(
            Quote(Venue.UPBIT, coin, top.bid, top.bid_size, top.ask, top.ask_size, received_ms), told.sent_ms
        )  # fmt: skip

    return read


def _notice(told: _Frame) -> Notice:
    if told.status:
        return Notice.NOTHING
    if told.error is not None:
        raise Refused(f"{told.error.name[:SHOWN]!r}: {told.error.message[:SHOWN]!r}")
    raise BadMessage(f"neither a book with units nor a status: {told.kind[:20]!r} {told.code[:20]!r}")
