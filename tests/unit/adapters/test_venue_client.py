"""What both venues' clients add to ccxt's, and what becomes of the end of a call."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from unittest.mock import Mock

import pytest
from fakes.telemetry import counted
from pydantic import SecretStr
from yarl import URL

from kimp.adapters.binance import client as binance
from kimp.adapters.binance.errors import classify
from kimp.adapters.upbit import client as upbit
from kimp.adapters.venue.answers import NotSuccess
from kimp.adapters.venue.back_off import BackOff
from kimp.adapters.venue.client import GARBAGE, Caller, StrictClient, repointed
from kimp.adapters.venue.limiter import Limiter
from kimp.adapters.venue.transport import open_session
from kimp.config import KeyPair, VenueSettings
from kimp.domain.errors import BadMessage, KeyRefused, NotFound, OutcomeUnknown, Postponed, Rejected, Unavailable
from kimp.domain.venues import Venue
from kimp.observability import metrics


class Library:
    """In the place of a ccxt class."""

    session: Any = None
    closed_by_user = False

    def __init__(self) -> None:
        self.opened: list[bool] = []

    def sign(self, path: str) -> tuple[str, Any, Any]:
        return path, getattr(self, "apiKey", None), getattr(self, "secret", None)

    def open(self, lazy: bool = False) -> None:  # noqa: FBT001, FBT002 - ccxt's signature
        self.opened.append(lazy)


class Client(StrictClient, Library):
    venue = Venue.BINANCE

    def code_of(self, content: Any) -> tuple[str, str] | None:
        return (content["code"], "no") if content and "code" in content else None

    def charges(self, path: str, method: str, params: Mapping[str, Any]) -> Mapping[str, int]:
        return {f"{method} {path}": len(params)}


class SlowLimiter(Limiter):
    """While a call waits for its turn, something happens."""

    def __init__(self, meanwhile: Any = lambda: None, seconds: float = 0.0) -> None:
        super().__init__({})
        self.taken: list[Mapping[str, int]] = []
        self._meanwhile, self._seconds = meanwhile, seconds

    async def take(self, charges: Mapping[str, int]) -> None:
        self.taken.append(charges)
        self._meanwhile()
        await asyncio.sleep(self._seconds)


def client(limiter: Limiter, back_off: BackOff) -> Client:
    made = Client()
    made.configure(limiter, back_off, lambda: KeyPair(access_key=SecretStr("a"), secret_key=SecretStr("s")))
    return made


def test_each_request_is_signed_with_the_key_of_its_moment() -> None:
    pairs = iter((("a1", "s1"), ("a2", "s2")))

    def keys() -> KeyPair:
        access, secret = next(pairs)
        return KeyPair(access_key=SecretStr(access), secret_key=SecretStr(secret))

    made = Client()
    made.configure(Limiter({}), BackOff(), keys)
    assert [made.sign("order"), made.sign("order")] == [("order", "a1", "s1"), ("order", "a2", "s2")]


def test_the_library_logs_no_request_whatever_level_is_asked_for(caplog: pytest.LogCaptureFixture) -> None:
    """It would log signatures and keys."""
    caplog.set_level("DEBUG")
    logger = client(Limiter({}), BackOff()).logger
    logger.debug("GET /order?signature=5e")
    assert logger.name == "kimp.adapters.venue.ccxt"
    assert not caplog.records


@pytest.mark.parametrize("make", [binance.make_client, upbit.make_client])
async def test_a_request_ends_well_before_whoever_waits_for_it_and_is_never_repeated_by_the_library(make: Any) -> None:
    made = make(VenueSettings.model_construct(rest_url="http://here:1"), lambda: None)
    assert made.timeout == 5_000
    assert made.options["maxRetriesOnFailure"] == 0
    assert made.enableRateLimit
    await made.close()


async def test_during_a_pause_nothing_is_asked_and_no_turn_is_used_up() -> None:
    limiter, back_off = SlowLimiter(), BackOff()
    back_off.begin(Venue.BINANCE, 30, "-1003")
    with pytest.raises(Unavailable) as error:
        await client(limiter, back_off).throttle({"orders": 1})
    assert (error.value.code, error.value.retry_after) == ("-1003", 30)
    assert limiter.taken == []


async def test_a_pause_that_begins_while_a_call_waits_for_its_turn_holds_it_back() -> None:
    back_off = BackOff()
    limiter = SlowLimiter(lambda: back_off.begin(Venue.BINANCE, 30, "-1003"))
    with pytest.raises(Unavailable):
        await client(limiter, back_off).throttle({"orders": 1})
    assert limiter.taken == [{"orders": 1}]


async def test_the_wait_for_a_turn_is_measured_in_seconds_by_venue(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = Mock()
    monkeypatch.setattr(metrics, "limiter_waits", waits)
    await client(SlowLimiter(seconds=0.03), BackOff()).throttle({})
    ((seconds, labels),) = [call.args for call in waits.record.call_args_list]
    assert labels == {"venue": "binance"}
    assert 0.02 < seconds < 2


async def test_a_client_opens_its_own_session_once_and_none_after_it_was_closed() -> None:
    made = client(Limiter({}), BackOff())
    made.open()
    session = made.session
    assert session is not None
    made.open()
    assert made.session is session
    assert made.opened == [False, False], "ccxt takes a lazy opening for a request of a client that was closed"
    await session.close()
    closed = client(Limiter({}), BackOff())
    closed.closed_by_user = True
    closed.open(lazy=True)
    assert closed.session is None
    assert closed.opened == [True]


async def test_a_session_keeps_no_cookies_and_takes_no_proxy_from_the_environment() -> None:
    async with open_session() as session:
        here = URL("http://venue.example/")
        session.cookie_jar.update_cookies({"who": "kimp"}, here)
        assert not session.cookie_jar.filter_cookies(here)
        assert session.trust_env is False


def handled(
    back_off: BackOff, status: int, content: Any, headers: Mapping[str, str] | None = None, body: str = "{}"
) -> None:
    client(Limiter({}), back_off).handle_errors(status, "OK", "/", "GET", headers or {}, body, content)


@pytest.mark.parametrize("status", [200, 201, 299])
def test_success_is_no_error(status: int) -> None:
    back_off = BackOff()
    handled(back_off, status, {})
    assert back_off.left_s == 0


@pytest.mark.parametrize(
    ("status", "content", "code", "pause_s"),
    [
        (199, {}, "", 0),
        (300, {}, "", 0),
        (200, None, "", 0),
        (200, {"code": "-1"}, "-1", 0),
        (400, {"code": "-1003"}, "-1003", 0),
        (429, {}, "", 7),
        (418, {"code": "-1003"}, "-1003", 7),
    ],
)
def test_what_is_not_success_leaves_with_all_that_was_said_and_a_limit_silences_the_whole_process(
    status: int, content: Any, code: str, pause_s: int
) -> None:
    back_off, headers = BackOff(), {"Retry-After": "7"}
    with pytest.raises(NotSuccess, match=f"HTTP {status}") as error:
        handled(back_off, status, content, headers)
    answer = error.value.answer
    assert (answer.status, answer.body, answer.code, answer.headers) == (status, "{}", code, headers)
    assert answer.message == ("no" if code else "")
    assert back_off.left_s == pytest.approx(pause_s, abs=1)
    if pause_s:
        with pytest.raises(Unavailable) as held_back:
            back_off.check(Venue.BINANCE)
        assert held_back.value.code == (code or f"HTTP {status}")


def test_an_answer_without_a_body_is_told_as_an_empty_one() -> None:
    with pytest.raises(NotSuccess) as error:
        handled(BackOff(), 500, None, body=None)  # type: ignore[arg-type] # as ccxt may hand it on
    assert error.value.answer.body == ""


@pytest.mark.parametrize(("date", "ahead_s"), [("Tue, 20 Jan 2026 10:00:00 GMT", 30.0), ("soon", None), (None, None)])
def test_the_difference_of_the_clocks_is_told_where_an_answer_has_a_date(
    date: str | None, ahead_s: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is cut to whole seconds: half of one is added."""
    offset = Mock()
    monkeypatch.setattr(metrics, "clock_offset", offset)
    monkeypatch.setattr("time.time", lambda: datetime(2026, 1, 20, 10, 0, 30, 500_000, UTC).timestamp())
    handled(BackOff(), 200, {}, {"Date": date} if date else None)
    reported = [call.args for call in offset.set.call_args_list]
    assert reported == ([] if ahead_s is None else [(ahead_s, {"venue": "binance"})])


def test_urls_keep_their_paths_and_lose_every_host_that_nobody_configured() -> None:
    urls = {"api": {"public": "https://api.binance.com/api/v3/", "private": "https://{hostname}/v1"}, "count": 3}
    assert repointed(urls, "http://here:1/") == {
        "api": {"public": "http://here:1/api/v3", "private": "http://here:1/v1"}, "count": 3,
    }  # fmt: skip


async def reported(answer: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer
    return answer


UNREADABLE = Unavailable("odd", venue="binance", code=GARBAGE)
SILENT = Unavailable("away", venue="binance", code="no answer")


@pytest.mark.parametrize("error", [UNREADABLE, Rejected("no", venue="binance"), NotFound("none", venue="binance")])
async def test_a_coin_that_the_venue_does_not_serve_is_left_out(error: Exception) -> None:
    with counted("kimp.venue.rows_left_out", venue="binance", list="fees"):
        assert await Caller(Venue.BINANCE, classify).unless_unreadable("fees", "XRP", reported(error)) is None


@pytest.mark.parametrize(
    "error", [SILENT, KeyRefused("locked", venue="binance"), Postponed("halted", venue="binance", code=GARBAGE)]
)
async def test_what_concerns_more_than_one_coin_leaves_none_out(error: Exception) -> None:
    with pytest.raises(type(error)):
        await Caller(Venue.BINANCE, classify).unless_unreadable("fees", "XRP", reported(error))


async def test_rules_that_cannot_be_read_are_left_out_and_garbage_is_named() -> None:
    def garbage() -> None:
        raise BadMessage("no number")

    call = Caller(Venue.BINANCE, classify)
    with counted("kimp.venue.rows_left_out", venue="binance", list="rules"):
        assert call.readable_rules("rules", "XRP", garbage) is None
    assert call.readable_rules("rules", "XRP", lambda: 7) == 7
    with pytest.raises(Unavailable, match="books: no number") as unread:
        call.understand("books", garbage)
    assert unread.value.code == "garbage"


@pytest.mark.parametrize("changes", [True, False])
async def test_what_is_no_answer_proves_nothing_and_tells_only_names(*, changes: bool) -> None:
    """A library's words may hold a signed URL."""
    lost = RuntimeError("https://api/?signature=5e")
    lost.__cause__ = OSError("key")
    call = Caller(Venue.BINANCE, classify)
    ask = call.send if changes else call.read
    with pytest.raises(OutcomeUnknown if changes else Unavailable) as ended:
        await ask("place order", reported(lost), lambda found: found)
    assert str(ended.value) == "binance: place order: RuntimeError (OSError) [no answer]"
    assert ended.value.code == "no answer"
    with pytest.raises(OutcomeUnknown if changes else Unavailable) as ended:
        await ask("place order", reported(RuntimeError("https://api/?signature=5e")), lambda found: found)
    assert str(ended.value) == "binance: place order: RuntimeError [no answer]"
    with pytest.raises(OutcomeUnknown if changes else Unavailable) as unread:
        await ask("place order", reported(BadMessage("no id")), lambda found: found)
    assert (unread.value.code, "place order: no id" in str(unread.value)) == (GARBAGE, True)


class Clock(binance.BinanceClient):
    """Asks for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.away: Exception | None = None

    async def load_time_difference(self, params: Any = None) -> Any:
        del params
        self.asked.append("time")
        if self.away is not None:
            raise self.away

    async def fetch2(self, path: str, *args: Any, **kwargs: Any) -> Any:
        del args, kwargs
        self.asked.append(path)


async def test_binances_time_is_asked_for_once_it_says_that_the_clock_is_off_and_until_it_tells() -> None:
    clock = Clock()
    await clock.request("order")
    assert clock.code_of({"code": -1021, "msg": "outside of the recvWindow"}) is not None
    clock.away = ConnectionResetError()
    for _ in range(2):
        with pytest.raises(ConnectionResetError):
            await clock.request("order")
    clock.away = None
    await clock.request("order")
    await clock.request("order")
    assert clock.asked == ["order", "time", "time", "time", "order", "order"]
    await clock.close()


DOCUMENTED = {
    "exchangeInfo": 20, "depth": 5, "time": 1, "account": 20, "order": 4, "myTrades": 5,
}  # fmt: skip
"""Weights of a GET: binance-spot-api-docs, rest-api.md."""


@pytest.mark.parametrize("path", DOCUMENTED)
def test_a_call_of_binance_costs_what_its_documents_say(path: str) -> None:
    assert Clock().charges(path, "GET", {}) == {"weight": DOCUMENTED[path]}
