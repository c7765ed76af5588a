"""Answers about addresses in which one letter or figure is another: what a thief or a careless person leaves."""

import re

from kimp.paper.faults.kinds import FaultKind

ROUTES = frozenset({
    "GET /v1/deposits/coin_address",
    "GET /v1/withdraws/coin_addresses",
    "GET /sapi/v1/capital/deposit/address",
    "GET /sapi/v1/capital/withdraw/address/list",
})  # fmt: skip
ADDRESS = re.compile(rb'("(?:deposit_address|withdraw_address|address)":)"([^"]+)"')
TAG = re.compile(rb'("(?:secondary_address|addressTag|tag)":)(null|"[^"]*")')


def poisoned(body: bytes, kind: FaultKind) -> bytes:
    """Of a list every row: whoever asks means one of them."""
    if kind is FaultKind.FOREIGN_ADDRESS:
        return ADDRESS.sub(lambda found: found[1] + b'"' + _other(found[2], b"x", b"y") + b'"', body)
    return TAG.sub(lambda found: found[1] + b'"' + _other(found[2].strip(b'"'), b"1", b"2") + b'"', body)


def _other(text: bytes, last: bytes, instead: bytes) -> bytes:
    """Another last letter; where nothing was, something."""
    if text in (b"", b"null"):
        return last
    return text[:-1] + (instead if text.endswith(last) else last)
