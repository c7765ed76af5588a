"""Immediate orders: what the adapter tells of an order is what the paper exchange journalled of it."""

import asyncio
from collections import defaultdict
from decimal import Decimal

import pytest
from contract.venues.bench import XRP, Bench
from fakes.intents import NEVER

from kimp.domain.errors import OutcomeUnknown, Rejected
from kimp.domain.market import Fill, Instrument, Side
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue
from kimp.ports.exchange import VenueOrder

NAME = "XRP-1-1B1-1"


async def instrument(bench: Bench) -> Instrument:
    return (await bench.exchange.rules((XRP,))).instruments[0]


def changes(bench: Bench, fills: tuple[Fill, ...], side: Side) -> dict[Asset, Decimal]:
    """What the fills must have done to the holdings."""
    sign = 1 if side is Side.BUY else -1
    moved: defaultdict[Asset, Decimal] = defaultdict(Decimal)
    for fill in fills:
        moved[XRP] += sign * fill.quantity
        moved[bench.venue.cash] -= sign * fill.price * fill.quantity
        moved[fill.fee_asset] -= fill.fee
    return dict(moved)


def assert_journalled(bench: Bench, order: VenueOrder, name: str = NAME) -> None:
    """The same trades in the same order, and the same fee to the last digit.

    Upbit tells the fee of the whole order only, so single fees are compared on Binance.
    """
    booked = bench.journal("fill", client_id=name)
    assert [(f.price, f.quantity) for f in order.fills] == [
        (Decimal(row["price"]), Decimal(row["quantity"])) for row in booked
    ]
    assert sum((f.fee for f in order.fills), ZERO) == sum((Decimal(row["fee"]) for row in booked), ZERO)
    assert [f.fee_asset for f in order.fills] == [row["fee_asset"] for row in booked]
    if bench.venue is Venue.BINANCE:
        assert [f.fee for f in order.fills] == [Decimal(row["fee"]) for row in booked]
    assert len({f.trade_id for f in order.fills}) == len(order.fills)


@pytest.mark.parametrize("side", list(Side))
async def test_an_order_within_the_first_level_fills_whole(bench: Bench, side: Side) -> None:
    quote, held = (await bench.exchange.market(XRP)).quote, await bench.holdings()
    price = quote.ask if side is Side.BUY else quote.bid
    order = await bench.settled(await bench.intent(NAME, Decimal("123.4"), price, side))
    assert [(f.price, f.quantity) for f in order.fills] == [(price, Decimal("123.4"))]
    assert order.fills[0].fee > ZERO
    assert_journalled(bench, order)
    after = await bench.holdings()
    assert {a: after[a] - held[a] for a in held if after[a] != held[a]} == changes(bench, order.fills, side)


@pytest.mark.parametrize("side", list(Side))
async def test_an_order_takes_several_levels_within_its_limit(bench: Bench, side: Side) -> None:
    market, quote, held = await instrument(bench), (await bench.exchange.market(XRP)).quote, await bench.holdings()
    touch, size = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
    step = market.tick(touch) * (1 if side is Side.BUY else -1)
    rest = 10 + 7 * market.lot  # on Upbit so fine that the whole fee does not divide evenly
    order = await bench.settled(await bench.intent(NAME, size + rest, touch + 2 * step, side))
    assert [(f.price, f.quantity) for f in order.fills] == [(touch, size), (touch + step, rest)]
    assert_journalled(bench, order)
    after = await bench.holdings()
    assert {a: after[a] - held[a] for a in held if after[a] != held[a]} == changes(bench, order.fills, side)


async def test_what_the_limit_does_not_reach_is_not_filled(bench: Bench) -> None:
    quote, held = (await bench.exchange.market(XRP)).quote, await bench.holdings()
    order = await bench.settled(await bench.intent(NAME, quote.ask_size + 100, quote.ask))
    assert [(f.price, f.quantity) for f in order.fills] == [(quote.ask, quote.ask_size)]
    assert_journalled(bench, order)
    after = await bench.holdings()
    assert {a: after[a] - held[a] for a in held if after[a] != held[a]} == changes(bench, order.fills, Side.BUY)
    assert all(balance.locked == ZERO for balance in (await bench.exchange.balances()).values())


async def test_an_order_beside_the_market_closes_without_a_fill(bench: Bench) -> None:
    quote, held = (await bench.exchange.market(XRP)).quote, await bench.holdings()
    order = await bench.settled(await bench.intent(NAME, Decimal(100), quote.bid))
    assert (order.closed, order.fills) == (True, ())
    assert bench.journal("fill") == []
    assert await bench.holdings() == held


async def test_a_look_up_tells_the_order_that_was_placed(bench: Bench) -> None:
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent(NAME, Decimal(100), quote.ask)
    placed = await bench.exchange.place_order(intent, send_by_ms=NEVER)
    settled = await bench.settled(await bench.intent("XRP-2-1B1-1", Decimal(200), quote.ask))
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert found.closed
    assert found.venue_order_id == placed.venue_order_id != settled.venue_order_id
    assert sum(f.quantity for f in found.fills) == 100
    assert found.fills == placed.fills or not placed.closed, "a final answer stays as it was"
    (booked,) = bench.journal("order", client_id=NAME)
    assert 0 < Decimal(booked["bid"]) < Decimal(booked["ask"]), "its market's best prices at that moment"
    assert found.venue_order_id == str(booked["order" if bench.venue is Venue.UPBIT else "number"])


async def test_an_id_that_the_venue_does_not_know(bench: Bench) -> None:
    assert await bench.exchange.find_order(XRP, NAME) is None


async def test_a_client_id_of_an_open_order_is_no_second_order(bench: Bench) -> None:
    """Nor a refusal: the first one may be the answer that was lost, so the outcome is to be looked up."""
    quote = (await bench.exchange.market(XRP)).quote
    await wait_in_the_book(bench, NAME, quote.bid)
    with pytest.raises(OutcomeUnknown) as doubt:
        await bench.exchange.place_order(await bench.intent(NAME, Decimal(100), quote.ask), send_by_ms=NEVER)
    assert doubt.value.code == ("duplicated_identifier" if bench.venue is Venue.UPBIT else "-2010")
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert (found.closed, found.fills) == (False, ())
    assert len(bench.journal("order")) == 1
    assert bench.journal("fill") == []


async def wait_in_the_book(bench: Bench, name: str, price: Decimal) -> None:
    """An order that waits in the book, which no adapter places: through the adapter's own client."""
    api = bench.exchange._api  # type: ignore[attr-defined]
    if bench.venue is Venue.UPBIT:
        order = {"market": "KRW-XRP", "side": "bid", "ord_type": "limit", "volume": "100", "price": str(price)}
        await api.private_post_orders({**order, "identifier": name})
    else:
        order = {"symbol": "XRPUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "100"}
        await api.private_post_order({**order, "price": str(price), "newClientOrderId": name})


async def test_a_client_id_of_a_closed_order(bench: Bench) -> None:
    """Upbit burns it for ever; Binance takes it again, which is why the journal and no venue decides."""
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent(NAME, Decimal(100), quote.ask)
    first = await bench.settled(intent)
    if bench.venue is Venue.UPBIT:
        with pytest.raises(OutcomeUnknown):
            await bench.exchange.place_order(intent, send_by_ms=NEVER)
        assert await bench.exchange.find_order(XRP, NAME) == first
        assert len(bench.journal("order")) == 1
    else:
        assert (await bench.exchange.place_order(intent, send_by_ms=NEVER)).venue_order_id != first.venue_order_id
        assert len(bench.journal("order")) == 2


async def test_the_same_id_sent_five_times_at_once(bench: Bench) -> None:
    """Upbit takes one. Binance compares with open orders only, and immediate ones are closed at once: it takes all."""
    intent = await bench.intent(NAME, Decimal(100), (await bench.exchange.market(XRP)).quote.ask)
    answers = await asyncio.gather(
        *(bench.exchange.place_order(intent, send_by_ms=NEVER) for _ in range(5)), return_exceptions=True
    )
    accepted = 1 if bench.venue is Venue.UPBIT else 5
    assert [type(answer) for answer in answers].count(VenueOrder) == accepted == len(bench.journal("order"))
    assert [type(answer) for answer in answers].count(OutcomeUnknown) == 5 - accepted


async def refusals(bench: Bench, what: str) -> tuple[Decimal, Decimal, Side, str]:
    """Quantity, price, side, and the venue's code."""
    quote, market = (await bench.exchange.market(XRP)).quote, await instrument(bench)
    upbit = bench.venue is Venue.UPBIT
    cash = (await bench.holdings())[bench.venue.cash]
    if what == "cash":
        return (cash / quote.ask * 2).quantize(Decimal(1)), quote.ask, Side.BUY, (
            "insufficient_funds_bid" if upbit else "-2010"
        )  # fmt: skip
    if what == "coins":
        return Decimal(30_000), quote.bid, Side.SELL, "insufficient_funds_ask" if upbit else "-2010"
    if what == "tick":
        off = quote.ask + market.tick(quote.ask) / 2
        return Decimal(100), off, Side.BUY, "invalid_price_bid" if upbit else "-1013"
    return Decimal(1), quote.ask, Side.BUY, "under_min_total_bid" if upbit else "-1013"


@pytest.mark.parametrize("what", ["cash", "coins", "tick", "minimum"])
async def test_a_refusal_is_definite_and_nothing_happened(bench: Bench, what: str) -> None:
    held = await bench.holdings()
    quantity, price, side, code = await refusals(bench, what)
    with pytest.raises(Rejected) as refusal:
        await bench.exchange.place_order(await bench.intent(NAME, quantity, price, side), send_by_ms=NEVER)
    assert (type(refusal.value), refusal.value.code) == (Rejected, code)
    assert await bench.exchange.find_order(XRP, NAME) is None
    assert bench.journal("order") == []
    assert await bench.holdings() == held
