"""Answers that are wrong in one place: an address with another last letter, a row without its values."""

import re
from typing import Any

import msgspec

from kimp.paper.faults import kinds
from kimp.paper.faults.kinds import FaultKind

ADDRESSES = frozenset({
    "GET /v1/deposits/coin_address",
    "GET /v1/withdraws/coin_addresses",
    "GET /sapi/v1/capital/deposit/address",
    "GET /sapi/v1/capital/withdraw/address/list",
})  # fmt: skip
ADDRESS = re.compile(rb'("(?:deposit_address|withdraw_address|address)":)"([^"]+)"')
TAG = re.compile(rb'("(?:secondary_address|addressTag|tag)":)(null|"[^"]*")')

ROWS = frozenset({
    "GET /v1/accounts",
    "GET /v1/deposits",
    "GET /v1/market/all",
    "GET /v1/orderbook",
    "GET /v1/orderbook/instruments",
    "GET /v1/orders/chance",
    "GET /v1/status/wallet",
    "GET /v1/withdraws",
    "GET /v1/withdraws/chance",
    "GET /v1/withdraws/coin_addresses",
    "GET /api/v3/account",
    "GET /api/v3/exchangeInfo",
    "GET /api/v3/myTrades",
    "GET /sapi/v1/asset/tradeFee",
    "GET /sapi/v1/capital/config/getall",
    "GET /sapi/v1/capital/deposit/hisrec",
    "GET /sapi/v1/capital/withdraw/address/list",
    "GET /sapi/v1/capital/withdraw/history",
})  # fmt: skip
NAMES = frozenset({"asset", "coin", "currency", "id", "market", "symbol", "uuid"})
"""Of a row: these are left as they are."""
LISTS = ("balances", "symbols", "withdraw_limit", "market")
"""Where an answer that is no list of rows keeps them, or has its one row."""


def possible(route: str) -> frozenset[FaultKind]:
    """What may be wrong in answers of that route."""
    address = frozenset({FaultKind.FOREIGN_ADDRESS, FaultKind.FOREIGN_TAG}) if route in ADDRESSES else frozenset()
    return kinds.POISON & (address | {FaultKind.NULL_ROW} if route in ROWS else address)


def poisoned(body: bytes, kind: FaultKind) -> bytes:
    """Addresses: of a list every row, as whoever asks means one of them."""
    if kind is FaultKind.NULL_ROW:
        return _with_null_row(body)
    if kind is FaultKind.FOREIGN_ADDRESS:
        return ADDRESS.sub(lambda found: found[1] + b'"' + _other(found[2], b"x", b"y") + b'"', body)
    return TAG.sub(lambda found: found[1] + b'"' + _other(found[2].strip(b'"'), b"1", b"2") + b'"', body)


def _other(text: bytes, last: bytes, instead: bytes) -> bytes:
    """Another last letter; where nothing was, something."""
    if text in (b"", b"null"):
        return last
    return text[:-1] + (instead if text.endswith(last) else last)


def _with_null_row(body: bytes) -> bytes:
    """The first row, or the only one; an empty list stays as it is."""
    try:
        answer = msgspec.json.decode(body)
    except msgspec.DecodeError:  # a refusal in plain text
        return body
    rows: Any = answer
    if isinstance(answer, dict):
        rows = next((answer[name] for name in LISTS if name in answer), None)
    row = rows[0] if isinstance(rows, list) and rows else rows
    if isinstance(row, dict):
        row.update(dict.fromkeys(row.keys() - NAMES))
    return msgspec.json.encode(answer)
