"""What every Upbit call passes: rate group, signature, execution, journal, and the shape of the answer."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.domain.venues import Venue
from kimp.paper.conditions import Condition
from kimp.paper.config import RateLimits
from kimp.paper.keys import UPBIT_RIGHTS, PaperRight
from kimp.paper.limits import RequestCounter
from kimp.paper.upbit.auth import Authenticator, form_of, sent_payload
from kimp.paper.upbit.errors import UpbitError
from kimp.paper.world import World

BAN_S = 5
"""The first ban of one who goes on beyond the limit; each further one is twice as long."""


class Params(dict[str, str]):
    """Parameters by name; `name[]` ones are in `lists`."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        super().__init__((name, value) for name, value in pairs if not name.endswith("[]"))
        self.lists: dict[str, list[str]] = {}
        for name, value in pairs:
            if name.endswith("[]"):
                self.lists.setdefault(name[:-2], []).append(value)


Call = Callable[[Params], Any]
_encode = msgspec.json.Encoder(decimal_format="number").encode


class ApiGateway:
    """Binds calls to routes of one application."""

    def __init__(self, world: World, gatekeeper: Authenticator, app: web.Application) -> None:
        self._world = world
        self._gatekeeper = gatekeeper
        self._app = app
        self._windows: dict[str, RequestCounter] = {}
        self._banned_until_ms = 0
        self._bans = 0

    def public(self, path: str, group: str, call: Call) -> None:
        self._add("GET", path, group, call, private=False)

    def private(self, method: str, path: str, call: Call, group: str = "default") -> None:
        self._add(method, path, group, call, private=True)

    def _add(self, method: str, path: str, group: str, call: Call, *, private: bool) -> None:
        # aiohttp answers HEAD for every GET otherwise, which Upbit does not.
        self._app.router.add_route(method, f"/v1/{path}", self._handler(group, call, private=private))

    def _handler(self, group: str, call: Call, *, private: bool) -> Handler:
        window = self._windows.setdefault(
            group, RequestCounter(_limit(self._world.config.limits, group), 1, self._world.clock)
        )  # fmt: skip

        async def handle(request: web.Request) -> web.Response:
            body = await request.read()
            try:
                self._admit(window)
                answer = self._execute(request, body, call, private=private)
                response = _json(answer, 201 if request.method == "POST" else 200)
            except UpbitError as refusal:
                self._world.journal.write(
                    "refused", venue=Venue.UPBIT, method=request.method, path=request.path, error=refusal.name
                )
                response = _json(refusal.body(), refusal.status)
            response.headers["Remaining-Req"] = f"group={group}; min={window.limit * 60}; sec={window.left}"
            return response

        return handle

    def _execute(self, request: web.Request, body: bytes, call: Call, *, private: bool) -> Any:
        if self._world.conditions.hold(Condition.MAINTENANCE, Venue.UPBIT):
            raise UpbitError("market_offline")
        pairs = form_of(body) if request.method == "POST" else list(request.query.items())
        if private:
            payload = sent_payload(request.method, request.rel_url.raw_query_string, body)
            right = UPBIT_RIGHTS.get((request.method, request.path.removeprefix("/v1/")), PaperRight.READ)
            key = self._gatekeeper.check(request.headers.get("Authorization", ""), payload, right)
            if self._world.conditions.hold(Condition.KEY_EXPIRED, Venue.UPBIT):
                raise UpbitError("expired_access_key")
            self._world.journal.write(
                "request", venue=Venue.UPBIT, method=request.method, path=request.path, key=key
            )  # fmt: skip
        return call(Params(pairs))

    def _admit(self, window: RequestCounter) -> None:
        """429 beyond the limit; 418 for those who do not stop even then."""
        now_ms = self._world.clock.now_ms()
        if now_ms < self._banned_until_ms:
            raise self._banned(now_ms)
        if window.spend():
            return
        if window.used > 2 * window.limit:
            self._banned_until_ms = now_ms + BAN_S * 1000 * 2**self._bans
            self._bans += 1
            raise self._banned(now_ms)
        raise UpbitError("too_many_requests")

    def _banned(self, now_ms: int) -> UpbitError:
        seconds = -(-(self._banned_until_ms - now_ms) // 1000)
        return UpbitError("too_many_requests", f"This key or IP is blocked for {seconds} seconds.", status=418)


def _limit(limits: RateLimits, group: str) -> int:
    named = {"default": limits.upbit_default, "order": limits.upbit_order, "order-test": limits.upbit_order_test}
    return named.get(group, limits.upbit_market)


def _json(answer: Any, status: int) -> web.Response:
    return web.Response(body=_encode(answer), status=status, content_type="application/json", charset="utf-8")
