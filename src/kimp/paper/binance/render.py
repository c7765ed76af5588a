"""Binance's private objects: amounts are strings with eight decimals, times are milliseconds."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from kimp.domain.market import Side
from kimp.paper.addresses import PaperAddress
from kimp.paper.amounts import CONTEXT, ZERO, padded, plain
from kimp.paper.coins import CoinConfig, PaperNetwork
from kimp.paper.orders import Order, PaperFill, State
from kimp.paper.transfer import Deposit, TransferStep, Withdrawal

WITHDRAWAL_STATUS = {
    TransferStep.ACCEPTED: 2,
    TransferStep.BROADCAST: 4,
    TransferStep.CONFIRMED: 6,
    TransferStep.CANCELLED: 1,
    TransferStep.REJECTED: 3,
    TransferStep.FAILED: 5,
}
DEPOSIT_STATUS = {
    TransferStep.SEEN: 0,
    TransferStep.CONFIRMED: 6,
    TransferStep.CREDITED: 1,
    TransferStep.REJECTED: 2,
    TransferStep.HELD: 8,
}
MEMO_REGEX = "^[0-9]{1,19}$"
ADDRESS_REGEX = "^[0-9A-Za-z]{10,120}$"
CONFIRMATIONS = 2
"""Blocks until a deposit is credited for trading; twice as many until it may leave again."""


def order_status(order: Order) -> str:
    if order.state is State.OPEN:
        return "PARTIALLY_FILLED" if order.executed else "NEW"
    return {State.FILLED: "FILLED", State.CANCELLED: "CANCELED", State.EXPIRED: "EXPIRED"}[order.state]


def side(order: Order) -> str:
    return "BUY" if order.request.side is Side.BUY else "SELL"


def accepted(order: Order) -> dict[str, Any]:
    """newOrderRespType=ACK."""
    return {
        "symbol": order.request.instrument.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.request.client_id,
        "transactTime": order.updated_ms,
    }


def result(order: Order) -> dict[str, Any]:
    """newOrderRespType=RESULT."""
    return accepted(order) | _amounts(order) | {"workingTime": order.created_ms, "selfTradePreventionMode": "NONE"}


def full(order: Order) -> dict[str, Any]:
    """newOrderRespType=FULL."""
    return result(order) | {
        "fills": [
            {
                "price": padded(fill.price),
                "qty": padded(fill.quantity),
                "commission": padded(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.number,
            }
            for fill in order.fills
        ]
    }


def queried(order: Order) -> dict[str, Any]:
    """GET /api/v3/order."""
    return {
        "symbol": order.request.instrument.symbol,
        "orderId": order.number,
        "orderListId": -1,
        "clientOrderId": order.request.client_id,
        **_amounts(order),
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.created_ms,
        "updateTime": order.updated_ms,
        "isWorking": True,
        "workingTime": order.created_ms,
        "selfTradePreventionMode": "NONE",
    }


def cancelled(order: Order, request_id: str) -> dict[str, Any]:
    """DELETE /api/v3/order: the cancellation has an id of its own."""
    return (
        accepted(order)
        | _amounts(order)
        | {
            "origClientOrderId": order.request.client_id,
            "clientOrderId": request_id,
            "selfTradePreventionMode": "NONE",
        }
    )


def _amounts(order: Order) -> dict[str, Any]:
    request = order.request
    quantity = order.executed if request.quantity is None else request.quantity
    return {
        "price": padded(request.limit or ZERO),
        "origQty": padded(quantity),
        "executedQty": padded(order.executed),
        "origQuoteOrderQty": padded(request.budget or ZERO),
        "cummulativeQuoteQty": padded(order.funds),
        "status": order_status(order),
        "timeInForce": request.wire["timeInForce"],
        "type": request.wire["type"],
        "side": side(order),
    }


def trade(order: Order, fill: PaperFill) -> dict[str, Any]:
    """A row of GET /api/v3/myTrades."""
    return {
        "symbol": order.request.instrument.symbol,
        "id": fill.number,
        "orderId": order.number,
        "orderListId": -1,
        "price": padded(fill.price),
        "qty": padded(fill.quantity),
        "quoteQty": padded(fill.funds),
        "commission": padded(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.at_ms,
        "isBuyer": order.request.side is Side.BUY,
        "isMaker": fill.maker,
        "isBestMatch": True,
    }


def withdrawal(withdrawal: Withdrawal) -> dict[str, Any]:
    """`amount` is what arrives: the fee has been taken out of it."""
    row = {
        "id": withdrawal.uuid.replace("-", ""),
        "amount": plain(withdrawal.amount),
        "transactionFee": plain(withdrawal.fee),
        "coin": withdrawal.coin,
        "status": WITHDRAWAL_STATUS[withdrawal.step],
        "address": withdrawal.address.address,
        "txId": withdrawal.txid or "",
        "applyTime": _utc(withdrawal.created_ms),
        "network": withdrawal.network.name,
        "transferType": 0,
        "info": "",
        "confirmNo": CONFIRMATIONS if withdrawal.step is TransferStep.CONFIRMED else 0,
        "walletType": 0,
        "txKey": "",
        "completeTime": "" if withdrawal.done_ms is None else _utc(withdrawal.done_ms),
    }
    if withdrawal.address.tag is not None:
        row["addressTag"] = withdrawal.address.tag
    if withdrawal.client_id is not None:
        row["withdrawOrderId"] = withdrawal.client_id
    return row


def deposit(deposit: Deposit) -> dict[str, Any]:
    confirmed = {TransferStep.CONFIRMED: CONFIRMATIONS, TransferStep.CREDITED: 2 * CONFIRMATIONS}.get(deposit.step, 1)
    return {
        "id": deposit.uuid.replace("-", ""),
        "amount": plain(deposit.amount),
        "coin": deposit.address.coin,
        "network": deposit.address.network,
        "status": DEPOSIT_STATUS[deposit.step],
        "address": deposit.address.address,
        "addressTag": deposit.address.tag or "",
        "txId": deposit.txid,
        "insertTime": deposit.created_ms,
        "completeTime": deposit.done_ms,
        "transferType": 0,
        "confirmTimes": f"{confirmed}/{CONFIRMATIONS}",
        "unlockConfirm": 2 * CONFIRMATIONS,
        "walletType": 0,
        "travelRuleStatus": 0,
    }


def network(coin: CoinConfig, network: PaperNetwork, *, deposit: bool, withdraw: bool) -> dict[str, Any]:
    """A row of a coin's `networkList` in GET /sapi/v1/capital/config/getall."""
    step = CONTEXT.power(Decimal(10), -network.decimals)
    minutes = (network.review_s + network.confirm_s + network.credit_s) / 60
    return {
        "network": network.name,
        "coin": coin.name,
        "withdrawIntegerMultiple": plain(step),
        "isDefault": network is coin.networks[0],
        "depositEnable": deposit,
        "withdrawEnable": withdraw,
        "depositDesc": "" if deposit else "Wallet Maintenance, Deposit Suspended",
        "withdrawDesc": "" if withdraw else "Wallet Maintenance, Withdrawal Suspended",
        "specialTips": "",
        "specialWithdrawTips": "",
        "name": network.name,
        "resetAddressStatus": False,
        "addressRegex": ADDRESS_REGEX,
        "addressRule": "",
        "memoRegex": MEMO_REGEX if network.tag_required else "",
        "withdrawTag": network.tag_required,
        "withdrawFee": plain(network.binance_fee),
        "withdrawMin": plain(network.binance_min),
        "withdrawMax": "9999999",
        "withdrawInternalMin": plain(step),
        "depositDust": plain(step),
        "minConfirm": CONFIRMATIONS,
        "unLockConfirm": 2 * CONFIRMATIONS,
        "sameAddress": network.tag_required,
        "estimatedArrivalTime": max(round(minutes), 1),
        "busy": False,
        "contractAddressUrl": f"https://paper.invalid/{network.name}/",
        "contractAddress": "",
    }


def registered_address(address: PaperAddress) -> dict[str, Any]:
    """A row of GET /sapi/v1/capital/withdraw/address/list."""
    return {
        "address": address.address,
        "addressTag": address.tag or "",
        "coin": address.coin,
        "name": "kimp",
        "network": address.network,
        "origin": "",
        "originType": "Upbit",
        "whiteStatus": True,
    }


def _utc(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
