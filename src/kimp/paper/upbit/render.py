"""Upbit's private objects: amounts are decimal strings, times are ISO with +09:00."""

from datetime import datetime, timedelta, timezone
from typing import Any

from kimp.domain.market import Side
from kimp.paper.addresses import PaperAddress
from kimp.paper.amounts import ZERO, exact, plain
from kimp.paper.orders import Order, State
from kimp.paper.transfer import Deposit, TransferStep, Withdrawal

SEOUL = timezone(timedelta(hours=9))
SIDES = {Side.BUY: "bid", Side.SELL: "ask"}
ORDER_STATES = {State.OPEN: "wait", State.FILLED: "done", State.CANCELLED: "cancel", State.EXPIRED: "cancel"}
WITHDRAWAL_STATES = {
    TransferStep.ACCEPTED: "WAITING",
    TransferStep.BROADCAST: "PROCESSING",
    TransferStep.CONFIRMED: "DONE",
    TransferStep.CANCELLED: "CANCELLED",
    TransferStep.FAILED: "FAILED",
    TransferStep.REJECTED: "REJECTED",
}
DEPOSIT_STATES = {
    TransferStep.CREDITED: "ACCEPTED",
    TransferStep.HELD: "TRAVEL_RULE_SUSPECTED",
    TransferStep.REJECTED: "REJECTED",
}
"""PROCESSING otherwise."""


def seoul(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, SEOUL).isoformat()


@exact
def order(order: Order) -> dict[str, Any]:
    """As a query tells it, without its trades."""
    request = order.request
    reserved = order.reserved_fee
    return _identity(order) | {
        "state": ORDER_STATES[order.state],
        "remaining_volume": None if order.remaining is None else plain(order.remaining),
        "executed_volume": plain(order.executed),
        "reserved_fee": plain(reserved),
        "remaining_fee": plain(
            reserved - order.fees if request.side is Side.BUY and order.state is State.OPEN else ZERO
        ),
        "paid_fee": plain(order.fees),
        "locked": plain(order.locked),
        "trades_count": len(order.fills),
    }


def accepted(order: Order) -> dict[str, Any]:
    """As the answer to a creation tells it: Upbit matches afterwards, so it is always waiting and unfilled."""
    quantity = order.request.quantity
    return _identity(order) | {
        "state": "wait",
        "remaining_volume": None if quantity is None else plain(quantity),
        "executed_volume": "0",
        "reserved_fee": plain(order.reserved_fee),
        "remaining_fee": plain(order.reserved_fee),
        "paid_fee": "0",
        "locked": plain(order.first_lock),
        "trades_count": 0,
    }


def _identity(order: Order) -> dict[str, Any]:
    request, wire = order.request, order.request.wire
    price = request.budget if request.budget is not None else request.limit
    return {
        "uuid": order.uuid,
        "side": SIDES[request.side],
        "ord_type": wire["ord_type"],
        "price": None if price is None or wire["ord_type"] == "market" else plain(price),
        "market": request.instrument.symbol,
        "created_at": seoul(order.created_ms),
        "volume": None if request.quantity is None else plain(request.quantity),
        "prevented_volume": "0",
        "prevented_locked": "0",
        "time_in_force": wire["time_in_force"],
        "identifier": request.client_id,
    }


def trades(order: Order) -> list[dict[str, Any]]:
    return [
        {
            "market": order.request.instrument.symbol,
            "uuid": trade_uuid(order, fill.number),
            "price": plain(fill.price),
            "volume": plain(fill.quantity),
            "funds": plain(fill.funds),
            "trend": "up" if order.request.side is Side.BUY else "down",
            "created_at": seoul(fill.at_ms),
            "side": SIDES[order.request.side],
        }
        for fill in order.fills
    ]


def trade_uuid(order: Order, fill_number: int) -> str:
    return f"{order.uuid[:-12]}{fill_number % 16**12:012x}"


def withdrawal(withdrawal: Withdrawal) -> dict[str, Any]:
    return {
        "type": "withdraw",
        "uuid": withdrawal.uuid,
        "currency": withdrawal.coin,
        "net_type": withdrawal.network.name,
        "txid": withdrawal.txid,
        "state": WITHDRAWAL_STATES[withdrawal.step],
        "created_at": seoul(withdrawal.created_ms),
        "done_at": None if withdrawal.done_ms is None else seoul(withdrawal.done_ms),
        "amount": plain(withdrawal.amount),
        "fee": plain(withdrawal.fee),
        "transaction_type": "default",
        "is_cancelable": withdrawal.step is TransferStep.ACCEPTED,
    }


def deposit(deposit: Deposit) -> dict[str, Any]:
    return {
        "type": "deposit",
        "uuid": deposit.uuid,
        "currency": deposit.address.coin,
        "net_type": deposit.address.network,
        "txid": deposit.txid,
        "state": DEPOSIT_STATES.get(deposit.step, "PROCESSING"),
        "created_at": seoul(deposit.created_ms),
        "done_at": None if deposit.done_ms is None else seoul(deposit.done_ms),
        "amount": plain(deposit.amount),
        "fee": "0",
        "transaction_type": "default",
    }


def deposit_address(address: PaperAddress) -> dict[str, Any]:
    return {
        "currency": address.coin,
        "net_type": address.network,
        "deposit_address": address.address,
        "secondary_address": address.tag,
    }


def allowed_address(address: PaperAddress) -> dict[str, Any]:
    """A row of the list that withdrawals are restricted to."""
    return {
        "currency": address.coin,
        "net_type": address.network,
        "network_name": address.network,
        "withdraw_address": address.address,
        "secondary_address": address.tag,
        "beneficiary_name": "kimp",
        "beneficiary_company_name": None,
        "beneficiary_type": "individual",
        "exchange_name": "Binance",
        "wallet_type": "exchange",
    }
