"""Upbit's public calls through ccxt."""

from decimal import Decimal
from typing import Any

import aiohttp

from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.server import PaperExchange


async def test_markets_and_tickers(upbit: Any) -> None:
    markets = await upbit.load_markets()
    assert set(markets) == {f"{c.name}/KRW" for c in DEFAULT_COINS}
    every = await upbit.fetch_tickers()
    two = await upbit.fetch_tickers(["XRP/KRW", "SOL/KRW"])
    assert set(every) == set(markets)
    assert set(two) == {"XRP/KRW", "SOL/KRW"}
    assert every["XRP/KRW"]["last"] > 1000
    assert abs((await upbit.fetch_ticker("USDT/KRW"))["last"] - 1475) <= 1


async def test_order_book_keeps_to_count_and_ticks(upbit: Any) -> None:
    book = await upbit.fetch_order_book("XRP/KRW", 5)
    assert len(book["asks"]) == len(book["bids"]) == 5
    assert book["asks"][0][0] - book["bids"][0][0] in (1, 2)
    assert all(price % 1 == 0 for price, _ in book["asks"] + book["bids"])
    assert [price for price, _ in book["asks"]] == sorted(price for price, _ in book["asks"])
    assert len((await upbit.fetch_order_book("XRP/KRW"))["asks"]) == 30
    books = await upbit.fetch_order_books(["XRP/KRW", "SOL/KRW"])
    assert set(books) == {"XRP/KRW", "SOL/KRW"}


async def test_public_amounts_are_json_numbers(paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{paper.upbit_port}/v1/orderbook"
    async with http.get(url, params={"markets": "KRW-XRP,KRW-SOL"}) as response:
        assert response.headers["Remaining-Req"].startswith("group=orderbook; min=")
        books = await response.json()
    assert [book["market"] for book in books] == ["KRW-XRP", "KRW-SOL"]
    assert isinstance(books[0]["orderbook_units"][0]["ask_price"], int | float)
    assert len(str(books[0]["timestamp"])) == 13


async def test_instruments_tell_the_tick(upbit: Any) -> None:
    rows = await upbit.public_get_orderbook_instruments({"markets": "KRW-XRP,KRW-SOL,KRW-DOGE"})
    assert {row["market"]: Decimal(row["tick_size"]) for row in rows} == {
        "KRW-XRP": Decimal(1),
        "KRW-SOL": Decimal(100),
        "KRW-DOGE": Decimal(1),
    }


async def test_trades(upbit: Any) -> None:
    await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": 50_000})
    trades = await upbit.fetch_trades("XRP/KRW")
    assert trades[-1]["side"] == "buy"


async def test_unknown_market(paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    url = f"http://127.0.0.1:{paper.upbit_port}/v1/ticker"
    async with http.get(url, params={"markets": "KRW-NOPE"}) as response:
        assert response.status == 404
        assert (await response.json())["error"]["message"] == "Code not found"
