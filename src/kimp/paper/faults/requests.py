"""Faults of requests: before their execution, behind it, or instead of an answer."""

import asyncio
import socket
import struct
from math import ceil

from aiohttp import web

from kimp.domain.market import Venue
from kimp.paper.clock import Clock
from kimp.paper.faults import kinds
from kimp.paper.faults.answers import answer_to, banned
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.seam import Handler

K = FaultKind
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: the peer sees a reset instead of an orderly end."""
LOOK_EVERY_S = 0.05


class RequestFaults:
    """The hook of one venue's seam."""

    def __init__(self, venue: Venue, injector: Injector, clock: Clock) -> None:
        self._venue = venue
        self._injector = injector
        self._clock = clock
        self._banned_until_ms = 0

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Upgrade" in request.headers:
            return await handler(request)
        if (now_ms := self._clock.now_ms()) < self._banned_until_ms:
            return banned(self._venue, now_ms, self._banned_until_ms)
        fault = self._injector.draw(self._venue, f"{request.method} {request.path}", kinds.REQUEST)
        if fault is None:
            return await handler(request)
        # A client that has gone can no longer be read.
        await request.read()
        if fault.kind in kinds.BEFORE:
            return await self._refuse(request, fault)
        if fault.kind is K.LATE_EXECUTION:
            await asyncio.sleep(fault.seconds)
        return await self._spoil(request, await handler(request), fault)

    async def _refuse(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind is K.BAN:
            now_ms = self._clock.now_ms()
            self._banned_until_ms = now_ms + fault.ms
            return banned(self._venue, now_ms, self._banned_until_ms)
        if fault.kind is K.HANG:
            await _silence(request, fault.seconds)
        if fault.kind in (K.HANG, K.RESET):
            return _cut(request)
        return answer_to(fault, self._venue)

    async def _spoil(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        if fault.kind is K.HANG_AFTER:
            await _silence(request, fault.seconds)
        if fault.kind in (K.LOST_ANSWER, K.HANG_AFTER, K.LATE_EXECUTION):
            return _cut(request)
        if fault.kind is K.EMPTY_ANSWER:
            return web.Response(status=response.status, content_type="application/json")
        if fault.kind is K.TRUNCATED_ANSWER:
            return await _half(request, response)
        return answer_to(fault, self._venue)


async def _silence(request: web.Request, seconds: float) -> None:
    """Until the time is over or the client has given up."""
    for _ in range(ceil(seconds / LOOK_EVERY_S)):
        if not _open(request):
            return
        await asyncio.sleep(LOOK_EVERY_S)


def _cut(request: web.Request) -> web.Response:
    """End the connection with a reset. The answer goes nowhere."""
    if request.transport is not None and _open(request):
        connection = request.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        request.transport.abort()
    return web.Response()


async def _half(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """The full length is promised, half of the body comes, the connection ends."""
    body = response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""
    stub = web.StreamResponse(status=response.status, headers=response.headers)
    stub.content_length = len(body)
    if _open(request):
        await stub.prepare(request)
        await stub.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
    return stub


def _open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
