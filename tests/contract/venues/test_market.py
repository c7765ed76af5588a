"""Rules, books and balances are those of the venue, to the last digit."""

from decimal import Decimal
from typing import Any

import pytest
from contract.venues.bench import KEY, SECRET, SOL, SUI, USDT, XRP, Bench, adapter, settings_of
from fakes.intents import NEVER

from kimp.adapters.clock import SystemClock
from kimp.domain.errors import KeyRefused, Postponed
from kimp.domain.market import Side
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.paper.wallets import WalletState

COINS = (XRP, SOL, SUI, USDT)


def paper_market(bench: Bench, coin: Asset) -> Any:
    symbol = f"KRW-{coin}" if bench.venue is Venue.UPBIT else f"{coin}USDT"
    found = bench.paper.world.of(bench.venue, symbol)
    assert found is not None
    return found


async def test_instruments_are_the_venues_own(bench: Bench) -> None:
    before_ms = SystemClock().now_ms()
    rules = await bench.exchange.rules(COINS)
    assert rules.venue is bench.venue
    assert before_ms <= rules.read_ms <= SystemClock().now_ms()
    assert {i.coin for i in rules.instruments} == set(COINS) - {bench.venue.cash}
    for reported in rules.instruments:
        market = paper_market(bench, reported.coin)
        book = bench.paper.world.book(market)
        assert reported.venue is bench.venue
        assert (reported.lot, reported.taker_fee) == (market.lot, market.fee)
        assert (reported.min_notional, reported.max_notional) == (market.min_notional, market.max_notional)
        assert reported.min_quantity == market.lot
        assert reported.tick(book.ask) == market.ladder.tick(book.ask)


async def test_turnovers_are_the_venues_own(bench: Bench) -> None:
    rules = await bench.exchange.rules(COINS)
    assert {t.coin for t in rules.turnovers} == {i.coin for i in rules.instruments}
    for reported in rules.turnovers:
        tape = bench.paper.world.tape(paper_market(bench, reported.coin))
        assert reported.venue is bench.venue
        assert tape.day_quote_volume - tape.quote_volume <= reported.cash <= tape.day_quote_volume
    krw = bench.paper.config.turnover_krw
    assert (
        {reported.cash for reported in rules.turnovers} == {krw}
        if bench.venue is Venue.UPBIT
        else max(t.cash for t in rules.turnovers) < krw
    )


async def test_a_coin_that_is_not_listed_is_left_out(bench: Bench) -> None:
    rules = await bench.exchange.rules((XRP, Asset("NOPE")))
    assert [i.coin for i in rules.instruments] == [XRP]
    assert [n.coin for n in rules.networks] == [XRP]


async def test_networks_are_the_venues_own(bench: Bench) -> None:
    rules = await bench.exchange.rules(COINS)
    assert {n.coin for n in rules.networks} == set(COINS)
    for reported in rules.networks:
        chain = bench.paper.world.coins[reported.coin].network(reported.name)
        assert chain is not None
        on_upbit = bench.venue is Venue.UPBIT
        assert reported.venue is bench.venue
        assert reported.withdraw_fee == (chain.upbit_fee if on_upbit else chain.binance_fee)
        assert reported.withdraw_min == (chain.upbit_min if on_upbit else chain.binance_min)
        assert reported.withdraw_step == Decimal(1).scaleb(-chain.decimals)
        assert reported.tag_required == chain.tag_required
        assert reported.withdraw_open
        assert reported.deposit_open
        assert reported == await bench.exchange.network(reported.coin)


@pytest.mark.parametrize("state", list(WalletState))
async def test_a_wallets_state_is_read_every_time(bench: Bench, state: WalletState) -> None:
    assert (await bench.exchange.network(SUI)).withdraw_open
    bench.paper.world.wallets.set(bench.venue, SUI, state)
    reported = await bench.exchange.network(SUI)
    assert (reported.withdraw_open, reported.deposit_open) == (state.sends, state.takes)
    (listed,) = (await bench.exchange.rules((SUI,))).networks
    assert listed == reported
    assert (await bench.exchange.network(XRP)).withdraw_open


async def test_a_market_is_its_book_and_its_rules(bench: Bench) -> None:
    book = bench.paper.world.book(paper_market(bench, XRP))
    asks, bids = book.levels(Side.BUY), book.levels(Side.SELL)
    before_ms = SystemClock().now_ms()
    now = await bench.exchange.market(XRP)
    quote = now.quote
    assert (quote.venue, quote.coin) == (bench.venue, XRP)
    assert (quote.ask, quote.ask_size) == (asks[0].price, asks[0].quantity)
    assert (quote.bid, quote.bid_size) == (bids[0].price, bids[0].quantity)
    assert before_ms <= quote.received_ms <= SystemClock().now_ms()
    assert not quote.crossed
    assert [now.instrument] == list((await bench.exchange.rules((XRP,))).instruments)


async def test_a_sale_asks_for_no_wallet(bench: Bench) -> None:
    """Its market must be known while the venue's wallets are away."""
    await bench.exchange.market(XRP)
    asked = {row["path"] for row in bench.journal("request")}
    assert asked
    assert not {path for path in asked if "wallet" in path or "withdraw" in path or "capital" in path}


async def test_a_coin_without_a_market_is_waited_for(bench: Bench) -> None:
    with pytest.raises(Postponed, match="no open market for NOPE"):
        await bench.exchange.market(Asset("NOPE"))


async def test_balances_are_the_accounts(bench: Bench) -> None:
    accounts = bench.paper.world.accounts[bench.venue]
    accounts.lock(XRP, Decimal("0.123456"), "test")
    reported = await bench.exchange.balances()
    assert (reported[XRP].free, reported[XRP].locked) == (accounts[XRP].free, Decimal("0.123456"))
    assert reported[bench.venue.cash].free == accounts[bench.venue.cash].free
    assert {a: held.free for a, held in reported.items() if held.free} == {a: b.free for a, b in accounts.all().items()}


async def test_deposit_addresses_are_the_venues_own(bench: Bench) -> None:
    for coin, network in ((XRP, "XRP"), (SOL, "SOL"), (USDT, "TRX")):
        own = bench.paper.world.addresses.of(bench.venue, coin, network)
        assert own is not None
        reported = await bench.exchange.deposit_address(coin)
        assert (reported.network, reported.address, reported.tag) == (network, own.address, own.tag)


@pytest.mark.parametrize("wrong", ["access", "secret"])
async def test_a_wrong_key_is_refused_for_good_and_never_told(bench: Bench, wrong: str) -> None:
    forged = "forged" + "-word"
    exchange = adapter(settings_of(bench.paper, bench.venue, **{wrong: forged}), bench.venue)
    quote = (await bench.exchange.market(XRP)).quote
    withdrawal = await bench.withdrawal("50")
    if bench.venue is Venue.BINANCE:  # its wallet is read before coins leave; here it is known already
        exchange._wallets.keep(XRP, await bench.exchange.network(XRP))  # type: ignore[attr-defined]
    order = await bench.intent("XRP-1-1B1-1", Decimal(10), quote.ask)
    for call in (
        exchange.balances(),
        exchange.place_order(order, send_by_ms=NEVER),
        exchange.withdraw(withdrawal, send_by_ms=NEVER),
    ):
        with pytest.raises(KeyRefused) as refusal:
            await call
        assert refusal.value.venue == bench.venue
        for private in (forged, KEY[bench.venue], SECRET[bench.venue], "signature"):
            assert private not in str(refusal.value)
    await exchange.close()
    assert not bench.paper.world.desks[bench.venue].orders
    assert not bench.paper.world.transfers.withdrawals
