"""Binance's account and orders. binance-spot-api-docs: rest-api.md."""

from collections.abc import Iterable
from typing import Any

from kimp.domain.venues import Venue
from kimp.paper.accounts import InsufficientFunds
from kimp.paper.amounts import padded
from kimp.paper.binance import render, rules
from kimp.paper.binance.errors import (
    DUPLICATE,
    INSUFFICIENT,
    MARKET_CLOSED,
    NOT_PERMITTED,
    WOULD_TAKE,
    BinanceError,
    filter_failed,
    order_refused,
)
from kimp.paper.binance.gateway import ApiGateway, Params
from kimp.paper.binance.order_form import client_id_of, instrument_of, request_of
from kimp.paper.instruments import USDT
from kimp.paper.orders import Filtered, MarketHalted, MarketNotPermitted, Order, State, TakenName, WouldTake
from kimp.paper.world import World

MAX_ROWS = 1_000
DEFAULT_ROWS = 500
TRADE_WINDOW_MS = 86_400_000
RENDERERS = {"ACK": render.accepted, "RESULT": render.result, "FULL": render.full}


class OrderCalls:
    """A client id is taken only as long as its order is open; later orders may bear it again."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._desk = world.desks[Venue.BINANCE]

    def bind(self, gate: ApiGateway) -> None:
        gate.signed("GET", "/api/v3/account", self.account, weight=20)
        gate.placement("/api/v3/order", self.create)
        gate.signed("POST", "/api/v3/order/test", self.try_out)
        gate.signed("GET", "/api/v3/order", self.one, weight=4)
        gate.signed("DELETE", "/api/v3/order", self.cancel)
        gate.signed("GET", "/api/v3/openOrders", self.open, weight=6)
        gate.signed("GET", "/api/v3/allOrders", self.all, weight=20)
        gate.signed("GET", "/api/v3/myTrades", self.trades, weight=_trades_weight)
        gate.sapi("GET", "/sapi/v1/asset/tradeFee", self.fees)

    def account(self, params: Params) -> dict[str, Any]:
        fee = padded(self._world.config.binance_fee)
        nonzero = params.get("omitZeroBalances") == "true"
        held = self._desk.accounts.all() | {a: self._desk.accounts[a] for a in (USDT, *self._world.coins)}
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "buyerCommission": 0,
            "sellerCommission": 0,
            "commissionRates": {"maker": fee, "taker": fee, "buyer": "0.00000000", "seller": "0.00000000"},
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "brokered": False,
            "requireSelfTradePrevention": False,
            "preventSor": False,
            "updateTime": self._world.clock.now_ms(),
            "accountType": "SPOT",
            "balances": [
                {"asset": asset, "free": padded(balance.free), "locked": padded(balance.locked)}
                for asset, balance in held.items()
                if balance.total or not nonzero
            ],
            "permissions": ["SPOT"],
            "uid": 1,
        }

    def create(self, params: Params) -> dict[str, Any]:
        request = request_of(self._world, params)
        symbol = request.instrument.symbol
        namesake = self._desk.by_client_id.get((symbol, request.client_id or ""))
        if namesake is not None and namesake.state is State.OPEN:
            raise order_refused(DUPLICATE)
        if len(self._desk.open_orders(symbol)) >= rules.MAX_OPEN_ORDERS:
            raise filter_failed("MAX_NUM_ORDERS")
        try:
            order = self._desk.place(request)
        except InsufficientFunds:
            raise order_refused(INSUFFICIENT) from None
        except WouldTake:
            raise order_refused(WOULD_TAKE) from None
        except MarketHalted:
            raise BinanceError(-1013, message=MARKET_CLOSED) from None
        except MarketNotPermitted:
            raise order_refused(NOT_PERMITTED) from None
        except TakenName:
            raise order_refused(DUPLICATE) from None
        except Filtered:
            raise filter_failed("PERCENT_PRICE_BY_SIDE") from None
        default = "ACK" if params["type"] == "LIMIT_MAKER" else "FULL"
        return RENDERERS.get(params.get("newOrderRespType", default), render.full)(order)

    def try_out(self, params: Params) -> dict[str, Any]:
        """Checks the form only; nothing is ordered."""
        request_of(self._world, params)
        return {}

    def one(self, params: Params) -> dict[str, Any]:
        order = self._find(params)
        if order is None:
            raise BinanceError(-2013)
        (shown,) = self._desk.shown([order])
        return render.queried(shown)

    def cancel(self, params: Params) -> dict[str, Any]:
        order = self._find(params)
        if order is None or order.state is not State.OPEN:
            raise BinanceError(-2011)
        self._desk.cancel(order)
        return render.cancelled(order, client_id_of(params, "newClientOrderId"))

    def open(self, params: Params) -> list[dict[str, Any]]:
        return [render.queried(order) for order in self._desk.shown(self._desk.open_orders(params.get("symbol")))]

    def all(self, params: Params) -> list[dict[str, Any]]:
        orders = [o for o in self._of_symbol(params) if o.number >= _whole(params, "orderId", 0)]
        return [render.queried(order) for order in _between(orders, params)]

    def trades(self, params: Params) -> list[dict[str, Any]]:
        """At most 24 hours between startTime and endTime. From an id on the oldest come first, else the latest."""
        first, last = _whole(params, "startTime", 0), _whole(params, "endTime", 1 << 62)
        if "startTime" in params and "endTime" in params and last - first > TRADE_WINDOW_MS:
            raise BinanceError(-1127, message="More than 24 hours between startTime and endTime.")
        if "startTime" in params:
            last = min(last, first + TRADE_WINDOW_MS)
        wanted = params.get("orderId")
        rows = [
            render.trade(order, fill)
            for order in self._of_symbol(params)
            if wanted is None or str(order.number) == wanted
            for fill in order.fills
            if first <= fill.at_ms <= last and fill.number >= _whole(params, "fromId", 0)
        ]
        rows.sort(key=lambda row: row["id"])
        return rows[: _limit(params)] if "fromId" in params else rows[-_limit(params) :]

    def fees(self, params: Params) -> list[dict[str, Any]]:
        fee = padded(self._world.config.binance_fee)
        return [
            {"symbol": i.symbol, "makerCommission": fee, "takerCommission": fee}
            for i in self._world.listed(Venue.BINANCE)
            if params.get("symbol") in (None, i.symbol)
        ]

    def _of_symbol(self, params: Params) -> list[Order]:
        symbol = instrument_of(self._world, params).symbol
        mine = self._desk.shown(self._desk.orders.values())
        return [order for order in mine if order.request.instrument.symbol == symbol]

    def _find(self, params: Params) -> Order | None:
        """By orderId, else the latest with that client id."""
        instrument = instrument_of(self._world, params)
        if "orderId" in params:
            order = self._desk.orders.get(_whole(params, "orderId", 0))
        elif client_id := params.get("origClientOrderId"):
            order = self._desk.by_client_id.get((instrument.symbol, client_id))
        else:
            message = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"
            raise BinanceError(-1102, message=message)
        return order if order and order.request.instrument is instrument and self._desk.shown([order]) else None


def _trades_weight(params: Params) -> int:
    return 5 if "orderId" in params else 20


def _between(orders: Iterable[Order], params: Params) -> list[Order]:
    first, last = _whole(params, "startTime", 0), _whole(params, "endTime", 1 << 62)
    return [order for order in orders if first <= order.created_ms <= last][-_limit(params) :]


def _limit(params: Params) -> int:
    return min(max(_whole(params, "limit", DEFAULT_ROWS), 1), MAX_ROWS)


def _whole(params: Params, name: str, default: int) -> int:
    text = params.get(name)
    if text is None:
        return default
    if not text.isdecimal():
        raise BinanceError(-1100, name, "^[0-9]{1,20}$")
    return int(text)
