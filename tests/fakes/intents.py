"""What a workflow asks of a venue, whole and sound; a test names what matters to it."""

from typing import Any

from fakes.market import XRP, d

from kimp.contracts.orders import OrderIntent
from kimp.contracts.transfers import Address, WithdrawalIntent
from kimp.domain.market import Side
from kimp.domain.venues import Direction, Venue

NEVER = 1 << 53
"""Epoch milliseconds that no test lives to see."""


def order(**changes: Any) -> OrderIntent:
    facts: dict[str, Any] = {
        "cycle_id": "XRP-1",
        "run_id": "run-1",
        "client_order_id": "XRP-1-1B1-1",
        "venue": Venue.BINANCE,
        "coin": XRP,
        "side": Side.BUY,
        "quantity": d(100),
        "limit_price": d("2.01"),
        "krw_per_cash": d(1400),
        "taker_fee": d("0.001"),
        "expires_at_ms": NEVER,
    }
    return OrderIntent.model_validate(facts | changes)


def withdrawal(**changes: Any) -> WithdrawalIntent:
    facts: dict[str, Any] = {
        "cycle_id": "XRP-1",
        "run_id": "run-1",
        "transfer_id": "XRP-1-1W-1",
        "coin": XRP,
        "direction": Direction.TO_UPBIT,
        "amount": d(100),
        "network": "XRP",
        "address": Address(network="XRP", address="rUpbit", tag="7"),
        "expires_at_ms": NEVER,
    }
    return WithdrawalIntent.model_validate(facts | changes)
