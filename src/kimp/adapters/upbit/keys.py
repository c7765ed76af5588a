"""What Upbit's key may do. Upbit tells nobody: each right is tried on a call that changes nothing.

docs.upbit.com, auth 2026-09-01, says which call needs which right. Proved are the rights to look (assets, orders,
withdrawals, deposits), to order (`orders/test` is checked like an order and makes none) and to withdraw (cancelling a
withdrawal needs the same right, and this one does not exist). Not to be found out without using them: the rights to
deposit won, to move assets between pockets and to manage pockets, and the list of IP addresses.
"""

import asyncio
from collections.abc import Awaitable
from datetime import datetime
from typing import Any

from kimp.adapters.venue.answers import NotSuccess
from kimp.adapters.venue.client import Caller
from kimp.adapters.venue.shape import AnswerStruct, shaped
from kimp.domain.errors import BadMessage, KeyRefused
from kimp.domain.keys import KeyFacts, Right

OUT_OF_SCOPE, LOCKED = "out_of_scope", "open_api_withdraw_locked"
JUDGED_BY_CONTENT = frozenset({400, 404, 409, 422})
"""Status of a refusal for what the request says, which comes after that for who says it (401, 403)."""
NO_WITHDRAWAL = "00000000-0000-4000-8000-000000000000"
TRIED_ORDER = {
    "market": "KRW-USDT",
    "side": "bid",
    "ord_type": "limit",
    "volume": "10",
    "price": "1000",
    "time_in_force": "ioc",
}


class _Key(AnswerStruct):
    access_key: str
    expire_at: str


def expiry(content: Any, access_key: str) -> int | None:
    """Milliseconds; None for a key that is not listed. Raises BadMessage for any other shape."""
    for key in shaped(content, list[_Key], "keys"):
        if key.access_key == access_key:
            try:
                return int(datetime.fromisoformat(key.expire_at).timestamp() * 1000)
            except (ValueError, OverflowError, OSError):
                raise BadMessage("keys: expire_at is no time") from None
    return None


async def key_facts(api: Any, call: Caller, access_key: str) -> KeyFacts:
    """Raises KeyRefused for a key that Upbit does not take at all, Unavailable while it cannot be told."""
    expires_ms = await call.read("keys", api.private_get_api_keys(), lambda reported: expiry(reported, access_key))
    looks = {
        "assets": api.private_get_accounts,
        "orders": api.private_get_orders_open,
        "withdrawals": api.private_get_withdraws_coin_addresses,
        "deposits": api.private_get_deposits_coin_addresses,
    }
    seen = await asyncio.gather(*(_refusal(call, look()) for look in looks.values()))
    order = await _refusal(call, api.private_post_orders_test(TRIED_ORDER))
    withdraw = await _refusal(call, api.private_delete_withdraws_coin({"uuid": NO_WITHDRAWAL}))
    blind = [what for what, refusal in zip(looks, seen, strict=True) if refusal == OUT_OF_SCOPE]
    tried = {Right.READ: not blind, Right.TRADE: order != OUT_OF_SCOPE, Right.WITHDRAW: withdraw != OUT_OF_SCOPE}
    warnings = [f"may not look at {', '.join(blind)}"] if blind else []
    if withdraw == LOCKED:
        warnings.append("may not withdraw before its withdrawal lock is opened in Upbit's mobile app")
    return KeyFacts(
        rights=frozenset(right for right, proved in tried.items() if proved),
        expires_ms=expires_ms,
        warnings=tuple(warnings),
    )


async def _refusal(call: Caller, request: Awaitable[Any]) -> str | None:
    """What the key may not do; None if it was let in, whatever became of the request then."""

    async def let_in() -> None:
        try:
            await request
        except NotSuccess as refused:
            if refused.answer.status not in JUDGED_BY_CONTENT:
                raise

    try:
        await call.read("right", let_in(), lambda _reported: None)
    except KeyRefused as refused:
        if refused.code not in {OUT_OF_SCOPE, LOCKED}:
            raise
        return refused.code
    return None
