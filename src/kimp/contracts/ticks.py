"""The wire format of Redis channel `TICKER_UPDATES`: `[version, [[venue, coin, bid, ...], ...]]` in JSON.

msgspec decodes it straight into the domain's `Quote` tuples, decimals from strings, checked on the way. The levels
behind a book's top stay text. The last value of a book is a message of one quote.
"""

from collections.abc import Iterable

import msgspec

from kimp.contracts.names import decode_name, encode_name
from kimp.contracts.ranges import quote_problem
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote

CHANNEL = "TICKER_UPDATES"
LAST_VALUE = "last value in Redis"
VERSION = 2
LARGEST_BATCH = 4 * 1024 * 1024
"""Bytes. The feeder sends at most one quote of each book at a time: 15 levels are some 700 bytes, 30 twice that."""
LARGEST_QUOTE = 16 * 1024


class TickBatch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All quotes that one read of a venue's socket brought."""

    version: int
    quotes: list[Quote]


_encoder = msgspec.json.Encoder(enc_hook=encode_name)
_batches = msgspec.json.Decoder(TickBatch, dec_hook=decode_name)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, ValueError)
"""The last is JSON nested too deep."""
STRANGER = "no feeder sends that: who else may write to this Redis?"


def encode_quote(quote: Quote) -> bytes:
    """One row of a message; each is encoded once, for its batch and for its last value."""
    return _encoder.encode(quote)


def message_of(rows: Iterable[bytes]) -> bytes:
    """The message of quotes that are encoded already."""
    return b"[%d,[%b]]" % (VERSION, b",".join(rows))


def encode_batch(quotes: Iterable[Quote]) -> bytes:
    return message_of(map(encode_quote, quotes))


def decode_batch(data: bytes) -> list[Quote]:
    """Raises BadMessage, in one line, for anything but a batch of this version."""
    return _decode(data, CHANNEL, LARGEST_BATCH)


def decode_last_value(data: bytes) -> Quote:
    """Raises BadMessage for anything but one quote of this version."""
    quotes = _decode(data, LAST_VALUE, LARGEST_QUOTE)
    if len(quotes) != 1:
        raise BadMessage(f"{LAST_VALUE}: {len(quotes)} quotes, where one is kept; {STRANGER}")
    return quotes[0]


def _decode(data: bytes, where: str, largest: int) -> list[Quote]:
    if len(data) > largest:
        raise BadMessage(f"{where}: a message of {len(data):,} bytes, where {largest:,} are the most; {STRANGER}")
    try:
        batch = _batches.decode(data)
    except UNREADABLE as error:
        raise BadMessage(f"{where}: {error}; is an older feeder still running?") from None
    if batch.version != VERSION:
        raise BadMessage(f"{where}: version {batch.version}, this kimp reads {VERSION}; update the older process")
    for quote in batch.quotes:
        # A decimal string can spell NaN, zero or 1E+999999; comparing or dividing them would end the reader's loop.
        if (problem := quote_problem(quote)) is not None:
            raise BadMessage(f"{where}: {problem}")
    return batch.quotes
