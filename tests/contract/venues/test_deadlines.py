"""Nothing leaves late: whatever holds an order up between its journal entry and the wire, it is then not sent."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web
from aiohttp.typedefs import Handler
from contract.venues.bench import XRP, Bench, adapter, settings_of
from fakes.intents import NEVER

from activities.orders import FENCE_MS, SEND_WITHIN_MS
from kimp.adapters.binance.client import RECV_WINDOW_MS
from kimp.adapters.clock import SystemClock
from kimp.adapters.venue.client import HTTP_TIMEOUT_MS
from kimp.adapters.venue.limiter import Limit, Limiter
from kimp.domain.errors import NotSent, Rejected
from kimp.domain.venues import Venue
from kimp.ports.exchange import Exchange

GROUPS = ("market", "default", "order", "weight", "sapi", "sapi_uid", "orders", "history")
"""Of both venues' limiters."""


@dataclass
class MovedClock(SystemClock):
    """The real one, as far as a test has not moved it."""

    moved_ms: int = 0
    """The wall clock was set."""
    slept_ms: int = 0
    """The machine was suspended for so long."""

    def now_ms(self) -> int:
        return super().now_ms() + self.moved_ms + self.slept_ms

    def steady_ms(self) -> int:
        return super().steady_ms() + self.slept_ms


@dataclass
class MovingLimiter:
    """Lets everybody through at once, and the clocks jump meanwhile."""

    clock: MovedClock
    set_ms: int = 0
    sleep_ms: int = 0

    async def take(self, charges: Mapping[str, int]) -> None:
        del charges
        self.clock.moved_ms += self.set_ms
        self.clock.slept_ms += self.sleep_ms


@dataclass
class Slow:
    """A hook that answers, but keeps the connection busy for a while."""

    seconds: float
    bodies: list[str] = field(default_factory=list)

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.bodies.append(f"{request.query_string}&{await request.text()}&{dict(request.headers)}")
        await asyncio.sleep(self.seconds)
        return await handler(request)


@dataclass
class Busy:
    """A hook that keeps all connections busy until it is told to go on."""

    came: asyncio.Event = field(default_factory=asyncio.Event)
    free: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self.came.set()
        await self.free.wait()
        return await handler(request)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
async def exchange(bench: Bench, clock: MovedClock) -> AsyncIterator[Exchange]:
    """The venue under test with a clock that can be moved; it has read what it needs beforehand."""
    made = adapter(settings_of(bench.paper, bench.venue), bench.venue, clock)
    await made.network(XRP)
    yield made
    await made.close()


def api_of(exchange: Exchange) -> Any:
    return exchange._api  # type: ignore[attr-defined]


def limit(exchange: Exchange, units: int, seconds: float) -> None:
    """Counted in calls of any kind."""
    limiter = Limiter({group: Limit(units, seconds) for group in GROUPS})
    client = api_of(exchange)
    client.limiter = limiter
    group = "order" if client.id == "upbit" else "orders"
    client.charges = lambda *_call: {group: 1}


async def order(bench: Bench, exchange: Exchange, name: str, within_ms: int, clock: MovedClock) -> None:
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent(name, Decimal(10), quote.ask)
    await exchange.place_order(intent, send_by_ms=clock.steady_ms() + within_ms)


async def withdraw(bench: Bench, exchange: Exchange, name: str, within_ms: int, clock: MovedClock) -> None:
    intent = await bench.withdrawal("50", name=name)
    await exchange.withdraw(intent, send_by_ms=clock.steady_ms() + within_ms)


def executed(bench: Bench) -> list[str]:
    return [e["client_id"] for e in bench.journal("order")] + list(bench.paper.world.transfers.withdrawals)


def asked(bench: Bench) -> int:
    return len(bench.journal("request", method="POST"))


@pytest.mark.parametrize("send", [order, withdraw])
async def test_a_full_window_of_our_own_limiter_holds_it_back(
    bench: Bench, exchange: Exchange, clock: MovedClock, send: Any
) -> None:
    limit(exchange, 1, 60)
    await send(bench, exchange, "XRP-1-1B1-1", 5_000, clock)
    started = time.monotonic()
    with pytest.raises(NotSent) as held:
        await send(bench, exchange, "XRP-1-1B2-1", 150, clock)
    assert time.monotonic() - started < 30, "known as soon as the deadline has passed, not when the window is free"
    assert isinstance(held.value, Rejected)
    assert (held.value.venue, held.value.code) == (bench.venue, "not sent")
    assert asked(bench) == len(executed(bench)) == 1


async def test_a_wait_that_ends_in_time_holds_nothing_back(bench: Bench, exchange: Exchange, clock: MovedClock) -> None:
    limit(exchange, 1, 0.3)
    for number in range(3):
        await order(bench, exchange, f"XRP-1-1B{number}-1", 20_000, clock)
    assert len(executed(bench)) == 3


@pytest.mark.parametrize("send", [order, withdraw])
async def test_a_machine_that_slept_meanwhile_holds_it_back(
    bench: Bench, exchange: Exchange, clock: MovedClock, send: Any
) -> None:
    api_of(exchange).limiter = MovingLimiter(clock, sleep_ms=3_000)
    with pytest.raises(NotSent):
        await send(bench, exchange, "XRP-1-1B1-1", 2_000, clock)
    assert asked(bench) == 0


@pytest.mark.parametrize("send", [order, withdraw])
@pytest.mark.parametrize("set_ms", [600_000, -600_000])
async def test_a_wall_clock_that_is_set_meanwhile_holds_nothing_back(
    bench: Bench, exchange: Exchange, clock: MovedClock, send: Any, set_ms: int
) -> None:
    api_of(exchange).limiter = MovingLimiter(clock, set_ms=set_ms)
    await send(bench, exchange, "XRP-1-1B1-1", 2_000, clock)
    assert len(executed(bench)) == 1


async def test_a_clock_that_is_set_back_gives_no_more_time(bench: Bench, exchange: Exchange, clock: MovedClock) -> None:
    limit(exchange, 1, 60)
    await order(bench, exchange, "XRP-1-1B1-1", 5_000, clock)
    waiting = asyncio.create_task(order(bench, exchange, "XRP-1-1B2-1", 1_000, clock))
    await asyncio.sleep(0.1)
    clock.moved_ms = -3_600_000
    with pytest.raises(NotSent):
        async with asyncio.timeout(20):
            await waiting
    assert len(executed(bench)) == 1


async def test_a_deadline_that_has_passed_already_lets_nothing_out(
    bench: Bench, exchange: Exchange, clock: MovedClock
) -> None:
    with pytest.raises(NotSent):
        await order(bench, exchange, "XRP-1-1B1-1", -1, clock)
    assert asked(bench) == 0


async def test_each_of_many_at_once_has_its_own_deadline(bench: Bench, exchange: Exchange, clock: MovedClock) -> None:
    """Patient and impatient ones wait in one queue; one that gives up lets the next one come sooner."""
    limit(exchange, 1, 0.4)
    names = [f"XRP-1-1B{number}-1" for number in range(12)]
    patience = [100 if number % 2 else 60_000 for number in range(12)]
    answers = await asyncio.gather(
        *(order(bench, exchange, name, ms, clock) for name, ms in zip(names, patience, strict=True)),
        return_exceptions=True,
    )
    for name, ms, answer in zip(names, patience, answers, strict=True):
        assert answer is None or isinstance(answer, NotSent)
        assert (answer is None) == (name in executed(bench))
        if ms == 60_000:
            assert answer is None
    assert sum(isinstance(answer, NotSent) for answer in answers) >= 5
    assert asked(bench) == len(executed(bench))


@pytest.mark.parametrize("moved_ms", [0, -3_600_000], ids=["", "and a clock that is set back"])
async def test_a_pool_without_a_free_connection_holds_it_back(
    bench: Bench, exchange: Exchange, clock: MovedClock, moved_ms: int
) -> None:
    """The limiter has let it through and it is signed, but it stands in the queue for a connection."""
    client = api_of(exchange)
    await client.session.close()
    setattr(client, "session", None)  # noqa: B010 - else the type checkers believe that it stays so
    client.open()
    client.session.connector._limit = 1
    intent = await bench.intent("XRP-1-1B1-1", Decimal(10), (await bench.exchange.market(XRP)).quote.ask)
    busy = bench.seam.hook = Busy()
    first = asyncio.create_task(exchange.balances())
    await busy.came.wait()
    second = asyncio.create_task(exchange.place_order(intent, send_by_ms=clock.steady_ms() + 300))
    await asyncio.sleep(0.5)
    assert not second.done()
    clock.moved_ms = moved_ms
    busy.free.set()
    with pytest.raises(NotSent):
        await second
    await first
    assert executed(bench) == []
    await order(bench, exchange, "XRP-1-1B2-1", 10_000, clock)
    assert executed(bench) == ["XRP-1-1B2-1"], "the connection was not lost"


async def test_what_it_is_held_up_by_later_is_a_lost_answer_and_no_late_request(
    bench: Bench, exchange: Exchange, clock: MovedClock
) -> None:
    """The deadline is for leaving, not for the answer."""
    bench.seam.hook = Slow(0.5)
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent("XRP-1-1B1-1", Decimal(10), quote.ask)
    await exchange.place_order(intent, send_by_ms=clock.steady_ms() + 250)
    assert len(executed(bench)) == 1


async def test_the_deadline_is_no_part_of_the_request(bench: Bench, exchange: Exchange) -> None:
    hook = bench.seam.hook = Slow(0)
    quote = (await bench.exchange.market(XRP)).quote
    await exchange.place_order(await bench.intent("XRP-1-1B1-1", Decimal(10), quote.ask), send_by_ms=NEVER)
    await exchange.withdraw(await bench.withdrawal("50"), send_by_ms=NEVER)
    assert hook.bodies
    for sent in hook.bodies:
        assert str(NEVER) not in sent
        assert "send_by" not in sent


async def test_reads_know_no_deadline(bench: Bench, exchange: Exchange, clock: MovedClock) -> None:
    """Not even those that follow an order that was held back, in the same task."""
    with pytest.raises(NotSent):
        await order(bench, exchange, "XRP-1-1B1-1", -1, clock)
    assert await exchange.find_order(XRP, "XRP-1-1B1-1") is None
    assert XRP in await exchange.balances()


@pytest.mark.parametrize("venue", [Venue.BINANCE])
async def test_a_clock_that_binance_corrects_first_is_no_way_around_it(
    bench: Bench, exchange: Exchange, clock: MovedClock
) -> None:
    """Asking Binance for its time is a request too, which takes time, right before the order."""
    api_of(exchange).clock_is_off = True
    bench.seam.hook = Slow(0.5)
    with pytest.raises(NotSent):
        await order(bench, exchange, "XRP-1-1B1-1", 250, clock)
    assert executed(bench) == []


ENGINE_MS = 10_000
"""For how long Binance waits for its own engine before it answers -1007 (rest-api.md, General)."""


@pytest.mark.parametrize("venue", [Venue.BINANCE])
async def test_binance_is_told_how_long_it_may_keep_an_order(bench: Bench, exchange: Exchange) -> None:
    """Without that it is as long as ccxt likes: twice as long, and behind the fence."""
    sent = api_of(exchange).sign("order", ["private"], "POST", {"symbol": "XRPUSDT"})
    assert f"recvWindow={RECV_WINDOW_MS}&" in f"{sent['body']}&"


def test_the_fence_stands_behind_all_that_may_still_happen_to_an_order() -> None:
    assert FENCE_MS > SEND_WITHIN_MS + RECV_WINDOW_MS + ENGINE_MS
    assert FENCE_MS > 2 * (SEND_WITHIN_MS + HTTP_TIMEOUT_MS), "Upbit publishes no bound"
