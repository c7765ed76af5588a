"""A venue's public REST calls: keyless, at the pace that it allows."""

from collections.abc import Mapping
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from kimp.adapters.venue.answers import OK, HttpAnswer, NotSuccess, Refusals, code_of, judge, pause_of
from kimp.adapters.venue.back_off import BackOff
from kimp.adapters.venue.limiter import Limit, Window
from kimp.adapters.venue.shape import decode
from kimp.domain.errors import Unavailable
from kimp.domain.venues import Venue

WITHIN = ClientTimeout(total=20, connect=5)
NOTHING = Refusals(frozenset(), frozenset(), frozenset(), {})
"""Whatever is said in place of an answer, it may be asked for again."""


class PublicCalls:
    """One host. Nothing is signed, and no header of its own is sent."""

    def __init__(self, venue: Venue, base_url: str, session: ClientSession, limit: Limit) -> None:
        self._venue = venue
        self._base_url = base_url.rstrip("/")
        self._session = session
        self._window = Window(limit)
        self._back_off = BackOff()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Exact JSON. Raises Unavailable for anything else."""
        self._back_off.check(self._venue)
        await self._window.take()
        try:
            async with self._session.get(f"{self._base_url}{path}", params=params, timeout=WITHIN) as response:
                body = await response.read()
                answer = HttpAnswer(response.status, body.decode(errors="replace"), headers=response.headers)
        except NotSuccess as redirected:
            answer, body = redirected.answer, b""
        except (ClientError, TimeoutError, OSError) as error:
            why = str(error) or type(error).__name__
            raise Unavailable(f"{self._base_url} does not answer: {why}", venue=self._venue) from None
        if (pause := pause_of(answer)) is not None:
            self._back_off.begin(self._venue, pause, code_of(answer))
        if answer.status not in OK:
            raise judge(self._venue, answer, NOTHING, changes=False)
        if (content := decode(body)) is None:
            raise Unavailable(f"{self._base_url}{path} answers no JSON", venue=self._venue)
        return content
