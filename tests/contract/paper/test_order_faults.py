"""Orders that meet a fault: what the venue tells of them, and that the books still add up."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest
from contract.paper.faulty import SYMBOLS, Script, conserved, injected, look_up, placed, sell

from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange

VENUES = ["upbit", "binance"]


@pytest.fixture
def config(config: PaperConfig) -> PaperConfig:
    """With a few BNB to pay fees in."""
    return config.model_copy(update={"binance_balances": config.binance_balances | {"BNB": Decimal(1)}})


async def limit(client: Any, paper: PaperExchange, side: str, client_id: str, slack: int = 5) -> Any:
    """100 XRP at once, at most some steps worse than the best price."""
    venue, symbol = (Venue.UPBIT, "KRW-XRP") if client.id == "upbit" else (Venue.BINANCE, "XRPUSDT")
    instrument = paper.world.instruments[venue, symbol]
    book = paper.world.book(instrument)
    price = book.ask if side == "buy" else book.bid
    for _ in range(slack):
        price = instrument.ladder.next_up(price) if side == "buy" else instrument.ladder.next_down(price)
    params = {"clientOrderId": client_id, "timeInForce": "IOC"}
    await client.create_order(SYMBOLS[client.id], "limit", side, "100", str(price), params)
    return price


def fills(paper: PaperExchange, client_id: str) -> list[dict[str, Any]]:
    return [e for e in paper.world.journal.tail(1_000, "fill") if e["client_id"] == client_id]


def fee_rate(paper: PaperExchange, client_id: str) -> Decimal:
    """Of its first fill, per coin: good for comparing two at nearly the same price."""
    first = fills(paper, client_id)[0]
    return Decimal(first["fee"]) / Decimal(first["quantity"])


def executed(shown: Any) -> Decimal:
    return Decimal(shown.get("executed_volume") or shown.get("executedQty"))


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "invalid_price_ask"), ("binance", "PERCENT_PRICE_BY_SIDE")])
async def test_refused_by_a_filter(clients: Any, script: Script, paper: PaperExchange, venue: str, seen: str) -> None:
    await script("order_refused", venue)
    with pytest.raises(ccxt.BaseError, match=seen):
        await sell(clients[venue], "one")
    with pytest.raises(ccxt.OrderNotFound):
        await look_up(clients[venue], "one")
    await sell(clients[venue], "two")
    assert placed(paper) == ["two"]


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "market_offline"), ("binance", "Market is closed")])
async def test_a_market_that_is_halted_for_a_while(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str, seen: str
) -> None:
    client = clients[venue]
    await script("market_halted", venue, seconds=2.0)
    for name in ("one", "two"):
        with pytest.raises(ccxt.BaseError, match=seen):
            await sell(client, name)
    other = "USDT/KRW" if venue == "upbit" else "SOL/USDT"
    await client.create_order(other, "limit", "buy", "10", "1400" if venue == "upbit" else "100")
    if venue == "upbit":
        test = {"market": "KRW-XRP", "side": "ask", "ord_type": "market", "volume": "10"}
        with pytest.raises(ccxt.BaseError, match=seen):
            await client.private_post_orders_test(test)
    desk = paper.world.desks[Venue(venue)]

    async def trading() -> bool:
        return not desk.halted("KRW-XRP" if venue == "upbit" else "XRPUSDT")

    await eventually(trading)
    await sell(client, "three")
    assert placed(paper)[-1] == "three"
    assert len(injected(paper)) == 1


@pytest.mark.parametrize("venue", VENUES)
async def test_expired_by_the_venue_without_a_fill(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, venue: str
) -> None:
    await script("order_expired", venue)
    await limit(clients[venue], paper, "buy", "one")
    shown = await look_up(clients[venue], "one")
    assert (shown.get("state"), shown.get("status")) == (("cancel", None) if venue == "upbit" else (None, "EXPIRED"))
    assert executed(shown) == 0
    assert not fills(paper, "one")
    await conserved(admin)
    assert all(balance.locked == 0 for balance in paper.world.accounts[Venue(venue)].all().values())


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_filled_at_the_limit(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, venue: str, side: str
) -> None:
    await script("worse_price", venue)
    price = await limit(clients[venue], paper, side, "one")
    assert [(Decimal(f["price"]), Decimal(f["quantity"])) for f in fills(paper, "one")] == [(price, Decimal(100))]
    shown = await look_up(clients[venue], "one")
    assert executed(shown) == 100
    assert "done" in shown.values() or "FILLED" in shown.values()
    await conserved(admin)


async def test_a_price_cannot_be_worse_than_one_that_is_at_the_limit(
    clients: Any, script: Script, paper: PaperExchange
) -> None:
    await script("worse_price", "binance")
    await limit(clients["binance"], paper, "buy", "one", slack=0)
    await sell(clients["binance"], "market-order")
    assert injected(paper) == []
    await limit(clients["binance"], paper, "buy", "two")
    assert injected(paper) == [("binance", "worse_price")]


@pytest.mark.parametrize("venue", VENUES)
@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_twice_the_published_fee(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, venue: str, side: str
) -> None:
    await limit(clients[venue], paper, side, "usual")
    await script("double_fee", venue)
    await limit(clients[venue], paper, side, "dear")
    usual, dear = fee_rate(paper, "usual"), fee_rate(paper, "dear")
    assert Decimal("1.99") < dear / usual < Decimal("2.01")
    await conserved(admin)
    assert all(balance.locked == 0 for balance in paper.world.accounts[Venue(venue)].all().values())


@pytest.mark.parametrize("side", ["buy", "sell"])
async def test_a_fee_in_bnb(clients: Any, script: Script, paper: PaperExchange, admin: Any, side: str) -> None:
    held = paper.world.accounts[Venue.BINANCE]["BNB"].free
    await script("fee_in_bnb", "binance")
    await limit(clients["binance"], paper, side, "one")
    booked = fills(paper, "one")
    assert {f["fee_asset"] for f in booked} == {"BNB"}
    paid = sum(Decimal(f["fee"]) for f in booked)
    funds = sum(Decimal(f["price"]) * Decimal(f["quantity"]) for f in booked)
    assert abs(paid * 600 - funds * Decimal("0.00075")) < Decimal("0.0001")
    assert paper.world.accounts[Venue.BINANCE]["BNB"].free == held - paid
    trades = await clients["binance"].private_get_mytrades({"symbol": "XRPUSDT"})
    assert {(t["commissionAsset"], Decimal(t["commission"])) for t in trades} == {
        ("BNB", Decimal(f["fee"])) for f in booked
    }
    await conserved(admin)


async def test_no_fee_in_bnb_without_bnb(clients: Any, script: Script, paper: PaperExchange) -> None:
    paper.world.accounts[Venue.BINANCE].lock("BNB", Decimal(1), "test")
    await script("fee_in_bnb", "binance")
    await limit(clients["binance"], paper, "buy", "one")
    assert {f["fee_asset"] for f in fills(paper, "one")} == {"XRP"}
    assert injected(paper) == []


@pytest.mark.parametrize("venue", VENUES)
async def test_a_look_up_that_lags_behind(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str
) -> None:
    """Filled long ago, and still shown as it was accepted; the lists agree with the single answer."""
    client = clients[venue]
    await script("stale_order", venue, seconds=2.0)
    await limit(client, paper, "buy", "one")
    assert fills(paper, "one")
    shown = await look_up(client, "one")
    assert executed(shown) == 0
    assert "wait" in shown.values() or "NEW" in shown.values()
    assert shown.get("trades", []) == []
    if venue == "binance":
        assert await client.private_get_mytrades({"symbol": "XRPUSDT"}) == []
        assert {row["status"] for row in await client.private_get_allorders({"symbol": "XRPUSDT"})} == {"NEW"}
    else:
        assert await client.private_get_orders_closed({"market": "KRW-XRP"}) == []

    async def reported() -> Any:
        return executed(await look_up(client, "one")) == 100

    await eventually(reported)


@pytest.mark.parametrize("venue", VENUES)
async def test_trades_that_come_behind_the_order(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str
) -> None:
    client = clients[venue]
    await script("trades_lag", venue, seconds=2.0)
    await limit(client, paper, "buy", "one")

    async def trades() -> Any:
        if venue == "upbit":
            return (await look_up(client, "one"))["trades"]
        number = (await look_up(client, "one"))["orderId"]
        return await client.private_get_mytrades({"symbol": "XRPUSDT", "orderId": number})

    booked = fills(paper, "one")
    assert executed(await look_up(client, "one")) == 100
    assert len(await trades()) == len(booked) - 1

    async def complete() -> Any:
        return len(await trades()) == len(booked)

    await eventually(complete)


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "market_not_permitted"), ("binance", "not permitted for this")])
async def test_a_market_that_the_account_may_not_trade(
    clients: Any, script: Script, paper: PaperExchange, venue: str, seen: str
) -> None:
    await script("not_permitted", venue, seconds=60)
    for name in ("one", "two"):
        with pytest.raises(ccxt.BaseError, match=seen):
            await sell(clients[venue], name)
    other = "USDT/KRW" if venue == "upbit" else "SOL/USDT"
    await clients[venue].create_order(other, "limit", "buy", "10", "1400" if venue == "upbit" else "100")
    assert len(placed(paper)) == 1


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "duplicated_identifier"), ("binance", "Duplicate order sent")])
async def test_another_program_s_order_of_the_same_name(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, venue: str, seen: str
) -> None:
    await script("foreign_order", venue)
    with pytest.raises(ccxt.BaseError, match=seen):
        await limit(clients[venue], paper, "buy", "one")
    shown = await look_up(clients[venue], "one")
    assert Decimal(shown.get("volume") or shown.get("origQty")) == 50
    assert executed(shown) == 0
    assert placed(paper) == []
    await conserved(admin)


async def test_more_fills_than_a_page_lists(clients: Any, script: Script, paper: PaperExchange, admin: Any) -> None:
    """Binance: the latest 500, or from an id on the oldest."""
    await script("many_fills", "binance")
    await limit(clients["binance"], paper, "buy", "one")
    binance, number = clients["binance"], (await look_up(clients["binance"], "one"))["orderId"]
    query = {"symbol": "XRPUSDT", "orderId": number}
    latest = await binance.private_get_mytrades(query)
    oldest = await binance.private_get_mytrades(query | {"fromId": 0})
    whole = await binance.private_get_mytrades(query | {"limit": 1000})
    assert (len(latest), len(oldest)) == (500, 500)
    assert len(whole) >= 600
    assert (latest[-1]["id"], oldest[0]["id"]) == (whole[-1]["id"], whole[0]["id"])
    assert sum(Decimal(trade["qty"]) for trade in whole) == 100
    await conserved(admin)


async def test_upbit_tells_all_fills_of_an_order_at_once(clients: Any, script: Script, paper: PaperExchange) -> None:
    await script("many_fills", "upbit")
    await limit(clients["upbit"], paper, "buy", "one")
    shown = await look_up(clients["upbit"], "one")
    assert len(shown["trades"]) == int(shown["trades_count"]) == len(fills(paper, "one")) >= 600
