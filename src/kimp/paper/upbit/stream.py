"""Upbit's WebSocket connections. Frames to the client are binary. docs.upbit.com: websocket-guide."""

import asyncio
from contextlib import suppress

import msgspec
from aiohttp import WSMsgType, web

from kimp.domain.venues import Venue
from kimp.paper.hub import Outbox
from kimp.paper.limits import RequestCounter
from kimp.paper.upbit.feed import Feed
from kimp.paper.upbit.subscription import (
    Subscription,
    WrongRequest,
    is_listing,
    parts_of,
    read_request,
)
from kimp.paper.world import World

STATUS_UP = b'{"status":"UP"}'
MAX_MESSAGE = 1 << 20


class Streams:
    def __init__(self, world: World) -> None:
        self._world = world
        self._feed = Feed(world)
        self.open: set[web.WebSocketResponse] = set()
        self._connects = RequestCounter(world.config.limits.upbit_ws_connects, 1, world.clock)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not self._connects.spend():
            return web.Response(text="Too Many Requests", status=429)
        socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MAX_MESSAGE)
        await socket.prepare(request)
        self.open.add(socket)
        hook = self._world.faults.of_stream(Venue.UPBIT, request.path)
        connection = _Connection(self._world, self._feed, Outbox(socket, WSMsgType.BINARY, hook))
        try:
            await connection.run()
        finally:
            self.open.discard(socket)
        return socket


class _Connection:
    def __init__(self, world: World, feed: Feed, outbox: Outbox) -> None:
        self._times = world.config.streams
        self._feed = feed
        self._socket = outbox.socket
        self._outbox = outbox
        self._subscriptions: list[Subscription] = []
        self._window = RequestCounter(world.config.limits.upbit_ws_messages, 1, world.clock)
        self._tasks = [asyncio.create_task(self._outbox.pump())]
        self._status_sent = False

    async def run(self) -> None:
        try:
            await self._read()
        finally:
            self._drop()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self) -> None:
        """Until the client closes, or says nothing, not even a ping, for too long."""
        while not self._socket.closed:
            try:
                message = await self._socket.receive(timeout=self._times.upbit_idle_s)
            except TimeoutError:
                await self._socket.close()
                return
            if message.type is WSMsgType.PING and self._outbox.deaf:
                continue
            if message.type is WSMsgType.PING:
                await self._socket.pong(message.data)
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self._take(message.data)
            elif message.type is not WSMsgType.PONG:
                return

    async def _take(self, text: str | bytes) -> None:
        if text in ("PING", b"PING"):
            if not self._status_sent:
                self._status_sent = True
                self._tasks.append(asyncio.create_task(self._send_status()))
            return
        if not self._window.spend():
            await self._socket.close(code=1008, message=b"Too Many Requests")
            return
        try:
            parts = parts_of(text)
            if is_listing(parts):
                self._outbox.put(self._listing())
            else:
                self._replace(read_request(parts))
        except WrongRequest as refusal:
            self._outbox.put(refusal.frame())

    def _replace(self, wanted: list[Subscription]) -> None:
        """A new request takes the place of all that was asked for before."""
        self._drop()
        self._subscriptions = wanted
        for subscription in wanted:
            if subscription.snapshot:
                self._feed.snapshot(self._outbox, subscription)
            if subscription.realtime:
                self._feed.hub.subscribe(self._outbox, subscription.topics)

    def _drop(self) -> None:
        for subscription in self._subscriptions:
            self._feed.hub.unsubscribe(self._outbox, subscription.topics)

    def _listing(self) -> bytes:
        result = [{"type": s.kind, "codes": list(s.codes)} for s in self._subscriptions]
        return msgspec.json.encode({"method": "LIST_SUBSCRIPTIONS", "result": result})

    async def _send_status(self) -> None:
        with suppress(ConnectionError):
            while not self._socket.closed:
                self._outbox.put(STATUS_UP)
                await asyncio.sleep(self._times.upbit_status_s)
