"""What both venues' ccxt classes are made to do: exact numbers, whole answers, our limits, one connection pool.

ccxt is kept for what it is good at (signing, endpoints); its parsing, error classes, retries and limiter are not
used, because each of them loses facts that decide whether an order may be sent again.
"""

import logging
import time
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp

from kimp.adapters.venue.answers import OK, HttpAnswer, NotSuccess, code_of, pause_of, unproved
from kimp.adapters.venue.back_off import BackOff
from kimp.adapters.venue.deadline import in_time
from kimp.adapters.venue.limiter import Limiter
from kimp.adapters.venue.rows import read_or_leave_out, report_left_out
from kimp.adapters.venue.shape import decode
from kimp.adapters.venue.transport import open_session, sending_once
from kimp.config import KeyPair
from kimp.domain.errors import BadMessage, KeyRefused, NotSent, Postponed, Rejected, Unavailable, VenueError
from kimp.domain.venues import Venue
from kimp.observability import metrics
from kimp.observability.tracing import venue_call

HTTP_TIMEOUT_MS = 5_000
"""Well below the activities' own time-outs, so that a lost answer is looked up by the attempt that lost it."""
GARBAGE = "garbage"
"""Code of an answer that came and can't be read."""

T = TypeVar("T")

_silent = logging.getLogger("kimp.adapters.venue.ccxt")
_silent.setLevel(logging.WARNING)


class StrictClient:
    """Mixed in *before* a ccxt class, whose methods it overrides."""

    venue: Venue
    session: aiohttp.ClientSession | None
    closed_by_user: bool

    def configure(self, limiter: Limiter, back_off: BackOff, keys: Callable[[], KeyPair]) -> None:
        """To be called once, right after construction. `keys` is asked for the key of each request."""
        self.limiter = limiter
        self.back_off = back_off
        self.keys = keys
        # ccxt logs every request with its signature and key at level DEBUG.
        self.logger = _silent

    @abstractmethod
    def code_of(self, content: Any) -> tuple[str, str] | None:
        """The venue's error code and message in a decoded body, if it is an error body."""

    @abstractmethod
    def charges(self, path: str, method: str, params: Mapping[str, Any]) -> Mapping[str, int]:
        """What a call costs in which group of the limiter."""

    def sign(self, *args: Any, **kwargs: Any) -> Any:
        """With the key of this moment, which may have been changed since the last one."""
        pair = self.keys()
        self.apiKey, self.secret = pair.access_key.get_secret_value(), pair.secret_key.get_secret_value()
        return super().sign(*args, **kwargs)  # type: ignore[misc] # the ccxt class comes next in the MRO

    def on_json_response(self, text: str) -> Any:
        """ccxt's own decoder makes floats wherever orjson is installed."""
        return decode(text)

    def handle_errors(
        self, status: int, _reason: str, _url: str, _method: str, headers: Mapping[str, str], body: str, content: Any,
        *_request: Any,
    ) -> None:  # fmt: skip
        """Runs inside the request that it judges, so concurrent requests cannot mix their answers up."""
        _compare_clocks(self.venue, headers.get("Date"))
        error = self.code_of(content)
        if status in OK and content is not None and error is None:
            return
        code, message = error or ("", "")
        answer = HttpAnswer(status, body or "", code, message, dict(headers))
        if (pause := pause_of(answer)) is not None:
            self.back_off.begin(self.venue, pause, code_of(answer))
        raise NotSuccess(answer)

    def calculate_rate_limiter_cost(
        self, _api: Any, method: str, path: str, params: Mapping[str, Any], _config: Any = None
    ) -> Mapping[str, int]:
        return self.charges(path, method, params)

    async def throttle(self, cost: Mapping[str, int]) -> None:
        self.back_off.check(self.venue)
        began = time.perf_counter()
        await in_time(self.limiter.take(cost))
        metrics.limiter_waits.record(time.perf_counter() - began, {"venue": self.venue})
        self.back_off.check(self.venue)  # another call may have been told meanwhile

    def open(self, lazy: bool = False) -> None:  # noqa: FBT001, FBT002 - ccxt's signature
        """Our own pool; ccxt still owns and closes the session."""
        if self.session is None and not self.closed_by_user:
            self.session = open_session()
        super().open(lazy)  # type: ignore[misc] # the ccxt class comes next in the MRO


def _compare_clocks(venue: Venue, date: str | None) -> None:
    """By an answer's Date, which is cut to whole seconds: half of one is added, and alerts look at many answers."""
    try:
        there = parsedate_to_datetime(date or "").timestamp()
    except (ValueError, OverflowError):
        return
    metrics.clock_offset.set(time.time() - there - 0.5, {"venue": venue})


def repointed(urls: Any, base: str) -> Any:
    """A tree of URLs with every host replaced by `base`, paths kept: no call may reach a host nobody configured."""
    if isinstance(urls, str):
        path = urlsplit(urls.replace("{hostname}", "hostname")).path
        return base.rstrip("/") + path.rstrip("/")
    if isinstance(urls, dict):
        return {name: repointed(part, base) for name, part in urls.items()}
    return urls


class Classify(Protocol):
    """A venue's `errors.classify`."""

    def __call__(self, answer: HttpAnswer, *, changes: bool) -> VenueError: ...


class Caller:
    """Runs one call of a venue and turns whatever becomes of it into a result or a venue error."""

    def __init__(self, venue: Venue, classify: Classify) -> None:
        self._venue = venue
        self._classify = classify

    async def read(self, what: str, call: Awaitable[Any], parse: Callable[[Any], T]) -> T:
        """For calls that change nothing: Unavailable where the answer proves nothing."""
        with venue_call(self._venue, what):
            return await self._run(what, call, parse, changes=False)

    async def unless_unreadable(self, what: str, coin: str, call: Awaitable[T]) -> T | None:
        """None for a coin whose own answer can't be read, or that the venue does not serve; the others' hold."""
        try:
            return await call
        except (KeyRefused, Postponed):
            raise
        except (Rejected, Unavailable) as error:
            if isinstance(error, Unavailable) and error.code != GARBAGE:
                raise
            report_left_out(self._venue, what, coin, str(error))
            return None

    def readable_rules(self, what: str, coin: str, read: Callable[[], T]) -> T | None:
        """None for a coin whose own rules can't be read, or can't be true; the others' hold."""
        return read_or_leave_out(self._venue, what, coin, read)

    async def send(self, what: str, call: Awaitable[Any], parse: Callable[[Any], T]) -> T:
        """For orders and withdrawals: OutcomeUnknown where the answer proves nothing."""
        with venue_call(self._venue, what):
            return await self._run(what, call, parse, changes=True)

    def understand(self, what: str, parse: Callable[[], T]) -> T:
        """Put answers of reads together; Unavailable if they do not fit."""
        try:
            return parse()
        except BadMessage as garbage:
            raise unproved(f"{what}: {garbage}", venue=self._venue, code=GARBAGE, changes=False) from None

    async def _run(self, what: str, call: Awaitable[Any], parse: Callable[[Any], T], *, changes: bool) -> T:
        try:
            with sending_once() as departure:
                return parse(await call)
        except (NotSent, Unavailable):
            raise
        except NotSuccess as refused:
            raise self._classify(refused.answer, changes=changes) from None
        except BadMessage as garbage:
            raise unproved(f"{what}: {garbage}", venue=self._venue, code=GARBAGE, changes=changes) from None
        except Exception as lost:  # noqa: BLE001 - whatever is not an answer leaves the outcome open
            # ccxt's texts carry the signed URL, so only the names of the errors are told, and the chain is cut.
            names = f"{what}: {type(lost).__name__}"
            if isinstance(lost.__cause__, aiohttp.ClientConnectorError) and not departure.begun:
                where = f"{lost.__cause__.host}:{lost.__cause__.port}"
                raise Unavailable(f"{what}: no connection to {where}", venue=self._venue, code="connect") from None
            cause = f" ({type(lost.__cause__).__name__})" if lost.__cause__ else ""
            raise unproved(names + cause, venue=self._venue, code="no answer", changes=changes) from None
