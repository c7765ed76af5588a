"""Faults of WebSocket frames, seen by a plain client."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError

from kimp.paper.server import PaperExchange


@pytest.fixture
async def upbit_books(paper: PaperExchange) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{paper.upbit_port}/websocket/v1", max_queue=None) as socket:
        wish = {"type": "orderbook", "codes": ["KRW-XRP.5"], "is_only_realtime": True}
        await socket.send(json.dumps([{"ticket": "t"}, wish, {"format": "SIMPLE"}]))
        await socket.send(json.dumps([{"method": "LIST_SUBSCRIPTIONS"}]))
        await socket.recv()
        yield socket


@pytest.fixture
async def binance_tops(paper: PaperExchange) -> AsyncIterator[ClientConnection]:
    async with connect(f"ws://127.0.0.1:{paper.binance_port}/ws/xrpusdt@bookTicker", max_queue=None) as socket:
        await socket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        await socket.recv()
        yield socket


async def move(admin: Any, *premiums: str) -> None:
    """Each moves the price of XRP on both venues' books."""
    for premium in premiums:
        await admin("premium", {"coin": "XRP", "premium": premium, "seconds": 60})


async def next_of(socket: ClientConnection) -> Any:
    async with asyncio.timeout(5):
        return json.loads(await socket.recv())


async def script(admin: Any, kind: str, venue: str, **options: Any) -> None:
    await admin("faults/script", {"faults": [{"kind": kind, "venue": venue, "route": "STREAM *"} | options]})


async def test_absurd_prices_leave_sizes_and_books_alone(
    admin: Any, paper: PaperExchange, upbit_books: ClientConnection, binance_tops: ClientConnection
) -> None:
    await move(admin, "0.01")
    sane = await next_of(upbit_books), await next_of(binance_tops)
    await script(admin, "absurd_price", "upbit")
    await script(admin, "absurd_price", "binance")
    await move(admin, "0.01")
    upbit, binance = await next_of(upbit_books), await next_of(binance_tops)
    for unit, before in zip(upbit["obu"], sane[0]["obu"], strict=True):
        assert 50 < unit["ap"] / before["ap"] < 200
        assert 50 < unit["bp"] / before["bp"] < 200
        assert unit["as"] < 50 * before["as"]
    assert 50 < Decimal(binance["a"]) / Decimal(sane[1]["a"]) < 200
    assert Decimal(binance["A"]) < 50 * Decimal(sane[1]["A"])
    faults = paper.world.journal.tail(10, "fault")
    assert {(e["venue"], e["route"]) for e in faults} == {
        ("upbit", "STREAM /websocket/v1"),
        ("binance", "STREAM /ws/xrpusdt@bookTicker"),
    }


async def test_duplicate_and_out_of_order(admin: Any, binance_tops: ClientConnection) -> None:
    await script(admin, "duplicate_frame", "binance")
    await move(admin, "0.01")
    assert await next_of(binance_tops) == await next_of(binance_tops)
    await script(admin, "out_of_order_frame", "binance")
    await move(admin, "0.02", "0.03")
    first, second = await next_of(binance_tops), await next_of(binance_tops)
    assert first["u"] > second["u"]


async def test_garbage_then_silence_then_data_again(admin: Any, binance_tops: ClientConnection) -> None:
    await script(admin, "garbage_frame", "binance")
    await script(admin, "stream_silence", "binance", seconds=0.6)
    await move(admin, "0.01")
    with pytest.raises(json.JSONDecodeError):
        await next_of(binance_tops)
    await move(admin, "0.02", "0.03")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(binance_tops.recv(), 0.3)
    await asyncio.wait_for(await binance_tops.ping(), 5)
    await asyncio.sleep(0.4)
    await move(admin, "0.01")
    assert "u" in await next_of(binance_tops)


async def test_disconnect_says_no_goodbye(admin: Any, upbit_books: ClientConnection) -> None:
    await script(admin, "stream_disconnect", "upbit")
    await move(admin, "0.01")
    with pytest.raises(ConnectionClosedError) as ended:
        await next_of(upbit_books)
    assert ended.value.rcvd is None


async def stream_of(paper: PaperExchange, venue: str, books: tuple[str, str]) -> AsyncIterator[ClientConnection]:
    """Both books on one connection that has seen nothing yet."""
    if venue == "binance":
        names = "/".join(f"{book.lower()}@bookTicker" for book in books)
        url = f"ws://127.0.0.1:{paper.binance_port}/stream?streams={names}"
    else:
        url = f"ws://127.0.0.1:{paper.upbit_port}/websocket/v1"
    async with connect(url, max_queue=None, ping_interval=None) as socket:
        if venue == "upbit":
            wish = {"type": "orderbook", "codes": [f"{book}.1" for book in books], "is_only_realtime": True}
            await socket.send(json.dumps([{"ticket": "t"}, wish, {"format": "SIMPLE"}]))
            await socket.send(json.dumps([{"method": "LIST_SUBSCRIPTIONS"}]))
        else:
            await socket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        await socket.recv()
        yield socket


BOOKS = {"upbit": ("KRW-XRP", "KRW-SOL"), "binance": ("XRPUSDT", "SOLUSDT")}


@pytest.fixture(params=["upbit", "binance"])
def venue(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def stream(paper: PaperExchange, venue: str) -> AsyncIterator[ClientConnection]:
    async for socket in stream_of(paper, venue, BOOKS[venue]):
        yield socket


async def set_premium(admin: Any, coin: str = "XRP", premium: str = "0.01") -> None:
    await admin("premium", {"coin": coin, "premium": premium, "seconds": 60})


def top_of(frame: Any) -> tuple[str, Decimal, Decimal]:
    """Market, bid and ask, of either venue's frame."""
    if "data" in frame:
        return frame["data"]["s"], Decimal(frame["data"]["b"]), Decimal(frame["data"]["a"])
    return frame["cd"], Decimal(str(frame["obu"][0]["bp"])), Decimal(str(frame["obu"][0]["ap"]))


async def test_a_crossed_book(admin: Any, venue: str, stream: ClientConnection) -> None:
    await set_premium(admin)
    _, bid, ask = top_of(await next_of(stream))
    assert bid < ask
    await script(admin, "crossed_book", venue)
    await set_premium(admin)
    _, bid, ask = top_of(await next_of(stream))
    assert bid > ask
    await set_premium(admin)
    _, bid, ask = top_of(await next_of(stream))
    assert bid < ask


@pytest.mark.parametrize(("kind", "sign"), [("zero_price", 0), ("negative_price", -1)])
async def test_prices_that_cannot_be(admin: Any, venue: str, stream: ClientConnection, kind: str, sign: int) -> None:
    await set_premium(admin)
    _, sane, _ = top_of(await next_of(stream))
    await script(admin, kind, venue)
    await set_premium(admin)
    _, bid, ask = top_of(await next_of(stream))
    assert (bid < 0, ask < 0) == (sign < 0, sign < 0)
    assert (bid == ask == 0) == (sign == 0)
    assert sign == 0 or abs(bid) / sane > Decimal("0.5")


async def test_one_market_freezes_and_the_others_do_not(admin: Any, venue: str, stream: ClientConnection) -> None:
    await script(admin, "symbol_frozen", venue, seconds=1.5)
    await set_premium(admin, "XRP")  # which is the one that freezes
    for premium in ("0.01", "0.02", "0.03"):
        await set_premium(admin, "XRP", premium)
        await set_premium(admin, "SOL", premium)
    seen = [top_of(await next_of(stream))[0] for _ in range(3)]
    assert seen == [BOOKS[venue][1]] * 3
    await asyncio.sleep(1.6)
    await set_premium(admin, "XRP")
    assert top_of(await next_of(stream))[0] == BOOKS[venue][0]


async def test_a_frame_that_never_comes(admin: Any, binance_tops: ClientConnection) -> None:
    await set_premium(admin)
    first = await next_of(binance_tops)
    await script(admin, "lost_frame", "binance")
    await move(admin, "0.02", "0.03")
    assert (await next_of(binance_tops))["u"] == first["u"] + 2


async def test_a_stall_brings_all_at_once_and_in_order(admin: Any, binance_tops: ClientConnection) -> None:
    await script(admin, "stream_stall", "binance", seconds=0.8)
    await move(admin, "0.01", "0.02", "0.03")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(binance_tops.recv(), 0.3)
    await asyncio.sleep(0.7)
    await set_premium(admin)
    numbers = [(await next_of(binance_tops))["u"] for _ in range(4)]
    assert numbers == list(range(numbers[0], numbers[0] + 4))


async def test_a_half_open_connection_answers_no_ping(admin: Any, venue: str, stream: ClientConnection) -> None:
    await asyncio.wait_for(await stream.ping(), 5)
    await script(admin, "half_open", venue, seconds=1.5)
    await set_premium(admin)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(await stream.ping(), 0.5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(stream.recv(), 0.2)
    await asyncio.sleep(1.2)
    await asyncio.wait_for(await stream.ping(), 5)
    await set_premium(admin)
    assert top_of(await next_of(stream))[0] == BOOKS[venue][0]


async def test_binance_says_goodbye(admin: Any, paper: PaperExchange) -> None:
    async for socket in stream_of(paper, "binance", BOOKS["binance"]):
        await script(admin, "server_shutdown", "binance")
        await set_premium(admin)
        notice = await next_of(socket)
        assert (notice["stream"], notice["data"]["e"]) == ("!serverShutdown", "serverShutdown")
        with pytest.raises(ConnectionClosed) as ended:
            await next_of(socket)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1001


async def test_trades_and_own_orders_are_no_books(admin: Any, paper: PaperExchange, binance: Any) -> None:
    """A trade's `a` is a number, not a price: nothing there can be crossed."""
    url = f"ws://127.0.0.1:{paper.binance_port}/ws/xrpusdt@aggTrade"
    async with connect(url) as socket:
        await socket.send('{"method": "LIST_SUBSCRIPTIONS", "id": 1}')
        await socket.recv()
        await script(admin, "crossed_book", "binance")
        await binance.create_order("XRP/USDT", "market", "sell", "100")
        assert isinstance((await next_of(socket))["a"], int)
    assert (await admin("faults"))["waiting"]
