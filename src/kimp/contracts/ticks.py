"""The wire format of Redis channel `TICKER_UPDATES`: `[version, [[venue, coin, bid, ...], ...]]` in JSON.

msgspec decodes it straight into the domain's `Quote` tuples, decimals from strings, checked on the way.
"""

from collections.abc import Sequence

import msgspec

from kimp.contracts.ranges import quote_problem
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote

CHANNEL = "TICKER_UPDATES"
VERSION = 1
LARGEST_BATCH = 512 * 1024
"""Bytes. The feeder sends at most one quote of each book at a time, some 90 bytes each."""
LARGEST_QUOTE = 1024


class TickBatch(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """All quotes that one read of a venue's socket brought."""

    version: int
    quotes: list[Quote]


_encoder = msgspec.json.Encoder()
_batches = msgspec.json.Decoder(TickBatch)
_quotes = msgspec.json.Decoder(Quote)
UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ArithmeticError, ValueError)
"""The last is JSON nested too deep."""
STRANGER = "no feeder sends that: who else may write to this Redis?"


def encode_batch(quotes: Sequence[Quote]) -> bytes:
    return _encoder.encode((VERSION, quotes))


def decode_batch(data: bytes) -> list[Quote]:
    """Raises BadMessage, in one line, for anything but a batch of this version."""
    if len(data) > LARGEST_BATCH:
        raise BadMessage(
            f"{CHANNEL}: a message of {len(data):,} bytes, where {LARGEST_BATCH:,} are the most; {STRANGER}"
        )
    try:
        batch = _batches.decode(data)
    except UNREADABLE as error:
        raise BadMessage(f"{CHANNEL}: {error}; is an older feeder still running?") from None
    if batch.version != VERSION:
        raise BadMessage(f"{CHANNEL}: version {batch.version}, this kimp reads {VERSION}; update the older process")
    for quote in batch.quotes:
        _refuse_unreal(quote)
    return batch.quotes


def _refuse_unreal(quote: Quote) -> None:
    """A decimal string can spell NaN, zero or 1E+999999; comparing or dividing them would end the reader's loop."""
    if (problem := quote_problem(quote)) is not None:
        raise BadMessage(f"{CHANNEL}: {problem}")


def encode_quote(quote: Quote) -> bytes:
    return _encoder.encode(quote)


def decode_quote(data: bytes) -> Quote:
    """Raises BadMessage for anything but one quote."""
    if len(data) > LARGEST_QUOTE:
        raise BadMessage(f"last value in Redis: {len(data):,} bytes, where {LARGEST_QUOTE:,} are the most; {STRANGER}")
    try:
        quote = _quotes.decode(data)
    except UNREADABLE as error:
        raise BadMessage(f"last value in Redis: {error}; is an older feeder still running?") from None
    _refuse_unreal(quote)
    return quote
