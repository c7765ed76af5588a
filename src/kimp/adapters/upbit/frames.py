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
    """One level of both sides; only the first is read as numbers."""

    ask: msgspec.Raw
    bid: msgspec.Raw
    ask_size: msgspec.Raw
    bid_size: msgspec.Raw


class Refusal(msgspec.Struct):
    """What Upbit answers to a subscription that it does not take."""

    name: str = ""
    message: str = ""

    def refused(self) -> Refused:
        return Refused(f"{self.name[:SHOWN]!r}: {self.message[:SHOWN]!r}")


class _Frame(msgspec.Struct, gc=False, rename={"kind": "ty", "code": "cd", "units": "obu", "sent_ms": "tms"}):
    """An order book, or one of the two other things that Upbit sends: a status and an error."""

    kind: str = ""
    code: str = ""
    units: list[_Unit] = []
    sent_ms: int = 0
    status: str = ""
    error: Refusal | None = None


SHOWN = 200
"""Characters of a refusal's name and message."""

_frames = msgspec.json.Decoder(_Frame)
_numbers = msgspec.json.Decoder(Decimal)


def reader(coins: Sequence[Asset], levels: int) -> Read:
    """Reads frames of the markets of `coins`, up to so many levels.

    Upbit numbers no frames: they are ordered by their time of sending.
    """
    by_code = {market(coin): coin for coin in coins}

    def read(frame: bytes, received_ms: int) -> Tick | Notice:
        try:
            reported = _frames.decode(frame)
        except (ValueError, RecursionError) as error:
            raise BadMessage(f"not a frame of Upbit: {error}") from None
        coin = by_code.get(reported.code)
        if coin is None or not reported.units:
            return _notice(reported)
        top, *behind = reported.units[:levels]
        bids = b" ".join([b"%b:%b" % (unit.bid, unit.bid_size) for unit in behind]).decode("ascii", "replace")
        asks = b" ".join([b"%b:%b" % (unit.ask, unit.ask_size) for unit in behind]).decode("ascii", "replace")
        book = Quote(
            Venue.UPBIT, coin, _number(top.bid), _number(top.bid_size), _number(top.ask), _number(top.ask_size),
            received_ms, bids, asks,
        )  # fmt: skip
        return Tick(book, reported.sent_ms)

    return read


def _number(raw: msgspec.Raw) -> Decimal:
    try:
        return _numbers.decode(raw)
    except (ValueError, ArithmeticError) as error:
        raise BadMessage(f"not a price or size: {error}") from None


def _notice(reported: _Frame) -> Notice:
    if reported.status:
        return Notice.NOTHING
    if reported.error is not None:
        raise reported.error.refused()
    raise BadMessage(f"neither a book with units nor a status: {reported.kind[:20]!r} {reported.code[:20]!r}")
