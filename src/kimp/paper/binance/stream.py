"""Binance's market streams: /ws/<name>, /stream?streams=a/b, and (UN)SUBSCRIBE on the connection."""

from typing import Any

import msgspec
from aiohttp import web

from kimp.domain.venues import Venue
from kimp.paper.binance.connection import StreamSession
from kimp.paper.binance.feed import COMBINED, RAW, Feed, topic_of
from kimp.paper.hub import Topic
from kimp.paper.limits import RequestCounter
from kimp.paper.world import World

MESSAGES_PER_S = 5
MAX_STREAMS = 1_024


class Streams:
    def __init__(self, world: World) -> None:
        self._world = world
        self._feed = Feed(world)
        self.open: set[StreamSession] = set()

    async def raw(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.match_info.get("names", ""), RAW)

    async def combined(self, request: web.Request) -> web.StreamResponse:
        return await self._serve(request, request.query.get("streams", ""), COMBINED)

    async def _serve(self, request: web.Request, names: str, style: str) -> web.StreamResponse:
        connection = StreamSession(
            self._world.config.streams,
            self._world.clock,
            lambda: self._shutdown_notice(style),
            self._world.faults.of_stream(Venue.BINANCE, request.path),
        )
        reader = _Reader(self._world, self._feed, connection, style)
        reader.add([name for name in names.split("/") if name])
        self.open.add(connection)
        try:
            await connection.run(request, reader.take)
        finally:
            self.open.discard(connection)
            reader.leave()
        return connection.socket

    def _shutdown_notice(self, style: str) -> bytes:
        event = {"e": "serverShutdown", "E": self._world.clock.now_ms()}
        return msgspec.json.encode({"stream": "!serverShutdown", "data": event} if style == COMBINED else event)


class _Reader:
    """One connection's set of streams."""

    def __init__(self, world: World, feed: Feed, connection: StreamSession, style: str) -> None:
        self._feed = feed
        self._connection = connection
        self._style = style
        self._streams: dict[str, Topic] = {}
        self._window = RequestCounter(MESSAGES_PER_S, 1, world.clock)

    def add(self, names: list[str]) -> None:
        """A name that is no stream is taken and stays silent, as on the real server."""
        topics = {name: topic for name in names if (topic := topic_of(name, self._style))}
        self._streams |= topics
        self._feed.hub.subscribe(self._connection.outbox, topics.values())

    def leave(self) -> None:
        self._feed.hub.unsubscribe(self._connection.outbox, self._streams.values())

    async def take(self, text: str) -> None:
        if not self._window.spend():
            await self._connection.socket.close(code=1008, message=b"Too many requests")
            return
        try:
            request = msgspec.json.decode(text)
        except msgspec.DecodeError:
            self._send({"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"})
            return
        if not isinstance(request, dict):
            self._send({"code": 2, "msg": "Invalid request: expected an object"})
            return
        self._answer(request)

    def _answer(self, request: dict[str, Any]) -> None:
        number, params = request.get("id"), request.get("params", [])
        method = request.get("method")
        if method == "LIST_SUBSCRIPTIONS":
            self._send({"result": list(self._streams), "id": number})
        elif method not in ("SUBSCRIBE", "UNSUBSCRIBE"):
            self._send({"code": 2, "msg": f"Invalid request: unknown variant `{method}`", "id": number})
        elif not isinstance(params, list) or not params or not all(isinstance(name, str) for name in params):
            self._send({"code": 2, "msg": "Invalid request: params must be a list of stream names", "id": number})
        elif method == "SUBSCRIBE" and len(self._streams) + len(params) > MAX_STREAMS:
            self._send({"code": 2, "msg": "Invalid request: too many streams", "id": number})
        else:
            self._change(method, params)
            self._send({"result": None, "id": number})

    def _change(self, method: str, names: list[str]) -> None:
        if method == "SUBSCRIBE":
            self.add(names)
            return
        gone = [self._streams.pop(name) for name in names if name in self._streams]
        self._feed.hub.unsubscribe(self._connection.outbox, gone)

    def _send(self, message: dict[str, Any]) -> None:
        self._connection.outbox.put(msgspec.json.encode(message))
