"""Upbit's orders through ccxt."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kimp.domain.venues import Venue
from kimp.paper.server import PaperExchange


def info(order: Any) -> dict[str, Any]:
    return order["info"]  # type: ignore[no-any-return]


async def best(upbit: Any, symbol: str = "XRP/KRW") -> tuple[int, int]:
    book = await upbit.fetch_order_book(symbol, 1)
    return int(book["bids"][0][0]), int(book["asks"][0][0])


async def test_market_buy_ends_cancelled_with_the_change_returned(upbit: Any) -> None:
    made = await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": 1_000_000, "clientOrderId": "k-1"})
    assert info(made)["state"] == "wait"
    assert info(made)["locked"] == "1000500"
    order = info(await upbit.fetch_order(made["id"]))
    trades = order["trades"]
    funds = sum(Decimal(trade["funds"]) for trade in trades)
    assert order["state"] == "cancel"
    assert order["price"] == "1000000"
    assert order["volume"] is None
    assert order["remaining_volume"] is None
    assert sum(Decimal(t["volume"]) for t in trades) == Decimal(order["executed_volume"]) > 0
    assert Decimal(1_000_000) - Decimal("0.01") < funds < Decimal(1_000_000)
    assert Decimal(order["paid_fee"]) == sum(
        (Decimal(t["funds"]) * Decimal("0.0005")).quantize(Decimal("1e-8"), "ROUND_FLOOR") for t in trades
    )
    krw = next(row for row in await upbit.private_get_accounts() if row["currency"] == "KRW")
    assert Decimal(krw["balance"]) == Decimal(100_000_000) - funds - Decimal(order["paid_fee"])
    assert krw["locked"] == "0"


async def test_market_buy_that_divides_exactly_is_done(upbit: Any) -> None:
    _, ask = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": ask * 10})
    assert info(await upbit.fetch_order(made["id"]))["state"] == "done"


async def test_market_sell(upbit: Any) -> None:
    made = await upbit.create_order("XRP/KRW", "market", "sell", "100")
    order = info(await upbit.fetch_order(made["id"]))
    assert (order["state"], order["executed_volume"], order["price"]) == ("done", "100", None)
    assert all(trade["side"] == "ask" for trade in order["trades"])


async def test_ioc_fills_what_is_there_and_cancels_the_rest(upbit: Any) -> None:
    _, ask = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "20000", ask, {"timeInForce": "IOC"})
    order = info(await upbit.fetch_order(made["id"]))
    assert order["state"] == "cancel"
    assert 0 < Decimal(order["executed_volume"]) < 20_000
    assert Decimal(order["remaining_volume"]) + Decimal(order["executed_volume"]) == 20_000
    assert order["locked"] == "0"
    _, deeper = await best(upbit)
    assert deeper > ask


async def test_fok_takes_all_or_nothing(upbit: Any) -> None:
    _, ask = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "20000", ask, {"timeInForce": "FOK"})
    order = info(await upbit.fetch_order(made["id"]))
    assert (order["state"], order["executed_volume"], order["trades"]) == ("cancel", "0", [])
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "10", ask, {"timeInForce": "FOK"})
    assert info(await upbit.fetch_order(made["id"]))["state"] == "done"


async def test_best_order_takes_one_level_only(upbit: Any) -> None:
    _, ask = await best(upbit)
    made = await upbit.create_order(
        "XRP/KRW", "market", "buy", 1, None, {"ordType": "best", "timeInForce": "ioc", "cost": 90_000_000}
    )
    order = info(await upbit.fetch_order(made["id"]))
    assert order["state"] == "cancel"
    assert {trade["price"] for trade in order["trades"]} == {str(ask)}


async def test_limit_rests_locks_and_is_cancelled_by_either_id(upbit: Any) -> None:
    bid, _ = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid - 50, {"clientOrderId": "rest-1"})
    assert [order["id"] for order in await upbit.fetch_open_orders("XRP/KRW")] == [made["id"]]
    found = await upbit.private_get_order({"identifier": "rest-1"})
    assert (found["uuid"], found["state"], found["identifier"]) == (made["id"], "wait", "rest-1")
    expected = (bid - 50) * 100 * Decimal("1.0005")
    assert Decimal(found["locked"]) == expected
    accounts = {row["currency"]: row for row in await upbit.private_get_accounts()}
    assert Decimal(accounts["KRW"]["locked"]) == expected
    cancelled = await upbit.private_delete_order({"identifier": "rest-1"})
    assert cancelled["state"] == "wait"
    assert (await upbit.fetch_order(made["id"]))["status"] == "canceled"
    with pytest.raises(ccxt.OrderNotFound):
        await upbit.cancel_order(made["id"])
    closed = await upbit.fetch_closed_orders("XRP/KRW")
    assert closed == []
    assert [o["id"] for o in await upbit.fetch_canceled_orders("XRP/KRW")] == [made["id"]]


async def test_resting_order_is_filled_when_the_market_comes(upbit: Any, admin: Any) -> None:
    bid, _ = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid - 20)
    await admin("premium", {"coin": "XRP", "premium": "-0.02", "seconds": 60})
    order = info(await upbit.fetch_order(made["id"]))
    assert (order["state"], order["executed_volume"]) == ("done", "100")
    assert {trade["price"] for trade in order["trades"]} == {str(bid - 20)}


async def test_identifier_is_burned_for_ever_even_by_a_refused_create(upbit: Any) -> None:
    bid, _ = await best(upbit)
    with pytest.raises(ccxt.ExchangeError, match="under_min_total_bid"):
        await upbit.create_order("XRP/KRW", "limit", "buy", "1", bid, {"clientOrderId": "burned"})
    with pytest.raises(ccxt.ExchangeError, match="duplicated_identifier"):
        await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid, {"clientOrderId": "burned"})
    with pytest.raises(ccxt.OrderNotFound):
        await upbit.private_get_order({"identifier": "burned"})
    await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid - 9, {"clientOrderId": "closed"})
    await upbit.private_delete_order({"identifier": "closed"})
    with pytest.raises(ccxt.ExchangeError, match="duplicated_identifier"):
        await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid, {"clientOrderId": "closed"})


@pytest.mark.parametrize(
    ("side", "kind", "amount", "offset", "error"),
    [
        ("buy", "limit", "100", Decimal("0.5"), "invalid_price_bid"),
        ("sell", "limit", "100", Decimal("0.5"), "invalid_price_ask"),
        ("buy", "limit", "1", Decimal(0), "under_min_total_bid"),
        ("sell", "limit", "1", Decimal(0), "under_min_total_ask"),
        ("buy", "limit", "90000", Decimal(0), "insufficient_funds_bid"),
        ("sell", "limit", "10001", Decimal(0), "insufficient_funds_ask"),
        ("buy", "limit", "9000000", Decimal(0), "over_krw_funds_bid"),
        ("sell", "market", "1", None, "under_min_total_ask"),
    ],
)
async def test_refusals(
    upbit: Any, paper: PaperExchange, side: str, kind: str, amount: str, offset: Decimal | None, error: str
) -> None:
    bid, _ = await best(upbit)
    request = {
        "market": "KRW-XRP",
        "side": "bid" if side == "buy" else "ask",
        "ord_type": kind,
        "volume": amount,
    }
    if offset is not None:
        request["price"] = str(bid + offset)
    before = paper.world.accounts[Venue.UPBIT].all()
    with pytest.raises(ccxt.BaseError, match=error):
        await upbit.private_post_orders(request)
    assert paper.world.accounts[Venue.UPBIT].all() == before
    assert paper.world.journal.tail(1)[0]["error"] == error


async def test_insufficient_funds_class(upbit: Any) -> None:
    with pytest.raises(ccxt.InsufficientFunds):
        await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": 500_000_000})


async def test_dry_run_orders_nothing(upbit: Any, paper: PaperExchange) -> None:
    bid, _ = await best(upbit)
    made = await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid, {"test": True, "clientOrderId": "dry"})
    assert info(made)["state"] == "wait"
    assert not paper.world.desks[Venue.UPBIT].orders
    await upbit.create_order("XRP/KRW", "limit", "buy", "100", bid - 9, {"clientOrderId": "dry"})


async def test_chance_tells_fees_and_minimum(upbit: Any) -> None:
    fee = await upbit.fetch_trading_fee("XRP/KRW")
    assert fee["taker"] == 0.0005
    chance = await upbit.private_get_orders_chance({"market": "KRW-XRP"})
    assert chance["market"]["bid"]["min_total"] == "5000"
    assert chance["market"]["max_total"] == "1000000000"


async def test_several_by_uuid_with_list_parameters(upbit: Any, paper: PaperExchange, http: Any) -> None:
    """A client that signs by hand, as ccxt mangles list parameters."""
    import hashlib  # noqa: PLC0415
    import uuid  # noqa: PLC0415

    made = await upbit.create_order("XRP/KRW", "market", "sell", "100")
    query = f"uuids[]={made['id']}&uuids[]={uuid.uuid4()}"
    claims = {
        "access_key": "paper-upbit",
        "nonce": str(uuid.uuid4()),
        "query_hash": hashlib.sha512(query.encode()).hexdigest(),
        "query_hash_alg": "SHA512",
    }
    token = upbit.jwt(claims, b"paper-upbit-secret", "sha256")
    url = f"http://127.0.0.1:{paper.upbit_port}/v1/orders/uuids?{query}"
    async with http.get(url, headers={"Authorization": f"Bearer {token}"}) as response:
        assert [order["uuid"] for order in await response.json()] == [made["id"]]
