"""Binance's own files of whole days, by a server that has some."""

import hashlib
import io
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import pytest
from aiohttp import ClientSession, web

from kimp.adapters.binance.files import BinanceFiles
from kimp.adapters.binance.history import BinanceHistory
from kimp.adapters.embedded.process import free_port
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset
from kimp.ports.history import Candle, MarketTrade

XRP = Asset("XRP")
DAY = date(2025, 9, 1)
START_MS = (DAY - date(1970, 1, 1)).days * DAY_MS
KLINES = "/data/spot/daily/klines/XRPUSDT/1m/XRPUSDT-1m-2025-09-01.zip"
TRADES = "/data/spot/daily/aggTrades/XRPUSDT/XRPUSDT-aggTrades-2025-09-01.zip"
KLINE = f"{START_MS}000,2.1,2.3,2.0,2.2,15,{START_MS + 59_999}999,33,3,0,0,0\n"
TRADE = f"7,2.1000,5.0,7,9,{START_MS + 1}456,False,True\n"


def packed(text: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.csv", text)
    return archive.getvalue()


@dataclass
class Site:
    """What lies where, and what was asked for."""

    url: str
    files: BinanceFiles
    held: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def put(self, path: str, content: bytes, checksum: str | None = None) -> None:
        self.held[path] = content
        reported = checksum or hashlib.sha256(content).hexdigest()
        self.held[f"{path}.CHECKSUM"] = f"{reported}  {path.rpartition('/')[2]}\n".encode()

    async def trades(self) -> list[MarketTrade]:
        return [trade async for page in self.files.trades(XRP, START_MS, START_MS + DAY_MS) for trade in page]


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    url = f"http://127.0.0.1:{free_port()}"

    async def answer(request: web.Request) -> web.Response:
        found.asked.append(request.path)
        if request.path.startswith("/api/"):
            page = [{"a": 1, "p": "9", "q": "1", "T": START_MS}] if request.query.get("startTime") else []
            return web.json_response(page)
        content = found.held.get(request.path)
        return web.Response(status=404) if content is None else web.Response(body=content)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(url.rpartition(":")[2])).start()
    async with ClientSession() as session:
        found = Site(url, BinanceFiles(url, session, BinanceHistory(url, session)))
        yield found
    await runner.cleanup()


async def test_candles_of_a_day_come_from_one_file(site: Site) -> None:
    site.put(KLINES, packed(KLINE))
    found = await site.files.minutes(XRP, START_MS, START_MS + DAY_MS)
    assert found == [Candle(START_MS, *map(Decimal, ("2.1", "2.3", "2.0", "2.2", "15")))]
    assert site.asked == [KLINES, f"{KLINES}.CHECKSUM"]


async def test_trades_come_from_one_file_in_micro_and_milliseconds_with_a_header_and_without(site: Site) -> None:
    older = f"8,2.2,1,10,10,{START_MS + 2},True,True\n"
    site.put(TRADES, packed(f"agg_trade_id,price,quantity,first,last,time,maker,best\n{TRADE}{older}"))
    assert await site.trades() == [
        MarketTrade(START_MS + 1, Decimal("2.1000"), Decimal("5.0")),
        MarketTrade(START_MS + 2, Decimal("2.2"), Decimal(1)),
    ]


async def test_what_there_is_no_file_of_comes_from_the_pages(site: Site) -> None:
    assert await site.trades() == [MarketTrade(START_MS, Decimal(9), Decimal(1))]
    assert site.asked[:2] == [TRADES, "/api/v3/aggTrades"]


async def test_of_a_day_that_is_not_over_no_file_is_asked_for(site: Site) -> None:
    [page async for page in site.files.trades(XRP, START_MS, START_MS + DAY_MS - 1)]
    assert {path.partition("/v3")[0] for path in site.asked} == {"/api"}


async def test_a_file_that_does_not_fit_its_checksum_is_not_taken(site: Site) -> None:
    site.put(TRADES, packed(TRADE), checksum="0" * 64)
    with pytest.raises(BadMessage, match="does not fit its checksum; run it again"):
        await site.trades()


@pytest.mark.parametrize(
    "content",
    [b"no archive", packed("7,2.1\n"), packed("7,2.1,x,7,9,1,a,b\n"), packed("7,2.1,1,7,9,never,a,b\n"),
     packed("7,2.1,1,7,9," + "9" * 5_000 + ",a,b\n"), packed("\xff\n"), packed(TRADE)[:-60]],
    ids=["no archive", "too few columns", "no quantity", "no time", "too long", "no text", "cut off"],
)  # fmt: skip
async def test_a_file_that_is_none_is_one_line(site: Site, content: bytes) -> None:
    site.put(TRADES, content)
    with pytest.raises(BadMessage, match=r"^a file of Binance's") as error:
        await site.trades()
    assert len(str(error.value)) < 200
