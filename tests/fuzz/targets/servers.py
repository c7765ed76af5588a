"""Requests to kimp's own listeners, as bytes: the codec server and the paper exchange's side door."""

import asyncio
import re
from collections.abc import Callable
from functools import cache
from http import HTTPStatus
from typing import cast

from aiohttp import web
from fakes.market import ManualClock
from fuzz.target import Target
from pydantic import SecretStr

from kimp.adapters.codec_server.access import Access
from kimp.adapters.codec_server.server import CodecServer
from kimp.adapters.temporal.codec import EncryptionKeys, HistoryCodec
from kimp.config.history import CodecServerSettings
from kimp.paper.admin import Admin
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.world import World

TOKEN = "a-token-that-is-long-enough"
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})")
TURNS = 200
"""Of the event loop, until a request must be answered that has come whole."""


class _Wire(asyncio.Transport):
    """Takes what the server says."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 9), "sockname": ("127.0.0.1", 8)})
        self.reported = bytearray()
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.reported += data

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    abort = close

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class _Listener:
    """An application behind its HTTP parser, without a socket."""

    def __init__(self, make: Callable[[], web.Application]) -> None:
        self._loop = asyncio.new_event_loop()
        runner = web.AppRunner(make(), access_log=None)
        self._loop.run_until_complete(runner.setup())
        self._connect = cast("Callable[[], asyncio.Protocol]", runner.server)

    def statuses(self, data: bytes) -> list[HTTPStatus]:
        return self._loop.run_until_complete(self._exchange(data))

    async def _exchange(self, data: bytes) -> list[HTTPStatus]:
        wire, server = _Wire(), self._connect()
        server.connection_made(wire)
        server.data_received(_whole(data))
        for _ in range(TURNS):
            if wire.closed:
                break
            await asyncio.sleep(0)
        server.eof_received()
        server.connection_lost(None)
        await asyncio.sleep(0)
        return [HTTPStatus(int(status)) for status in STATUS.findall(bytes(wire.reported))]


def _whole(data: bytes) -> bytes:
    """With the length of its body, which changes of the body would make wrong, and one request per connection."""
    head, _, body = data.replace(b"\r\n", b"\n").partition(b"\n\n")
    lines = [line for line in head.split(b"\n") if not line.lower().startswith(b"content-length")]
    return b"\r\n".join([*lines, b"Content-Length: %d" % len(body), b"Connection: close", b"", body])


@cache
def _codec_server() -> _Listener:
    codec = HistoryCodec("kimp", EncryptionKeys({"k1": bytes(32)}, "k1"), ManualClock())
    access = Access(CodecServerSettings(token=SecretStr(TOKEN)))
    return _Listener(lambda: CodecServer(codec, access, ["https://ui"]).app())


@cache
def _side_door() -> _Listener:
    world = World(PaperConfig(market=SyntheticMarket(ticks_per_second=0)), ManualClock())
    return _Listener(lambda: Admin(world).app())


def _fault(statuses: list[HTTPStatus]) -> str | None:
    return next((f"answered with {status}" for status in statuses if status >= 500), None)


TARGETS = [
    Target("codec-server", lambda data: _codec_server().statuses(data), (), _fault),
    Target("paper-admin", lambda data: _side_door().statuses(data), (), _fault),
]
