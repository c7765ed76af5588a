"""What venues tell to anybody: listings with their flags, and calls that say in one line what went wrong."""

from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from kimp.adapters.binance import rulebook as binance
from kimp.adapters.upbit import rulebook as upbit
from kimp.adapters.venue.limiter import Limit
from kimp.adapters.venue.public import PublicCalls
from kimp.adapters.venue.transport import open_session
from kimp.domain.errors import Unavailable
from kimp.domain.venues import Venue

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
Ask = Callable[[Answer], Awaitable[PublicCalls]]


def test_upbits_warnings_and_cautions_are_told() -> None:
    rows = [
        {"market": "KRW-XRP", "market_event": {"warning": False, "caution": {"PRICE_FLUCTUATIONS": False}}},
        {"market": "KRW-ONE", "market_event": {"warning": True, "caution": {"PRICE_FLUCTUATIONS": True}}},
        {"market": "KRW-OLD"},
        {"market": "BTC-ETH", "market_event": {"warning": True, "caution": {}}},
    ]
    assert upbit.flagged_listing(rows) == {"XRP": "", "ONE": "warning, caution: price fluctuations", "OLD": ""}


def test_what_binance_does_not_trade_now_is_told() -> None:
    def pair(base: str, quote: str = "USDT", status: str = "TRADING", *, spot: bool = True) -> dict[str, object]:
        named: dict[str, object] = {
            "symbol": f"{base}{quote}",
            "status": status,
            "baseAsset": base,
            "quoteAsset": quote,
        }
        return named | {"isSpotTradingAllowed": spot}

    content = {"symbols": [pair("XRP"), pair("ONE", status="BREAK"), pair("TWO", spot=False), pair("ETH", "BTC")]}
    assert binance.flagged_listing(content) == {"XRP": "", "ONE": "status BREAK", "TWO": "no spot market"}


@pytest.fixture
async def asking() -> AsyncIterator[Ask]:
    servers: list[TestServer] = []
    async with open_session() as session:

        async def serve(answer: Answer) -> PublicCalls:
            app = web.Application()
            app.router.add_get("/v1/x", answer)
            server = TestServer(app)
            await server.start_server()
            servers.append(server)
            return PublicCalls(Venue.UPBIT, str(server.make_url("")), session, Limit(100, 1.0))

        yield serve
        for server in servers:
            await server.close()


async def test_numbers_keep_every_digit(asking: Ask) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b'[{"price": 0.10000000000000000001}]')

    assert await (await asking(answer)).get("/v1/x") == [{"price": Decimal("0.10000000000000000001")}]


async def test_no_header_that_names_an_account_is_sent(asking: Ask) -> None:
    names: set[str] = set()

    async def answer(request: web.Request) -> web.Response:
        names.update(name.lower() for name in request.headers)
        return web.json_response([])

    await (await asking(answer)).get("/v1/x", {"markets": "KRW-XRP"})
    assert names == {"host", "accept", "accept-encoding", "user-agent"}


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1"])
async def test_what_is_no_json_is_no_answer(asking: Ask, body: bytes) -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=body)

    with pytest.raises(Unavailable, match="answers no JSON"):
        await (await asking(answer)).get("/v1/x")


async def test_after_a_ban_nothing_is_asked(asking: Ask) -> None:
    asked = 0

    async def answer(_request: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.Response(status=418, headers={"Retry-After": "30"})

    calls = await asking(answer)
    for words in ("HTTP 418", "it wanted a pause"):
        with pytest.raises(Unavailable, match=words):
            await calls.get("/v1/x")
    assert asked == 1


async def test_a_redirect_is_not_followed(asking: Ask) -> None:
    async def answer(_request: web.Request) -> web.Response:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    with pytest.raises(Unavailable, match="redirects"):
        await (await asking(answer)).get("/v1/x")


async def test_a_host_that_is_not_there_is_told_in_one_line() -> None:
    async with open_session() as session:
        calls = PublicCalls(Venue.UPBIT, "http://127.0.0.1:1", session, Limit(100, 1.0))
        with pytest.raises(Unavailable, match=r"upbit: http://127\.0\.0\.1:1 does not answer") as refusal:
            await calls.get("/v1/x")
    assert "\n" not in str(refusal.value)
