"""Faults of requests: before their execution, behind it, or instead of an answer."""

import asyncio
import socket
import struct
from math import ceil

from aiohttp import web
from aiohttp.typedefs import Handler

from kimp.domain.venues import Venue
from kimp.paper.clock import Agenda
from kimp.paper.conditions import Condition, Conditions
from kimp.paper.faults import kinds, poison
from kimp.paper.faults.answers import answer_to, banned
from kimp.paper.faults.injector import Fault, Injector
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.seam import ADMITTED_MS
from kimp.ports.clock import Clock

K = FaultKind
CONDITIONS = {
    K.MAINTENANCE: Condition.MAINTENANCE,
    K.KEY_EXPIRED: Condition.KEY_EXPIRED,
    K.KEY_LOCKED: Condition.KEY_LOCKED,
}
LATE = frozenset({K.LATE_EXECUTION, K.BEYOND_THE_FENCE})
LOST = LATE | {K.LOST_ANSWER, K.HANG_AFTER}
"""Executed, and then the connection ends."""
GARBLED = b'{"uuid":"\xff\xfe'
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: the peer sees a reset instead of an orderly end."""
LOOK_EVERY_S = 0.05


class RequestFaults:
    """The hook of one venue's seam."""

    def __init__(self, venue: Venue, injector: Injector, conditions: Conditions, agenda: Agenda, clock: Clock) -> None:
        self._venue = venue
        self._injector = injector
        self._conditions = conditions
        self._agenda = agenda
        self._clock = clock
        self._ban = K.BAN
        self._banned_until_ms = 0

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if "Upgrade" in request.headers:
            return await handler(request)
        if (now_ms := self._clock.now_ms()) < self._banned_until_ms:
            return banned(self._ban, self._venue, now_ms, self._banned_until_ms)
        route = f"{request.method} {request.path}"
        possible = kinds.REQUEST - kinds.POISON | poison.possible(route)
        fault = self._injector.draw(self._venue, route, possible | {K.BEYOND_THE_FENCE})
        if fault is None:
            return await handler(request)
        # A client that has gone can no longer be read.
        await request.read()
        if fault.kind in CONDITIONS:
            self._conditions.begin(CONDITIONS[fault.kind], self._venue, fault.ms)
            return await handler(request)
        if fault.kind in kinds.BEFORE:
            return await self._refuse(request, fault)
        if fault.kind in LATE:
            # It waits behind the door: a venue that looks at a request's age has let it in.
            request[ADMITTED_MS] = self._clock.now_ms()
            await self._later(fault.ms)
        return await self._spoil(request, await handler(request), fault)

    async def _later(self, ms: int) -> None:
        """By the exchange's own clock."""
        due = asyncio.Event()
        self._agenda.after(ms, due.set)
        await due.wait()

    async def _refuse(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.kind in (K.BAN, K.BAN_TEXT):
            now_ms = self._clock.now_ms()
            self._ban, self._banned_until_ms = fault.kind, now_ms + fault.ms
            return banned(fault.kind, self._venue, now_ms, self._banned_until_ms)
        if fault.kind is K.HANG:
            await _silence(request, fault.seconds)
        if fault.kind in (K.HANG, K.RESET):
            return _cut(request)
        return answer_to(fault, self._venue)

    async def _spoil(self, request: web.Request, response: web.StreamResponse, fault: Fault) -> web.StreamResponse:
        if fault.kind is K.HANG_AFTER:
            await _silence(request, fault.seconds)
        if fault.kind in LOST:
            return _cut(request)
        if fault.kind is K.TRUNCATED_ANSWER:
            return await _half(request, response)
        if fault.kind is K.EMPTY_ANSWER:
            return web.Response(status=response.status, content_type="application/json")
        if fault.kind is K.GARBLED_ANSWER:
            return web.Response(status=response.status, body=GARBLED, content_type="application/json")
        if fault.kind in kinds.POISON:
            reported = poison.poisoned(_body_of(response), fault.kind)
            return web.Response(status=response.status, body=reported, content_type="application/json")
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
    body = _body_of(response)
    stub = web.StreamResponse(status=response.status, headers=response.headers)
    stub.content_length = len(body)
    if _open(request):
        await stub.prepare(request)
        await stub.write(body[: len(body) // 2])
        if request.transport is not None:
            request.transport.close()
    return stub


def _body_of(response: web.StreamResponse) -> bytes:
    return response.body if isinstance(response, web.Response) and isinstance(response.body, bytes) else b""


def _open(request: web.Request) -> bool:
    return request.transport is not None and not request.transport.is_closing()
