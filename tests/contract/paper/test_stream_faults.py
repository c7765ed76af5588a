"""Faults of WebSocket frames, seen by a plain client."""

import asyncio
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

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
