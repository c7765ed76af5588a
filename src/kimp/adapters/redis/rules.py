"""How a venue's rules are written into Redis: JSON with a version, decimals as text. Pure."""

import msgspec

from kimp.domain.errors import BadMessage
from kimp.domain.market import VenueRules

VERSION = 1


class _Envelope(msgspec.Struct):
    version: int
    rules: VenueRules


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(_Envelope)


def encode_rules(rules: VenueRules) -> bytes:
    return _encoder.encode(_Envelope(VERSION, rules))


def decode_rules(data: bytes) -> VenueRules:
    """Raises BadMessage, in one line, for anything but rules of this version."""
    try:
        envelope = _decoder.decode(data)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"rules in Redis: {error}; is an older feeder still running?") from None
    if envelope.version != VERSION:
        raise BadMessage(
            f"rules in Redis: version {envelope.version}, this kimp reads {VERSION}; update the older process"
        )
    return envelope.rules
