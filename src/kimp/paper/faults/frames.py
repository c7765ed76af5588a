"""Frames of both venues with wrong prices in them. Pure."""

import re
from decimal import Decimal

from kimp.paper.amounts import exact, plain

PRICES = re.compile(
    rb'("(?:b|a|p|tp|bp|ap|trade_price|bid_price|ask_price)":"?|(?:"bids":|"asks":|\],)\[{1,2}")(\d+(?:\.\d+)?)'
)
"""Of market data: the fields of both venues that hold a price, and the first number of each level of a depth."""
SIDES = re.compile(rb'"(?:bp|ap|bid_price|ask_price|bids|asks)":|"[ba]":(?=")')
"""Names of a book's sides. Binance's `b` and `a` hold text there; in a trade `a` is a number."""
OTHER_SIDE = {
    b"bp": b"ap",
    b"ap": b"bp",
    b"bid_price": b"ask_price",
    b"ask_price": b"bid_price",
    b"bids": b"asks",
    b"asks": b"bids",
    b"b": b"a",
    b"a": b"b",
}
SYMBOL = re.compile(rb'"(?:cd|code|s|stream)":"([^"@]+)')
PRIVATE = re.compile(rb'"event":\{|"(?:type|ty)":"my')
"""The customer's own events: their prices are facts, not claims about the market."""


def priced(frame: bytes) -> bool:
    return bool(PRICES.search(frame)) and not PRIVATE.search(frame)


def is_book(frame: bytes) -> bool:
    return len(SIDES.findall(frame)) > 1 and not PRIVATE.search(frame)


def symbol_of(frame: bytes) -> str | None:
    """The market it tells of; None for Binance's bare depth, which bears no name."""
    found = SYMBOL.search(frame)
    return found[1].decode().upper() if found and not PRIVATE.search(frame) else None


@exact
def repriced(frame: bytes, times: Decimal) -> bytes:
    """The same frame with every price so many times as high."""

    def other(found: re.Match[bytes]) -> bytes:
        return found[1] + plain(Decimal(found[2].decode()) * times).encode()

    return PRICES.sub(other, frame)


def crossed(frame: bytes) -> bytes:
    """The same frame with bid and ask prices exchanged."""
    return SIDES.sub(lambda found: b'"' + OTHER_SIDE[found[0].strip(b'":')] + b'":', frame)
