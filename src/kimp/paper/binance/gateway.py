"""What every Binance call passes: request weight, signature, execution, journal, and the shape of the answer."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from kimp.domain.venues import Venue
from kimp.paper.binance.auth import Authenticator
from kimp.paper.binance.errors import UNDER_MAINTENANCE, BinanceError
from kimp.paper.conditions import Condition
from kimp.paper.keys import binance_right
from kimp.paper.limits import RequestCounter
from kimp.paper.seam import ADMITTED_MS
from kimp.paper.world import World

MINUTE_S = 60
DAY_S = 86_400
ORDER_SPAN_S = 10
STATUS_PATH = "/sapi/v1/system/status"
"""Served even while nothing else is."""
CALLER = "apiKey"
"""The parameter that a signed call finds its own key in; over REST the client sends it as a header."""

Params = dict[str, str]
Call = Callable[[Params], Any]
Weigh = Callable[[Params], int]


class ApiGateway:
    """Binds calls to routes of one application, and counts what Binance counts."""

    def __init__(self, world: World, gatekeeper: Authenticator, app: web.Application) -> None:
        limits, clock = world.config.limits, world.clock
        self._world = world
        self._gatekeeper = gatekeeper
        self._app = app
        self._weight = RequestCounter(limits.binance_weight_1m, MINUTE_S, clock)
        self._sapi_ip = RequestCounter(limits.binance_sapi_ip_1m, MINUTE_S, clock)
        self._sapi_uid = RequestCounter(limits.binance_sapi_uid_1m, MINUTE_S, clock)
        self._sapi_uid_1s = RequestCounter(limits.binance_sapi_uid_1s, 1, clock)
        self._orders_10s = RequestCounter(limits.binance_orders_10s, ORDER_SPAN_S, clock)
        self._orders_1d = RequestCounter(limits.binance_orders_1d, DAY_S, clock)

    def public(self, path: str, call: Call, weight: int = 1) -> None:
        self._route("GET", path, call, self._weight, lambda _params: weight, signed=False)

    def signed(self, method: str, path: str, call: Call, weight: int | Weigh = 1) -> None:
        weigh = weight if callable(weight) else lambda _params: weight
        self._route(method, path, call, self._weight, weigh, signed=True)

    def placement(self, path: str, call: Call) -> None:
        """An order: weight 0 (changelog 2026-04-02), counted by the order limits instead."""

        def counted(params: Params) -> Any:
            self._count_order()
            return call(params)

        self._route("POST", path, counted, self._weight, lambda _params: 0, signed=True)

    def sapi(self, method: str, path: str, call: Call, weight: int = 1) -> None:
        self._route(method, path, call, self._sapi_ip, lambda _params: weight, signed=True)

    def sapi_by_uid(self, method: str, path: str, call: Call, weight: int, *, per_second: bool = False) -> None:
        """`per_second`: withdraw/history is the one call whose weight counts within a second, not a minute."""
        window = self._sapi_uid_1s if per_second else self._sapi_uid
        self._route(method, path, call, window, lambda _params: weight, signed=True)

    def _route(self, method: str, path: str, call: Call, window: RequestCounter, weigh: Weigh, *, signed: bool) -> None:
        async def handle(request: web.Request) -> web.Response:
            body = await request.text()
            query = request.rel_url.raw_query_string
            params = dict(parse_qsl(query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
            try:
                self._serve(path)
                _spend(window, weigh(params))
                if signed:
                    self._admit(request, query + body, params)
                response = _json(call(params), 200)
            except BinanceError as refusal:
                self._world.journal.write(
                    "refused",
                    venue=Venue.BINANCE,
                    method=request.method,
                    path=request.path,
                    error=refusal.code,
                    message=refusal.message,
                )
                response = _json(refusal.body(), refusal.status)
                if refusal.retry_after_s is not None:
                    response.headers["Retry-After"] = str(refusal.retry_after_s)
            response.headers.update(self._counters(window))
            return response

        self._app.router.add_route(method, path, handle)

    def _serve(self, path: str) -> None:
        if path != STATUS_PATH and self._world.conditions.hold(Condition.MAINTENANCE, Venue.BINANCE):
            raise BinanceError(UNDER_MAINTENANCE)

    def _admit(self, request: web.Request, raw: str, params: Params) -> None:
        came_ms = request.get(ADMITTED_MS, self._world.clock.now_ms())
        right = binance_right(request.method, request.path)
        key = self._gatekeeper.check(request.headers.get("X-MBX-APIKEY", ""), raw, params, came_ms, right)
        if self._world.conditions.hold(Condition.KEY_EXPIRED, Venue.BINANCE):
            raise BinanceError(-2015)
        self._world.journal.write("request", venue=Venue.BINANCE, method=request.method, path=request.path, key=key)
        params[CALLER] = key

    def _count_order(self) -> None:
        for window, span in ((self._orders_10s, "10 SECOND"), (self._orders_1d, "1 DAY")):
            if not window.spend():
                raise BinanceError(-1015, window.limit, span, retry_after_s=window.reset_s)

    def _counters(self, window: RequestCounter) -> dict[str, str]:
        if window is self._sapi_ip:
            return {"X-SAPI-USED-IP-WEIGHT-1M": str(window.used)}
        if window is self._sapi_uid:
            return {"X-SAPI-USED-UID-WEIGHT-1M": str(window.used)}
        if window is self._sapi_uid_1s:
            return {"X-SAPI-USED-UID-WEIGHT-1S": str(window.used)}
        return {
            "X-MBX-USED-WEIGHT": str(window.used),
            "X-MBX-USED-WEIGHT-1M": str(window.used),
            "X-MBX-ORDER-COUNT-10S": str(self._orders_10s.used),
            "X-MBX-ORDER-COUNT-1D": str(self._orders_1d.used),
        }


def _spend(window: RequestCounter, weight: int) -> None:
    if not window.spend(weight):
        raise BinanceError(-1003, window.limit, retry_after_s=window.reset_s)


def _json(answer: Any, status: int) -> web.Response:
    return web.Response(
        body=msgspec.json.encode(answer), status=status, content_type="application/json", charset="UTF-8"
    )  # fmt: skip


def mandatory(params: Params, name: str) -> str:
    """The text of a mandatory parameter. Raises BinanceError -1102."""
    if not params.get(name):
        raise BinanceError(-1102, name)
    return params[name]
