"""Binance's public calls, signature and orders through ccxt."""

import hashlib
import hmac
import time
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from kimp.domain.venues import Venue
from kimp.paper.coins import DEFAULT_COINS
from kimp.paper.config import PaperConfig, RateLimits
from kimp.paper.server import PaperExchange

Http = aiohttp.ClientSession


async def best(binance: Any, symbol: str = "XRP/USDT") -> tuple[Decimal, Decimal]:
    tops = await binance.public_get_ticker_bookticker({"symbol": symbol.replace("/", "")})
    return Decimal(tops["bidPrice"]), Decimal(tops["askPrice"])


async def test_markets_have_rules_and_can_be_ordered(binance: Any) -> None:
    markets = await binance.load_markets()
    assert set(markets) == {f"{c.name}/USDT" for c in DEFAULT_COINS if c.name != "USDT"}
    xrp = markets["XRP/USDT"]
    assert (xrp["active"], xrp["precision"]["price"], xrp["precision"]["amount"]) == (True, 0.0001, 0.1)
    assert xrp["limits"]["cost"]["min"] == 5
    assert {"LIMIT", "MARKET"} <= set(xrp["info"]["orderTypes"])
    currency = binance.currencies["XRP"]["networks"]["XRP"]
    assert (currency["fee"], currency["precision"], currency["info"]["withdrawTag"]) == (0.2, 1e-6, True)


async def test_public_calls(binance: Any) -> None:
    assert abs(await binance.fetch_time() - time.time() * 1000) < 5_000
    assert await binance.public_get_ping() == {}
    book = await binance.fetch_order_book("XRP/USDT", 5)
    assert len(book["asks"]) == len(book["bids"]) == 5
    tops = await binance.fetch_bids_asks(["XRP/USDT", "SOL/USDT"])
    assert tops["XRP/USDT"]["ask"] == book["asks"][0][0]
    assert (await binance.fetch_ticker("XRP/USDT"))["last"] > 2
    assert (await binance.fetch_status())["status"] == "ok"
    fees = await binance.fetch_trading_fees()
    assert fees["XRP/USDT"]["taker"] == 0.001


async def test_ioc_limit_buy_pays_its_fee_in_coins(binance: Any, paper: PaperExchange) -> None:
    _, ask = await best(binance)
    params = {"clientOrderId": "b-1", "timeInForce": "IOC"}
    order = (await binance.create_order("XRP/USDT", "limit", "buy", "100", str(ask), params))["info"]
    assert (order["status"], order["executedQty"], order["clientOrderId"]) == ("FILLED", "100.00000000", "b-1")
    assert [(f["commission"], f["commissionAsset"]) for f in order["fills"]] == [("0.10000000", "XRP")]
    balance = {b["asset"]: Decimal(b["free"]) for b in (await binance.private_get_account())["balances"]}
    assert balance["XRP"] == Decimal("10099.9")
    assert balance["USDT"] == 100_000 - 100 * ask
    trades = await binance.fetch_my_trades("XRP/USDT", params={"orderId": order["orderId"]})
    assert [t["info"]["id"] for t in trades] == [f["tradeId"] for f in order["fills"]]
    assert not paper.world.desks[Venue.BINANCE].open_orders()


async def test_market_sell_pays_its_fee_in_usdt(binance: Any) -> None:
    order = (await binance.create_order("XRP/USDT", "market", "sell", "100"))["info"]
    fill = order["fills"][0]
    expected = Decimal(fill["price"]) * Decimal(fill["qty"]) * Decimal("0.001")
    assert (order["status"], fill["commissionAsset"]) == ("FILLED", "USDT")
    assert Decimal(fill["commission"]) == expected.quantize(Decimal("1e-8"), "ROUND_FLOOR")


async def test_market_order_with_a_price_spends_value(binance: Any) -> None:
    """The ccxt trap: amount x price becomes quoteOrderQty."""
    order = (await binance.create_order("XRP/USDT", "market", "buy", 100, 2))["info"]
    assert order["origQuoteOrderQty"] == "200.00000000"
    assert order["status"] == "FILLED"
    assert Decimal(198) < Decimal(order["cummulativeQuoteQty"]) <= 200


async def test_ioc_and_fok_expire(binance: Any) -> None:
    bid, ask = await best(binance)
    below = str(bid)
    ioc = await binance.create_order("XRP/USDT", "limit", "buy", "100", below, {"timeInForce": "IOC"})
    fok = await binance.create_order("XRP/USDT", "limit", "buy", "30000", str(ask), {"timeInForce": "FOK"})
    part = await binance.create_order("XRP/USDT", "limit", "buy", "30000", str(ask), {"timeInForce": "IOC"})
    assert [o["info"]["status"] for o in (ioc, fok, part)] == ["EXPIRED"] * 3
    assert [o["info"]["executedQty"] for o in (ioc, fok)] == ["0.00000000"] * 2
    assert 0 < Decimal(part["info"]["executedQty"]) < 30_000


async def test_rest_query_and_cancel_by_client_id(binance: Any) -> None:
    bid, _ = await best(binance)
    price = str(bid - Decimal("0.1"))
    made = await binance.create_order("XRP/USDT", "limit", "buy", "100", price, {"clientOrderId": "same"})
    with pytest.raises(ccxt.InvalidOrder, match="Duplicate order sent"):
        await binance.create_order("XRP/USDT", "limit", "buy", "100", price, {"clientOrderId": "same"})
    assert [o["id"] for o in await binance.fetch_open_orders("XRP/USDT")] == [made["id"]]
    found = await binance.fetch_order(None, "XRP/USDT", {"clientOrderId": "same"})
    assert (found["id"], found["status"]) == (made["id"], "open")
    cancelled = await binance.cancel_order(None, "XRP/USDT", {"clientOrderId": "same"})
    assert (cancelled["info"]["status"], cancelled["info"]["origClientOrderId"]) == ("CANCELED", "same")
    # Free again once its order is closed: the same id makes a second order.
    again = await binance.create_order("XRP/USDT", "market", "buy", "10", None, {"clientOrderId": "same"})
    assert again["id"] != made["id"]
    assert (await binance.fetch_order(None, "XRP/USDT", {"clientOrderId": "same"}))["id"] == again["id"]
    assert [o["id"] for o in await binance.fetch_orders("XRP/USDT")] == [made["id"], again["id"]]
    with pytest.raises(ccxt.OrderNotFound):
        await binance.cancel_order(made["id"], "XRP/USDT")
    with pytest.raises(ccxt.OrderNotFound):
        await binance.fetch_order(None, "XRP/USDT", {"clientOrderId": "never"})


async def test_resting_sell_is_filled_at_its_price_as_a_maker(binance: Any, paper: PaperExchange) -> None:
    _, ask = await best(binance)
    made = await binance.create_order("XRP/USDT", "limit", "sell", "100", str(ask + Decimal("0.0050")))
    with pytest.raises(ccxt.InvalidOrder, match="immediately match"):
        await binance.private_post_order(
            {"symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT_MAKER", "quantity": "10", "price": str(ask)}
        )
    paper.world.desks[Venue.BINANCE].refresh("XRPUSDT", ask + Decimal("0.0060"), ask + Decimal("0.0061"))
    trades = await binance.fetch_my_trades("XRP/USDT")
    assert (await binance.fetch_order(made["id"], "XRP/USDT"))["status"] == "closed"
    assert {(t["price"], t["takerOrMaker"]) for t in trades} == {(float(ask + Decimal("0.0050")), "maker")}


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"price": "2.20005"}, ccxt.InvalidOrder, "PRICE_FILTER"),
        ({"price": "0.2"}, ccxt.InvalidOrder, "PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "10.05"}, ccxt.InvalidOrder, "LOT_SIZE"),
        ({"quantity": "2"}, ccxt.BadRequest, "NOTIONAL"),
        ({"quantity": "10.123456789"}, ccxt.BadRequest, "too much precision"),
        ({"quantity": "90000"}, ccxt.InsufficientFunds, "insufficient balance"),
        ({"side": "SELL", "quantity": "10000.1"}, ccxt.InsufficientFunds, "insufficient balance"),
        ({"symbol": "NOPEUSDT"}, ccxt.BadSymbol, "Invalid symbol"),
        ({"timeInForce": ""}, ccxt.BadRequest, "timeInForce"),
        ({"newClientOrderId": "a b"}, ccxt.BadRequest, "Illegal characters"),
    ],
)
async def test_refusals(
    binance: Any, paper: PaperExchange, change: dict[str, str], error: type[Exception], text: str
) -> None:
    request = {
        "symbol": "XRPUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "10",
        "price": "2.2",
    }
    before = paper.world.accounts[Venue.BINANCE].all()
    with pytest.raises(error, match=text):
        await binance.private_post_order(request | change)
    assert paper.world.accounts[Venue.BINANCE].all() == before


async def test_dry_run(binance: Any, paper: PaperExchange) -> None:
    await binance.create_order("XRP/USDT", "limit", "buy", "10", "2.2", {"test": True})
    assert not paper.world.desks[Venue.BINANCE].orders


async def signed(paper: PaperExchange, http: Http, query: str, key: str = "paper-binance-secret") -> Any:
    signature = hmac.new(key.encode(), query.encode(), hashlib.sha256).hexdigest()
    url = f"http://127.0.0.1:{paper.binance_port}/api/v3/account?{query}&signature={signature}"
    async with http.get(url, headers={"X-MBX-APIKEY": "paper-binance"}) as response:
        assert "X-MBX-USED-WEIGHT-1M" in response.headers
        return response.status, (await response.json()).get("code")


async def test_signature_and_both_edges_of_the_window(paper: PaperExchange, http: Http) -> None:
    now = int(time.time() * 1000)
    assert await signed(paper, http, f"timestamp={now}") == (200, None)
    assert await signed(paper, http, f"timestamp={now}", key="wrong") == (400, -1022)
    assert await signed(paper, http, f"recvWindow=1000&timestamp={now - 3000}") == (400, -1021)
    assert await signed(paper, http, f"recvWindow=60000&timestamp={now - 3000}") == (200, None)
    assert await signed(paper, http, f"timestamp={now - 6000}") == (400, -1021)
    assert await signed(paper, http, f"timestamp={now + 3000}") == (400, -1021)
    assert await signed(paper, http, f"recvWindow=60001&timestamp={now}") == (400, -1131)
    assert await signed(paper, http, "omitZeroBalances=true") == (400, -1102)


async def test_error_classes_of_the_key(binance: Any) -> None:
    binance.secret = "wrong"  # so it shall be
    with pytest.raises(ccxt.AuthenticationError):
        await binance.private_get_account()
    binance.apiKey = "other"
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        await binance.private_get_account()
    binance.apiKey, binance.secret = "paper-binance", "paper-binance-secret"
    binance.options["timeDifference"] = 10_000
    with pytest.raises(ccxt.InvalidNonce, match="-1021"):
        await binance.private_get_account()


async def test_limits(config: PaperConfig) -> None:
    limits = RateLimits(binance_weight_1m=50, binance_orders_10s=1)
    async with PaperExchange(config.model_copy(update={"limits": limits})) as paper, aiohttp.ClientSession() as http:
        url = f"http://127.0.0.1:{paper.binance_port}/api/v3/exchangeInfo"
        for _ in range(6):  # the window may turn once in between
            async with http.get(url) as response:
                answer = await response.json()
        assert (response.status, answer["code"]) == (429, -1003)
        assert int(response.headers["Retry-After"]) > 0


async def test_rights_of_the_key_and_travel_rule(binance: Any) -> None:
    rights = await binance.sapi_get_account_apirestrictions()
    assert rights["enableWithdrawals"] is True
    # An endpoint that ccxt does not list.
    rule = await binance.request("localentity/questionnaire-requirements", ["sapi"], "GET", {})
    assert rule == {"questionnaireCountryCode": "NIL"}
