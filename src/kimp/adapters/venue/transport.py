"""The HTTP session of a venue's client: one host, one sending per call, answers of a bounded size."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from aiohttp import (
    ClientHandlerType,
    ClientPayloadError,
    ClientRequest,
    ClientResponse,
    ClientSession,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.connector import Connection

from kimp.adapters.venue.answers import REDIRECTS, HttpAnswer, NotSuccess
from kimp.adapters.venue.deadline import check_deadline

POOL_SIZE = 64
KEEP_ALIVE_S = 55
LONGEST_ANSWER = 64 * 2**20
"""Bytes after decompression. The longest that kimp asks for, Binance's exchangeInfo of all markets, has about 15 MB."""
READS_ONLY = "GET"
"""The method of all calls that change nothing."""


class SendGuard:
    """Whether anything that changes something may have left this process during a call."""

    def __init__(self) -> None:
        self.begun = False

    def begin(self) -> None:
        """Raises SentTwice: whoever repeats a request below us does not know what became of the first one."""
        if self.begun:
            raise SentTwice
        self.begun = True


class SentTwice(Exception):
    """The HTTP client was about to repeat a request that changes something."""


_send_guard: ContextVar[SendGuard | None] = ContextVar("departure", default=None)


@contextmanager
def sending_once() -> Iterator[SendGuard]:
    """Requests of this task are one call, of which at most one request may change something."""
    departure = SendGuard()
    token = _send_guard.set(departure)
    try:
        yield departure
    finally:
        _send_guard.reset(token)


class OneRequest(ClientRequest):
    """aiohttp hands it a connection right before it writes."""

    async def send(self, conn: Connection) -> ClientResponse:
        check_deadline()
        departure = _send_guard.get()
        if departure is not None and self.method != READS_ONLY:
            departure.begin()
        return await super().send(conn)


class BoundedResponse(ClientResponse):
    """Read in parts, so that a small answer that unpacks to gigabytes ends where the bound is."""

    async def read(self) -> bytes:
        if self._body is None:
            try:
                self._body = await self._bounded()
            except BaseException:
                self.close()
                raise
        return self._body

    async def _bounded(self) -> bytes:
        body = bytearray()
        async for part in self.content.iter_any():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise ClientPayloadError(f"an answer of more than {LONGEST_ANSWER} bytes")
        return bytes(body)


async def refuse_redirects(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
    """A redirect is an answer that proves nothing, and never followed: the request may have been executed, and its key
    and signature are for this host alone.
    """
    response = await handler(request)
    if response.status in REDIRECTS:
        response.close()
        raise NotSuccess(HttpAnswer(response.status, "it redirects to another place, which is never followed"))
    return response


def open_session() -> ClientSession:
    """No proxy of the environment and no cookies: nothing but the configured host decides where a request goes."""
    return ClientSession(
        connector=TCPConnector(limit=POOL_SIZE, keepalive_timeout=KEEP_ALIVE_S),
        request_class=OneRequest,
        response_class=BoundedResponse,
        middlewares=(refuse_redirects,),
        cookie_jar=DummyCookieJar(),
        trust_env=False,
    )
