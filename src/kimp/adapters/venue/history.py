"""Public pages of a venue's past: keyless, at the pace that the venue allows, asked again where it is busy."""

import asyncio
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import ClientError, ClientResponse, ClientSession, ClientTimeout

from kimp.adapters.venue.limiter import Limit, Window
from kimp.backoff import pause_after
from kimp.domain.errors import BadMessage, NotFound, Unavailable
from kimp.domain.venues import Venue

Page = TypeVar("Page")

WITHIN = ClientTimeout(total=20)
FILE_WITHIN = ClientTimeout(total=600, sock_read=20)
MOST_BYTES = 2**29
"""Of an answer; a day of the busiest market is a tenth of that."""
TRIES = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
BUSY = frozenset({418, 429})
NO_MARKET = frozenset({400, 404})
OK = 200


class HistoryClient:
    """One host, page after page."""

    def __init__(self, venue: Venue, base_url: str, session: ClientSession, limit: Limit) -> None:
        self._venue = venue
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._window = Window(limit)

    async def read(self, path: str, params: Mapping[str, str], kind: type[Page], cost: int = 1) -> Page:
        """Raises NotFound for a refusal of what was asked, Unavailable once the venue stays away."""
        return self._decoded(path, await self._body(path, params, WITHIN, cost), kind)

    async def file(self, path: str) -> bytes:
        """Raises NotFound where there is none, Unavailable once the venue stays away."""
        return await self._body(path, {}, FILE_WITHIN, 1)

    async def _body(self, path: str, params: Mapping[str, str], within: ClientTimeout, cost: int) -> bytes:
        why = ""
        for failures in range(1, TRIES + 1):
            await self._window.take(cost)
            try:
                async with self._session.get(f"{self._base_url}{path}", params=params, timeout=within) as answer:
                    body = await self._content(answer)
                    status, wanted = answer.status, answer.headers.get("Retry-After", "")
            except (ClientError, TimeoutError, OSError) as error:
                status, wanted, body, why = 0, "", b"", f"{type(error).__name__}: {error}"
            if status == OK:
                return body
            if status in NO_MARKET:
                raise NotFound(f"{path} refuses {dict(params)}: {body[:200]!r}", venue=self._venue)
            why = why or f"status {status}"
            pause_s = pause_after(failures, first_s=FIRST_PAUSE_S, longest_s=LONGEST_PAUSE_S)
            if status in BUSY and wanted.isdecimal():
                pause_s = max(pause_s, min(float(wanted), LONGEST_PAUSE_S))
            await asyncio.sleep(pause_s)
        raise Unavailable(
            f"{self._base_url} gives no market data ({why}); what is there stays, so run it again later",
            venue=self._venue,
        )

    async def _content(self, answer: ClientResponse) -> bytes:
        parts, size = [], 0
        async for part in answer.content.iter_chunked(2**16):
            parts.append(part)
            if (size := size + len(part)) > MOST_BYTES:
                raise BadMessage(f"{self._venue}: {answer.url.path} answers more than {MOST_BYTES >> 20} MiB")
        return b"".join(parts)

    def _decoded(self, path: str, body: bytes, kind: type[Page]) -> Page:
        try:
            return msgspec.json.decode(body, type=kind, strict=False)
        except (ValueError, RecursionError, ArithmeticError) as error:
            raise BadMessage(f"{self._venue}: {path} answers something else than was asked: {error}") from None
