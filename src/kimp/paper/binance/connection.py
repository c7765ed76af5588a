"""What all of Binance's WebSocket connections have in common: pings, an end after a day, an outbox."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from aiohttp import WSMsgType, web

from kimp.paper.config import StreamTimes
from kimp.paper.hub import FrameHook, Outbox
from kimp.ports.clock import Clock

MAX_MESSAGE = 1 << 20
TakeMessage = Callable[[str], Awaitable[None]]


class StreamSession:
    """`shutdown_notice` is sent before the server closes the connection for its age."""

    def __init__(self, times: StreamTimes, clock: Clock, shutdown_notice: Callable[[], bytes], hook: FrameHook) -> None:
        self.socket = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=MAX_MESSAGE)
        self.outbox = Outbox(self.socket, WSMsgType.TEXT, hook)
        self._times = times
        self._clock = clock
        self._shutdown_notice = shutdown_notice
        self._received_ms = clock.now_ms()

    async def run(self, request: web.Request, take: TakeMessage) -> None:
        await self.socket.prepare(request)
        tasks = [asyncio.create_task(work()) for work in (self.outbox.pump, self._ping, self._expire)]
        try:
            await self._read(take)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self, take: TakeMessage) -> None:
        async for message in self.socket:
            if self.outbox.deaf:
                continue
            if message.type is WSMsgType.PING:
                await self.socket.pong(message.data)
            elif message.type is WSMsgType.PONG:
                self._received_ms = self._clock.now_ms()
            elif message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await take(message.data if isinstance(message.data, str) else message.data.decode(errors="replace"))

    async def _ping(self) -> None:
        """Each ping bears its time; one who does not answer for too long is cut off."""
        while not self.socket.closed:
            await asyncio.sleep(self._times.binance_ping_s)
            now_ms = self._clock.now_ms()
            if (
                now_ms - self._received_ms
                > self._times.binance_pong_within_s * 1000 + self._times.binance_ping_s * 1000
            ):
                await self.socket.close(code=1008, message=b"Pong timeout")
                return
            await self.socket.ping(str(now_ms).encode())

    async def _expire(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._times.binance_max_age_s):
                await self.outbox.leaving.wait()
        await self.announce_shutdown()

    async def announce_shutdown(self) -> None:
        """serverShutdown, then the close: changelog 2026-05."""
        await self.socket.send_frame(self._shutdown_notice(), WSMsgType.TEXT)
        await self.socket.close(code=1001)
