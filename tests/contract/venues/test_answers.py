"""Answers that prove nothing, and those that prove that nothing happened; no call is ever sent twice."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime

import pytest
from contract.venues.bench import XRP, Answering, Bench, Silence, adapter, settings_of
from fakes.intents import NEVER
from fakes.telemetry import telemetry

from kimp.domain.errors import NotFound, OutcomeUnknown, Unavailable, VenueError
from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig, RateLimits
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import Exchange

NAME = "XRP-1-1B1-1"
HTML = "<html><body>" + "busy " * 2_000 + "</body></html>"
NOT_EXECUTED = [
    (429, "Too many requests", {"Retry-After": "7"}, 7),
    (429, "", {}, 1),
    (418, "banned", {"Retry-After": "120"}, 120),
    (418, "banned", {}, 60),
]
PROVES_NOTHING = [
    (500, '{"error": {"name": "internal_error", "message": "?"}}'),
    (502, HTML),
    (503, ""),
    (200, ""),
    (200, HTML),
    (200, '{"half": '),
    (201, "{}"),
    (200, '{"code": -1007, "msg": "Timeout waiting for response from backend server."}'),
    (404, "no such page"),
    (400, '{"error": {"name": "a_name_of_tomorrow", "message": "?"}}'),
    (400, '{"code": -9999, "msg": "a code of tomorrow"}'),
]


async def send_order(bench: Bench, exchange: Exchange | None = None) -> None:
    await (exchange or bench.exchange).place_order(
        await bench.intent(NAME, Decimal(100), Decimal(3_000)), send_by_ms=NEVER
    )


def assert_one_clear_line(error: VenueError) -> None:
    assert "\n" not in str(error)
    assert len(str(error)) < 400
    assert str(error).startswith(f"{error.venue}: ")


@pytest.mark.parametrize(("status", "body", "headers", "pause"), NOT_EXECUTED)
async def test_over_the_limit_nothing_was_executed(
    bench: Bench, status: int, body: str, headers: dict[str, str], pause: int
) -> None:
    withdrawal = await bench.withdrawal("50")
    await bench.exchange.network(XRP)  # Binance's wallet, which is read before coins leave
    hook = bench.seam.hook = Answering(status, body, headers)
    for call in (bench.exchange.balances(), send_order(bench), bench.exchange.withdraw(withdrawal, send_by_ms=NEVER)):
        with pytest.raises(Unavailable) as refusal:
            await call
        assert refusal.value.retry_after in {pause, pause - 1}
        assert refusal.value.code == f"HTTP {status}"
        assert_one_clear_line(refusal.value)
    assert len(hook.seen) == 1, "what one call was told keeps all others from asking"


@pytest.mark.parametrize(("status", "body"), PROVES_NOTHING)
async def test_an_answer_that_proves_nothing(bench: Bench, status: int, body: str) -> None:
    """After a read it may be asked again; after an order or a withdrawal only a look-up tells."""
    withdrawal = await bench.withdrawal("50")
    await bench.exchange.network(XRP)
    hook = bench.seam.hook = Answering(status, body)
    with pytest.raises(Unavailable) as unread:
        await bench.exchange.balances()
    assert_one_clear_line(unread.value)
    for call in (send_order(bench), bench.exchange.withdraw(withdrawal, send_by_ms=NEVER)):
        with pytest.raises(OutcomeUnknown) as doubt:
            await call
        assert_one_clear_line(doubt.value)
    assert len(hook.seen) == 3


@pytest.mark.parametrize("answer", [Answering(503, "", executed=True), Silence()], ids=["503", "connection cut"])
async def test_an_order_whose_answer_is_lost_was_sent_once_and_is_found(
    bench: Bench, answer: Answering | Silence
) -> None:
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent(NAME, Decimal(100), quote.ask)
    answer.seen.clear()
    bench.seam.hook = answer
    with pytest.raises(OutcomeUnknown):
        await bench.exchange.place_order(intent, send_by_ms=NEVER)
    assert len(answer.seen) == len(bench.journal("order")) == 1
    bench.seam.hook = None
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert [(f.price, f.quantity) for f in found.fills] == [(quote.ask, Decimal(100))]


@pytest.mark.parametrize("answer", [Answering(503, "", executed=True), Silence()], ids=["503", "connection cut"])
async def test_a_withdrawal_whose_answer_is_lost_was_sent_once_and_is_found(
    bench: Bench, answer: Answering | Silence
) -> None:
    intent = await bench.withdrawal("50")
    await bench.exchange.network(XRP)
    before_ms = bench.paper.world.clock.now_ms()
    answer.seen.clear()
    bench.seam.hook = answer
    with pytest.raises(OutcomeUnknown):
        await bench.exchange.withdraw(intent, send_by_ms=NEVER)
    assert len(answer.seen) == len(bench.paper.world.transfers.withdrawals) == 1
    bench.seam.hook = None
    (found,) = await bench.exchange.withdrawals_since(XRP, before_ms, intent.transfer_id)
    assert found.asked == Decimal(50)


async def test_a_venue_that_is_not_there_has_executed_nothing(bench: Bench) -> None:
    away = adapter(
        settings_of(bench.paper, bench.venue).model_copy(update={"rest_url": "http://127.0.0.1:9"}), bench.venue
    )
    for call in (away.balances(), send_order(bench, away)):
        with pytest.raises(Unavailable) as refusal:
            await call
        assert refusal.value.code == "connect"
        assert "no connection to 127.0.0.1:9 " in str(refusal.value)
        assert_one_clear_line(refusal.value)
    await away.close()


async def test_what_is_not_found_is_told_apart_from_what_is_not_answered(bench: Bench) -> None:
    with pytest.raises(NotFound):
        await bench.exchange.withdrawal(XRP, "11111111111141118111111111111111")
    assert not await bench.exchange.deposits(XRP, "f" * 64)
    bench.seam.hook = Answering(404, json.dumps({"message": "a proxy's own page"}))
    with pytest.raises(Unavailable):
        await bench.exchange.find_order(XRP, NAME)
    with pytest.raises(Unavailable):
        await bench.exchange.deposits(XRP, "f" * 64)


@pytest.fixture
async def strict(config: PaperConfig, venue: Venue) -> AsyncIterator[Bench]:
    """A venue that allows far less than it publishes."""
    limits = RateLimits(upbit_default=2, upbit_order=2, binance_weight_1m=50, binance_orders_10s=2)
    async with PaperExchange(config.model_copy(update={"limits": limits})) as paper:
        exchange = adapter(settings_of(paper, venue), venue)
        yield Bench(venue, paper, {venue: exchange})
        await exchange.close()


async def test_the_venues_own_limit_is_understood(strict: Bench) -> None:
    answers = await asyncio.gather(*(strict.exchange.balances() for _ in range(4)), return_exceptions=True)
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    assert 0 < len(refusals) < 4
    for refusal in refusals:
        assert isinstance(refusal, Unavailable)
        assert refusal.retry_after
        assert refusal.code == ("too_many_requests" if strict.venue is Venue.UPBIT else "-1003")


async def test_too_many_orders_are_refused_before_they_are_executed(strict: Bench) -> None:
    ask = (await strict.exchange.market(XRP)).quote.ask
    intents = [await strict.intent(f"XRP-1-1B{number}-1", Decimal(10), ask) for number in range(4)]
    answers = await asyncio.gather(
        *(strict.exchange.place_order(i, send_by_ms=NEVER) for i in intents), return_exceptions=True
    )
    refusals = [answer for answer in answers if isinstance(answer, BaseException)]
    assert 0 < len(refusals) < 4
    assert len(strict.journal("order")) == 4 - len(refusals)
    for refusal in refusals:
        assert isinstance(refusal, Unavailable)
        assert refusal.retry_after


async def test_clocks_are_compared_with_every_answer(bench: Bench) -> None:
    reported = telemetry()
    bench.seam.hook = Answering(
        503, "", {"Date": format_datetime(datetime.now(UTC) - timedelta(minutes=3), usegmt=True)}
    )
    with pytest.raises(Unavailable):
        await bench.exchange.balances()
    assert 178 < reported.total("kimp.clock.offset", venue=bench.venue) < 190
    bench.seam.hook = Answering(503, "", {"Date": "yesterday"})
    with pytest.raises(Unavailable):
        await bench.exchange.balances()
