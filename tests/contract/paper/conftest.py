"""A paper exchange on free ports, and unmodified ccxt clients that only look at another host."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import ccxt.async_support as ccxt
import pytest
from contract.paper.faulty import Script

from kimp.paper.config import PaperConfig, RateLimits, SyntheticMarket
from kimp.paper.server import PaperExchange

GENEROUS = RateLimits(
    upbit_market=10_000,
    upbit_default=10_000,
    upbit_order=10_000,
    upbit_order_test=10_000,
    upbit_ws_connects=1_000,
    upbit_ws_messages=1_000,
    binance_sapi_uid_1s=100_000_000,
)
STILL = SyntheticMarket(ticks_per_second=0)
"""Prices move only when a test moves them."""


@pytest.fixture
def config(tmp_path: Path) -> PaperConfig:
    return PaperConfig(
        upbit_port=0,
        binance_port=0,
        admin_port=0,
        market=STILL,
        limits=GENEROUS,
        transfer_time_scale=0.0005,
        journal_path=tmp_path / "paper.jsonl",
        upbit_balances={"KRW": Decimal(100_000_000), "XRP": Decimal(10_000), "TRX": Decimal(10_000)},
        binance_balances={"USDT": Decimal(100_000), "XRP": Decimal(10_000), "SOL": Decimal(100)},
    )


@pytest.fixture
async def paper(config: PaperConfig) -> AsyncIterator[PaperExchange]:
    async with PaperExchange(config) as paper:
        yield paper


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def upbit(paper: PaperExchange) -> AsyncIterator[Any]:
    settings: Any = {
        "apiKey": "paper-upbit",
        "secret": "paper-upbit-secret",
        "enableRateLimit": False,
        "timeout_on_exit": 0,
        "hostname": f"127.0.0.1:{paper.upbit_port}",
        "urls": {"api": {"public": "http://{hostname}", "private": "http://{hostname}"}},
    }
    client = ccxt.upbit(settings)
    yield client
    await client.close()


@pytest.fixture
async def binance(paper: PaperExchange) -> AsyncIterator[Any]:
    template: Any = ccxt.binance()
    settings: Any = {
        "apiKey": "paper-binance",
        "secret": "paper-binance-secret",
        "enableRateLimit": False,
        "timeout_on_exit": 0,
        # ccxt picks its error table by the real host's name.
        "exceptions": {"exact": template.exceptions["spot"]["exact"]},
        "options": {"fetchMarkets": {"types": ["spot", "linear"]}, "recvWindow": 5_000},
    }
    client: Any = ccxt.binance(settings)
    client.urls["api"] = {
        name: f"http://127.0.0.1:{paper.binance_port}{urlsplit(url).path}"
        for name, url in client.urls["api"].items()
        if isinstance(url, str)
    }
    yield client
    await client.close()


Admin = Callable[..., Awaitable[Any]]


@pytest.fixture
def admin(paper: PaperExchange, http: aiohttp.ClientSession) -> Admin:
    """`await admin("balances")`, `await admin("premium", {...})`."""

    async def call(name: str, command: dict[str, Any] | None = None) -> Any:
        url = f"http://127.0.0.1:{paper.admin_port}/_paper/{name}"
        request = http.get(url) if command is None else http.post(url, json=command)
        async with request as response:
            assert response.status == 200, await response.text()
            return await response.json()

    return call


@pytest.fixture
def script(admin: Any) -> Script:
    """`await script("reset", "binance", ROUTE, seconds=1)`: the next matching one."""

    async def queue(kind: str, venue: str, route: str = "*", **options: Any) -> Any:
        return await admin("faults/script", {"faults": [{"kind": kind, "venue": venue, "route": route} | options]})

    return queue


@pytest.fixture
async def clients(upbit: Any, binance: Any) -> dict[str, Any]:
    for client in (upbit, binance):
        await client.load_markets()
    return {"upbit": upbit, "binance": binance}


Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def eventually() -> Eventually:
    """Ask again until the answer is true."""

    async def ask(question: Callable[[], Awaitable[Any]], within_s: float = 20.0) -> Any:
        deadline = time.monotonic() + within_s
        while not (answer := await question()):
            assert time.monotonic() < deadline, "still not true"
            await asyncio.sleep(0.02)
        return answer

    return ask
