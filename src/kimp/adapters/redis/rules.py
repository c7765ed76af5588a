"""How a venue's rules are written into Redis: JSON with a version, decimals as text. Pure."""

from dataclasses import replace

import msgspec

from kimp.contracts.names import decode_name, encode_name
from kimp.contracts.ranges import LAST_MS, instrument_problem, network_problem, turnover_problem
from kimp.domain.errors import BadMessage
from kimp.domain.market import VenueRules

VERSION = 1


class _Envelope(msgspec.Struct):
    version: int
    rules: VenueRules


_encoder = msgspec.json.Encoder(enc_hook=encode_name)
_decoder = msgspec.json.Decoder(_Envelope, dec_hook=decode_name)


def encode_rules(rules: VenueRules) -> bytes:
    return _encoder.encode(_Envelope(VERSION, rules))


def decode_rules(data: bytes) -> tuple[VenueRules, list[str]]:
    """The rules without those that can't be true, and why each of these can't: its coin is not traded, others are.

    Raises BadMessage, in one line, for anything but rules of this version.
    """
    try:
        envelope = _decoder.decode(data)
    except (ValueError, RecursionError, ArithmeticError) as error:
        raise BadMessage(f"rules in Redis: {error}; is an older feeder still running?") from None
    if envelope.version != VERSION:
        raise BadMessage(
            f"rules in Redis: version {envelope.version}, this kimp reads {VERSION}; update the older process"
        )
    rules = envelope.rules
    if not 0 <= rules.read_ms <= LAST_MS:
        raise BadMessage(f"rules in Redis: those of {rules.venue} were read at no time")
    markets = [(one, instrument_problem(one)) for one in rules.instruments if one.venue is rules.venue]
    wallets = [(one, network_problem(one)) for one in rules.networks if one.venue is rules.venue]
    turned = [(one, turnover_problem(one)) for one in rules.turnovers if one.venue is rules.venue]
    kept = replace(
        rules,
        instruments=tuple(one for one, problem in markets if problem is None),
        networks=tuple(one for one, problem in wallets if problem is None),
        turnovers=tuple(one for one, problem in turned if problem is None),
    )
    return kept, [problem for _, problem in (*markets, *wallets, *turned) if problem is not None]
