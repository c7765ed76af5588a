"""Binance's WebSocket API, as far as it carries the account's own events.

binance-spot-api-docs: web-socket-api.md, userDataStream.subscribe.signature; user-data-stream.md.
"""

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec
from aiohttp import web

from kimp.domain.market import Venue
from kimp.paper.binance import frames
from kimp.paper.binance.auth import Gatekeeper
from kimp.paper.binance.connection import Connection
from kimp.paper.binance.errors import BinanceError
from kimp.paper.binance.rules import rate_limits
from kimp.paper.desk import Event
from kimp.paper.hub import Outbox
from kimp.paper.orders import Fill, Order, State
from kimp.paper.world import World


class WsApi:
    """Every subscription gets every event of the one account."""

    def __init__(self, world: World, gatekeeper: Gatekeeper) -> None:
        self._world = world
        self._gatekeeper = gatekeeper
        self._subscribers: dict[int, Outbox] = {}
        self._numbers = count()
        self._changed_assets: set[str] = set()
        self.open: set[Connection] = set()
        world.desks[Venue.BINANCE].on_order.append(self._on_order)
        world.accounts[Venue.BINANCE].on_change.append(self._on_balance)
        world.transfers.till.on_delta.append(self._on_transfer)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        connection = Connection(
            self._world.config.streams,
            self._world.clock,
            self._shutdown_notice,
            self._world.faults.of_stream(Venue.BINANCE, request.path),
        )
        mine: set[int] = set()

        async def take(text: str) -> None:
            connection.outbox.put(msgspec.json.encode(self._answer(text, connection.outbox, mine)))

        self.open.add(connection)
        try:
            await connection.run(request, take)
        finally:
            self.open.discard(connection)
            for number in mine:
                self._subscribers.pop(number, None)
        return connection.socket

    def _answer(self, text: str, outbox: Outbox, mine: set[int]) -> dict[str, Any]:
        try:
            request = msgspec.json.decode(text, type=dict[str, Any])
        except msgspec.MsgspecError:
            refusal = BinanceError(-1102, "method")
            return {"id": None, "status": refusal.status, "error": refusal.body()}
        try:
            result = self._call(request, outbox, mine)
        except BinanceError as refusal:
            return {"id": request.get("id"), "status": refusal.status, "error": refusal.body()}
        limits = [row | {"count": 0} for row in rate_limits(self._world.config.limits)]
        return {"id": request.get("id"), "status": 200, "result": result, "rateLimits": limits}

    def _call(self, request: dict[str, Any], outbox: Outbox, mine: set[int]) -> dict[str, Any]:
        method, params = request.get("method"), request.get("params") or {}
        if method == "ping":
            return {}
        if method == "time":
            return {"serverTime": self._world.clock.now_ms()}
        if method == "userDataStream.subscribe.signature":
            self._gatekeeper.check_sorted({name: str(value) for name, value in params.items()})
            number = next(self._numbers)
            self._subscribers[number] = outbox
            mine.add(number)
            return {"subscriptionId": number}
        if method == "userDataStream.unsubscribe":
            self._unsubscribe(params.get("subscriptionId"), mine)
            return {}
        raise BinanceError(-1000, message=f"Method {method!r} is not offered here.")

    def _unsubscribe(self, number: int | None, mine: set[int]) -> None:
        """Without a number all of the connection's."""
        for gone in set(mine) if number is None else mine & {number}:
            self._subscribers.pop(gone, None)
            mine.discard(gone)

    def _on_order(self, order: Order, event: Event, fill: Fill | None) -> None:
        """A filled order ends with its last trade: Binance sends no report of its own for that."""
        if event is Event.CLOSED and order.state is State.FILLED:
            return
        self._tell(lambda: frames.execution_report(order, event, fill, self._world.clock.now_ms()))

    def _on_balance(self, asset: str) -> None:
        """One order moves several balances in one go: they are told together, when it is done."""
        if not self._changed_assets:
            self._world.agenda.after(0, self._tell_position)
        self._changed_assets.add(asset)

    def _tell_position(self) -> None:
        changed, self._changed_assets = sorted(self._changed_assets), set()
        accounts = self._world.accounts[Venue.BINANCE]
        self._tell(lambda: frames.account_position(accounts, changed, self._world.clock.now_ms()))

    def _on_transfer(self, venue: Venue, coin: str, delta: Decimal) -> None:
        if venue is Venue.BINANCE:
            self._tell(lambda: frames.balance_update(coin, delta, self._world.clock.now_ms()))

    def _tell(self, render: Callable[[], dict[str, Any]]) -> None:
        if not self._subscribers:
            return
        event = render()
        for number, outbox in self._subscribers.items():
            outbox.publish(msgspec.json.encode({"subscriptionId": number, "event": event}))

    def _shutdown_notice(self) -> bytes:
        return msgspec.json.encode({"event": {"e": "serverShutdown", "E": self._world.clock.now_ms()}})
