"""Both venues' WebSockets through a plain client."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from kimp.paper.config import PaperConfig, StreamTimes, SyntheticMarket
from kimp.paper.server import PaperExchange

Report = Callable[[Any], bool]


async def until(socket: ClientConnection, wanted: Report) -> Any:
    async with asyncio.timeout(10):
        while True:
            message = json.loads(await socket.recv())
            if wanted(message):
                return message


def upbit_ws(paper: PaperExchange, path: str = "", **options: Any) -> Any:
    # An unbounded queue: a client that has paused reading waits ten seconds for its own close.
    return connect(f"ws://127.0.0.1:{paper.upbit_port}/websocket/v1{path}", max_queue=None, **options)


def binance_ws(paper: PaperExchange, path: str) -> Any:
    return connect(f"ws://127.0.0.1:{paper.binance_port}{path}", max_queue=None)


async def ask(socket: ClientConnection, *parts: Any) -> None:
    await socket.send(json.dumps([{"ticket": "t"}, *parts]))


async def test_upbit_sends_binary_snapshots_in_both_formats(paper: PaperExchange) -> None:
    async with upbit_ws(paper) as socket:
        await ask(socket, {"type": "orderbook", "codes": ["KRW-XRP.5"]}, {"format": "SIMPLE"})
        frame = await socket.recv()
        assert isinstance(frame, bytes)
        simple = json.loads(frame)
        assert (simple["ty"], simple["cd"], simple["st"], len(simple["obu"])) == ("orderbook", "KRW-XRP", "SNAPSHOT", 5)
        assert {"tas", "tbs", "tms", "lv"} <= set(simple)
        await ask(socket, {"type": "orderbook", "codes": ["KRW-XRP.7"]})
        full = json.loads(await socket.recv())
        assert len(full["orderbook_units"]) == 30
        assert full["stream_type"] == "SNAPSHOT"
        await ask(socket, {"type": "ticker", "codes": ["KRW-XRP"]}, {"format": "SIMPLE_LIST"})
        listed = json.loads(await socket.recv())
        assert isinstance(listed, list)
        assert {"tp", "ms", "its", "mw"} <= set(listed[0])


async def test_upbit_new_request_replaces_the_previous(paper: PaperExchange, admin: Any) -> None:
    async with upbit_ws(paper) as socket:
        await ask(socket, {"type": "orderbook", "codes": ["KRW-XRP"]})
        await socket.recv()
        await ask(socket, {"type": "orderbook", "codes": ["KRW-SOL"], "is_only_realtime": True})
        await socket.send(json.dumps([{"method": "LIST_SUBSCRIPTIONS"}]))
        listing = json.loads(await socket.recv())
        assert listing["result"] == [{"type": "orderbook", "codes": ["KRW-SOL"]}]
        await admin("premium", {"coin": "XRP", "premium": "0.01", "seconds": 60})
        await admin("premium", {"coin": "SOL", "premium": "0.01", "seconds": 60})
        message = json.loads(await socket.recv())
        assert (message["code"], message["stream_type"]) == ("KRW-SOL", "REALTIME")


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("no json", "WRONG_FORMAT"),
        ('[{"type":"ticker","codes":["KRW-XRP"]}]', "NO_TICKET"),
        ('[{"ticket":"t"},{"format":"SIMPLE"}]', "NO_TYPE"),
        ('[{"ticket":"t"},{"type":"ticker"}]', "NO_CODES"),
        ('[{"ticket":"t"},{"type":"ticker","codes":["KRW-XRP"]},{"format":"XML"}]', "INVALID_PARAM"),
    ],
)
async def test_upbit_error_messages(paper: PaperExchange, request_text: str, name: str) -> None:
    async with upbit_ws(paper) as socket:
        await socket.send(request_text)
        assert json.loads(await socket.recv())["error"]["name"] == name
        await socket.send("PING")
        assert json.loads(await socket.recv()) == {"status": "UP"}


async def test_upbit_closes_an_idle_connection_but_not_one_that_pings(config: PaperConfig) -> None:
    quick = config.model_copy(update={"streams": StreamTimes(upbit_idle_s=0.5)})
    async with PaperExchange(quick) as paper, upbit_ws(paper) as idle, upbit_ws(paper) as alive:

        async def keep() -> None:
            while True:
                await alive.ping()
                await asyncio.sleep(0.1)

        pinging = asyncio.create_task(keep())
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(idle.recv(), 10)
        await alive.send("PING")
        assert json.loads(await alive.recv()) == {"status": "UP"}
        pinging.cancel()


async def test_binance_combined_streams_and_subscriptions(paper: PaperExchange, binance: Any) -> None:
    await binance.load_markets()
    async with binance_ws(paper, "/stream?streams=xrpusdt@bookTicker/xrpusdt@depth5@100ms") as socket:
        await socket.send(json.dumps({"method": "SUBSCRIBE", "params": ["xrpusdt@aggTrade"], "id": 7}))
        assert json.loads(await socket.recv()) == {"result": None, "id": 7}
        await socket.send(json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 8}))
        listing = json.loads(await socket.recv())
        assert set(listing["result"]) == {"xrpusdt@bookTicker", "xrpusdt@depth5@100ms", "xrpusdt@aggTrade"}
        await binance.create_order("XRP/USDT", "market", "buy", "100")
        trade = (await until(socket, lambda m: m["stream"] == "xrpusdt@aggTrade"))["data"]
        depth = (await until(socket, lambda m: m["stream"] == "xrpusdt@depth5@100ms"))["data"]
        assert (trade["q"], trade["m"]) == ("100.00000000", False)
        assert set(depth) == {"lastUpdateId", "bids", "asks"}
        assert len(depth["bids"]) == 5
        await socket.send(json.dumps({"method": "UNSUBSCRIBE", "params": ["xrpusdt@bookTicker"], "id": 9}))
        await until(socket, lambda m: m.get("id") == 9)
        await socket.send("nonsense")
        assert (await until(socket, lambda m: "code" in m))["code"] == 3


async def test_binance_raw_stream_rises(paper: PaperExchange, admin: Any) -> None:
    async with binance_ws(paper, "/ws/xrpusdt@bookTicker") as socket:
        updates = []
        for premium in ("0.01", "0.02"):
            await admin("premium", {"coin": "XRP", "premium": premium, "seconds": 60})
            updates.append(json.loads(await socket.recv()))
        assert updates[0]["u"] < updates[1]["u"]
        assert set(updates[0]) == {"u", "s", "b", "B", "a", "A"}


async def test_binance_goodbye_comes_before_the_close(config: PaperConfig) -> None:
    short = config.model_copy(update={"streams": StreamTimes(binance_max_age_s=0.3, binance_ping_s=0.1)})
    async with PaperExchange(short) as paper, binance_ws(paper, "/stream?streams=xrpusdt@bookTicker") as socket:
        notice = json.loads(await asyncio.wait_for(socket.recv(), 10))
        assert (notice["stream"], notice["data"]["e"]) == ("!serverShutdown", "serverShutdown")
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(socket.recv(), 10)


async def test_moving_market_reaches_both_venues_streams(config: PaperConfig) -> None:
    moving = config.model_copy(update={"market": SyntheticMarket(ticks_per_second=2_000, episode_every_s=0.1)})
    async with PaperExchange(moving) as paper, upbit_ws(paper) as upbit, binance_ws(
        paper, "/stream?streams=" + "/".join(f"{c}usdt@bookTicker" for c in ("xrp", "sol", "doge", "trx", "ada", "xlm"))
    ) as binance:  # fmt: skip
        codes = [f"KRW-{c}.1" for c in ("XRP", "SOL", "DOGE", "TRX", "ADA", "XLM", "USDT")]
        await ask(upbit, {"type": "orderbook", "codes": codes, "is_only_realtime": True}, {"format": "SIMPLE"})
        for socket in (upbit, binance):
            async with asyncio.timeout(20):
                for _ in range(1_000):
                    await socket.recv()
