"""Upbit's accounts and orders."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from kimp.domain.venues import Venue
from kimp.paper.accounts import InsufficientFunds, PaperBalance
from kimp.paper.amounts import plain
from kimp.paper.instruments import KRW, PaperInstrument
from kimp.paper.orders import Filtered, MarketHalted, MarketNotPermitted, Order, State, TakenName, WouldTake
from kimp.paper.upbit import render
from kimp.paper.upbit.errors import NOT_PERMITTED, UpbitError, invalid
from kimp.paper.upbit.gateway import ApiGateway, Params
from kimp.paper.upbit.order_form import identifier_of, request_of
from kimp.paper.world import World

MAX_CLOSED = 1_000
MAX_OPEN = 100


class OrderCalls:
    """`identifier` is good for one attempt for ever, even if that attempt is refused (docs.upbit.com: new-order)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._desk = world.desks[Venue.UPBIT]
        # Also of before a restart: an order whose answer was lost is looked for by its name.
        self._by_identifier: dict[str, Order] = {name: order for (_, name), order in self._desk.by_client_id.items()}
        self._burned = set(self._by_identifier)

    def bind(self, gate: ApiGateway) -> None:
        gate.private("GET", "accounts", self.accounts)
        gate.private("GET", "orders/chance", self.chance)
        gate.private("POST", "orders", self.create, "order")
        gate.private("POST", "orders/test", self.try_out, "order-test")
        gate.private("GET", "order", self.one)
        gate.private("DELETE", "order", self.cancel)
        gate.private("GET", "orders/open", self.open)
        gate.private("GET", "orders/closed", self.closed)
        gate.private("GET", "orders/uuids", self.several)

    def accounts(self, _params: Params) -> list[dict[str, Any]]:
        return [_account(asset, balance) for asset, balance in self._desk.accounts.all().items() if balance.total]

    def chance(self, params: Params) -> dict[str, Any]:
        instrument = self._world.of(Venue.UPBIT, params.get("market", ""))
        if instrument is None:
            raise invalid("market")
        fee = plain(instrument.fee)
        return {
            "bid_fee": fee,
            "ask_fee": fee,
            "maker_bid_fee": fee,
            "maker_ask_fee": fee,
            "market": _market(instrument),
            "bid_account": _account(KRW, self._desk.accounts[KRW]),
            "ask_account": _account(instrument.base, self._desk.accounts[instrument.base]),
        }

    def create(self, params: Params) -> dict[str, Any]:
        identifier = identifier_of(params)
        if identifier is not None:
            if identifier in self._burned:
                raise UpbitError("duplicated_identifier")
            self._burned.add(identifier)
        request = request_of(self._world, params)
        word = render.SIDES[request.side]
        try:
            order = self._desk.place(request)
        except InsufficientFunds:
            raise UpbitError(f"insufficient_funds_{word}") from None
        except WouldTake:
            raise UpbitError(f"create_{word}_error") from None
        except MarketHalted:
            raise UpbitError("market_offline") from None
        except MarketNotPermitted:
            raise UpbitError(NOT_PERMITTED) from None
        except Filtered:
            raise UpbitError(f"invalid_price_{word}") from None
        except TakenName as taken:
            self._by_identifier[params["identifier"]] = taken.order
            raise UpbitError("duplicated_identifier") from None
        if identifier is not None:
            self._by_identifier[identifier] = order
        return render.accepted(order)

    def try_out(self, params: Params) -> dict[str, Any]:
        """Checks like a creation; nothing is ordered and no identifier is used up."""
        identifier_of(params)
        request = request_of(self._world, params)
        try:
            order = self._desk.dry_run(request)
        except InsufficientFunds:
            raise UpbitError(f"insufficient_funds_{render.SIDES[request.side]}") from None
        except MarketHalted:
            raise UpbitError("market_offline") from None
        except MarketNotPermitted:
            raise UpbitError(NOT_PERMITTED) from None
        return render.accepted(order)

    def one(self, params: Params) -> dict[str, Any]:
        (order,) = self._desk.shown([self._find(params)])
        return render.order(order) | {"trades": render.trades(order)}

    def cancel(self, params: Params) -> dict[str, Any]:
        """The answer shows the order as it was: accepted for cancelling, not yet cancelled."""
        order = self._find(params)
        if order.state is not State.OPEN:
            raise UpbitError("order_not_found")
        shown = render.order(order)
        self._desk.cancel(order)
        return shown

    def open(self, params: Params) -> list[dict[str, Any]]:
        orders = self._desk.shown(self._desk.open_orders(params.get("market")))
        return [render.order(order) for order in _page(orders, params, MAX_OPEN)]

    def closed(self, params: Params) -> list[dict[str, Any]]:
        states = params.lists.get("states") or [params.get("state", "")]
        wanted = {state for state in states if state} or {"done", "cancel"}
        first, last = _time(params, "start_time"), _time(params, "end_time")
        orders = [
            order
            for order in self._desk.shown(self._desk.orders.values())
            if order.state is not State.OPEN
            and render.ORDER_STATES[order.state] in wanted
            and params.get("market") in (None, order.request.instrument.symbol)
            and (first is None or order.created_ms >= first)
            and (last is None or order.created_ms <= last)
        ]
        return [render.order(order) for order in _page(orders, params, MAX_CLOSED)]

    def several(self, params: Params) -> list[dict[str, Any]]:
        found = [self._desk.by_uuid.get(uuid) for uuid in params.lists.get("uuids", [])]
        found += [self._by_identifier.get(name) for name in params.lists.get("identifiers", [])]
        if not params.lists:
            raise invalid("uuids")
        return [render.order(order) for order in self._desk.shown(o for o in found if o is not None)]

    def _find(self, params: Params) -> Order:
        """`uuid` wins over `identifier`."""
        if "uuid" in params:
            order = self._desk.by_uuid.get(params["uuid"])
        elif "identifier" in params:
            order = self._by_identifier.get(params["identifier"])
        else:
            raise invalid("uuid")
        if order is None or not self._desk.shown([order]):
            raise UpbitError("order_not_found")
        return order


def _account(asset: str, balance: PaperBalance) -> dict[str, Any]:
    return {
        "currency": asset,
        "balance": plain(balance.free),
        "locked": plain(balance.locked),
        "avg_buy_price": "0",
        "avg_buy_price_modified": asset == KRW,
        "unit_currency": KRW,
    }


def _market(instrument: PaperInstrument) -> dict[str, Any]:
    return {
        "id": instrument.symbol,
        "name": f"{instrument.base}/{instrument.quote}",
        "order_types": [],
        "order_sides": ["ask", "bid"],
        "bid_types": ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "price"],
        "ask_types": ["best_fok", "best_ioc", "limit", "limit_fok", "limit_ioc", "market"],
        "bid": {"currency": instrument.quote, "min_total": plain(instrument.min_notional)},
        "ask": {"currency": instrument.base, "min_total": plain(instrument.min_notional)},
        "max_total": plain(instrument.max_notional),
        "state": "active",
    }


def _page(orders: Iterable[Order], params: Params, most: int) -> list[Order]:
    newest_first = params.get("order_by", "desc") == "desc"
    listed = sorted(orders, key=lambda order: order.number, reverse=newest_first)
    limit = min(int(params["limit"]), most) if params.get("limit", "").isdecimal() else 100
    page = int(params["page"]) if params.get("page", "").isdecimal() else 1
    return listed[(page - 1) * limit : page * limit]


def _time(params: Params, name: str) -> int | None:
    """Milliseconds, or ISO with a zone."""
    text = params.get(name)
    if text is None:
        return None
    if text.isdecimal():
        return int(text)
    try:
        return int(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise invalid(name) from None
