"""WebSocket connections and what they are subscribed to."""

import asyncio
import socket as sockets
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from enum import StrEnum
from typing import NamedTuple, Protocol

from aiohttp import WSMsgType, web

MAX_WAITING = 20_000
"""Frames that may wait for a slow reader before it is cut off."""


class Topic(NamedTuple):
    """What one frame is good for: every subscriber of an equal topic gets the same bytes."""

    kind: str
    symbol: str
    depth: int
    style: str


class End(StrEnum):
    """Of a connection, in place of a frame."""

    BROKEN = "broken"
    GOODBYE = "goodbye"


class FrameHook(Protocol):
    """The seam for faults of one connection."""

    def pass_on(self, frame: bytes) -> list[bytes] | End:
        """What is sent in place of a frame of data."""
        ...

    @property
    def deaf(self) -> bool:
        """No ping is answered at the moment."""
        ...


class Outbox:
    """Frames on their way to one connection. `put` never waits; `pump` runs as the connection's own task."""

    def __init__(self, socket: web.WebSocketResponse, frame_type: WSMsgType, hook: FrameHook) -> None:
        self.socket = socket
        self._hook = hook
        self._frame_type: WSMsgType = frame_type
        self._frames: deque[bytes] = deque()
        self._filled = asyncio.Event()
        self.leaving = asyncio.Event()
        """The connection is to be ended in good order."""

    @property
    def deaf(self) -> bool:
        return self._hook.deaf

    def put(self, frame: bytes) -> None:
        self._frames.append(frame)
        self._filled.set()

    def publish(self, frame: bytes) -> None:
        """Data, which may meet a fault on the way; `put` is for answers to what the client asked."""
        frames = self._hook.pass_on(frame)
        if frames is End.BROKEN:
            self._break()
        elif frames is End.GOODBYE:
            self.leaving.set()
        else:
            for passed in frames:
                self.put(passed)

    def _break(self) -> None:
        """Both sides see the connection end, and no closing frame."""
        connection = self.socket.get_extra_info("socket")
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(sockets.SHUT_RDWR)

    async def pump(self) -> None:
        while not self.socket.closed:
            if len(self._frames) > MAX_WAITING:
                await self.socket.close(code=1008, message=b"slow reader")
                return
            while self._frames and not self.socket.closed:
                await self._send(self._frames.popleft())
            self._filled.clear()
            await self._filled.wait()

    async def _send(self, frame: bytes) -> None:
        try:
            if self._frame_type is WSMsgType.BINARY:
                await self.socket.send_bytes(frame, compress=None)
            else:
                await self.socket.send_frame(frame, WSMsgType.TEXT)
        except ConnectionError:
            self._frames.clear()


class Hub:
    """By symbol first, so that an update touches only its own market's subscribers."""

    def __init__(self) -> None:
        self._topics: dict[str, dict[Topic, set[Outbox]]] = {}

    def subscribe(self, outbox: Outbox, topics: Iterable[Topic]) -> None:
        for topic in topics:
            self._topics.setdefault(topic.symbol, {}).setdefault(topic, set()).add(outbox)

    def unsubscribe(self, outbox: Outbox, topics: Iterable[Topic]) -> None:
        for topic in topics:
            market = self._topics.get(topic.symbol, {})
            readers = market.get(topic, set())
            readers.discard(outbox)
            if not readers:
                market.pop(topic, None)

    def of(self, symbol: str) -> Mapping[Topic, set[Outbox]]:
        return self._topics.get(symbol, {})
