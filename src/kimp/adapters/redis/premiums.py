"""How the coins' usual premiums are written into Redis: JSON with a version, decimals as text. Pure."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec

from kimp.contracts.ranges import LONGEST_NAME, usable
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset

VERSION = 1
MOST = Decimal(10)
"""No coin costs eleven times as much on the other venue for a day."""


class _Envelope(msgspec.Struct):
    version: int
    premiums: dict[str, Decimal]


def encode_premiums(premiums: Mapping[Asset, Decimal]) -> bytes:
    return msgspec.json.encode(_Envelope(VERSION, {str(coin): premium for coin, premium in premiums.items()}))


def decode_premiums(data: bytes) -> Mapping[Asset, Decimal]:
    """Raises BadMessage, in one line, for anything but premiums of this version."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BadMessage(f"usual premiums in Redis: {error}; is an older feeder still running?") from None
    if envelope.version != VERSION:
        raise BadMessage(
            f"usual premiums in Redis: version {envelope.version}, this kimp reads {VERSION}; update the older process"
        )
    for coin, premium in envelope.premiums.items():
        if len(coin) > LONGEST_NAME or not usable(premium) or abs(premium) > MOST:
            raise BadMessage(f"usual premiums in Redis: that of {coin[:LONGEST_NAME]!a} can't be true")
    return {Asset(coin): premium for coin, premium in envelope.premiums.items()}
