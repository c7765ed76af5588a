"""What kimp's adapters make of faults that the paper exchange meets a request, an order, a transfer with."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from decimal import Decimal

import pytest
from contract.venues.bench import XRP, Answering, Bench, adapter, eventually, first_deposit, settings_of
from fakes.intents import NEVER

from kimp.contracts.transfers import TransferState
from kimp.domain.errors import KeyRefused, OutcomeUnknown, Rejected, Unavailable, VenueError
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.config import PaperConfig
from kimp.paper.faults.kinds import ONLY_ON, FaultKind
from kimp.paper.faults.plan import ScriptedFault
from kimp.paper.server import PaperExchange
from kimp.ports.exchange import VenueDeposit, VenueOrder

K = FaultKind
NAME = "XRP-1-1B1-1"
NOT_EXECUTED = [K.BAN_TEXT, K.OVERLOADED, K.RATE_LIMIT, K.CLOCK_SKEW]
PROVES_NOTHING = [
    K.WAF_403, K.REDIRECT, K.REDIRECT_AFTER, K.UNEXPECTED_RESPONSE, K.NONCE_USED, K.GARBLED_ANSWER, K.TRUNCATED_ANSWER,
    K.LOST_ANSWER,
]  # fmt: skip


def fault(
    bench: Bench, kind: FaultKind, route: str = "*", seconds: float | None = None, venue: Venue | None = None
) -> None:
    """The next one that matches, at the venue under test."""
    scripted = ScriptedFault(kind=kind, venue=venue or bench.venue, route=route, seconds=seconds)
    bench.paper.world.faults.injector.script((scripted,))


def counts(bench: Bench) -> dict[FaultKind, int]:
    return dict(bench.paper.world.faults.injector.counts)


def at_their_venues(kinds: Iterable[FaultKind]) -> list[tuple[Venue, FaultKind]]:
    """Each at every venue that knows it."""
    return [(venue, kind) for kind in kinds for venue in PAIR if ONLY_ON.get(kind, venue) is venue]


async def buy(bench: Bench, name: str = NAME, steps: int = 0) -> VenueOrder:
    """100 XRP, at most so many steps dearer than the best price."""
    quote = (await bench.exchange.market(XRP)).quote
    step = Decimal(1) if bench.venue is Venue.UPBIT else Decimal("0.0001")
    return await bench.exchange.place_order(
        await bench.intent(name, Decimal(100), quote.ask + steps * step), send_by_ms=NEVER
    )


@pytest.mark.parametrize(("venue", "kind"), at_their_venues(NOT_EXECUTED))
async def test_nothing_was_executed(bench: Bench, kind: FaultKind) -> None:
    await bench.exchange.market(XRP)
    fault(bench, kind, "POST *")
    with pytest.raises(Unavailable) as refusal:
        await buy(bench)
    assert refusal.value.retry_after
    assert bench.journal("order") == []
    assert counts(bench) == {kind: 1}


@pytest.mark.parametrize(("venue", "kind"), at_their_venues(PROVES_NOTHING))
async def test_nothing_is_proved_and_a_look_up_tells(bench: Bench, kind: FaultKind) -> None:
    fault(bench, kind, "POST *")
    with pytest.raises(OutcomeUnknown):
        await buy(bench)
    found = await bench.exchange.find_order(XRP, NAME)
    assert (found is not None) == (kind not in {K.WAF_403, K.REDIRECT}) == (len(bench.journal("order")) == 1)
    if kind is not K.LOST_ANSWER:  # a read on a connection that was reset is asked once more, by aiohttp itself
        fault(bench, kind, "GET *")
        with pytest.raises(Unavailable):
            await bench.exchange.balances()


async def test_a_page_of_a_firewall_is_told_in_one_short_line(bench: Bench) -> None:
    fault(bench, K.WAF_403)
    with pytest.raises(VenueError) as refusal:
        await bench.exchange.balances()
    assert "\n" not in str(refusal.value)
    assert refusal.value.code == "HTTP 403"


async def test_maintenance_passes(bench: Bench) -> None:
    """Upbit says so itself; a 503 of Binance leaves an order open, as every 5xx does."""
    quote = (await bench.exchange.market(XRP)).quote
    intent = await bench.intent(NAME, Decimal(100), quote.ask)
    fault(bench, K.MAINTENANCE, seconds=60)
    with pytest.raises(Unavailable):
        await bench.exchange.balances()
    with pytest.raises(Unavailable if bench.venue is Venue.UPBIT else OutcomeUnknown):
        await bench.exchange.place_order(intent, send_by_ms=NEVER)
    for read in (bench.exchange.find_order(XRP, NAME), bench.exchange.network(XRP), bench.exchange.rules([XRP])):
        with pytest.raises(Unavailable):
            await read
    assert bench.journal("order") == []


async def test_an_expired_key_is_refused_and_may_be_renewed(bench: Bench) -> None:
    known = (await bench.exchange.market(XRP)).instrument
    fault(bench, K.KEY_EXPIRED, seconds=1.0)
    with pytest.raises(KeyRefused):
        await bench.exchange.balances()
    intent = await bench.intent(NAME, Decimal(100), Decimal(3_000))
    with pytest.raises(KeyRefused):
        await bench.exchange.place_order(intent, send_by_ms=NEVER)
    assert (await bench.exchange.market(XRP)).instrument == known

    async def renewed() -> bool:
        try:
            return bool(await bench.exchange.balances())
        except KeyRefused:
            return False

    await eventually(renewed)


@pytest.mark.parametrize("venue", [Venue.UPBIT])
async def test_a_locked_key_shows_in_the_wallet_and_refuses(bench: Bench) -> None:
    withdrawal = await bench.withdrawal("50")
    fault(bench, K.KEY_LOCKED, seconds=60)
    await bench.exchange.balances()
    with pytest.raises(KeyRefused):
        await bench.exchange.withdraw(withdrawal, send_by_ms=NEVER)
    fresh = adapter(settings_of(bench.paper, bench.venue), bench.venue)
    assert not (await fresh.network(XRP)).withdraw_open
    await fresh.close()


@pytest.mark.parametrize("kind", [K.FOREIGN_ADDRESS, K.FOREIGN_TAG])
async def test_a_poisoned_answer_is_another_place(bench: Bench, kind: FaultKind) -> None:
    own, listed = await bench.exchange.deposit_address(XRP), await bench.exchange.registered_addresses(XRP)
    fault(bench, kind)
    assert await bench.exchange.deposit_address(XRP) != own
    fault(bench, kind)
    assert await bench.exchange.registered_addresses(XRP) != listed
    assert await bench.exchange.deposit_address(XRP) == own


async def test_a_filter_refuses_for_certain(bench: Bench) -> None:
    fault(bench, K.ORDER_REFUSED)
    with pytest.raises(Rejected):
        await buy(bench)
    assert bench.journal("order") == []


async def test_a_halted_market(bench: Bench) -> None:
    """Binance lists it no longer, Upbit only refuses its orders."""
    fault(bench, K.MARKET_HALTED, seconds=60)
    with pytest.raises(Unavailable):
        await buy(bench)
    listed = [instrument.coin for instrument in (await bench.exchange.rules([XRP, Asset("SOL")])).instruments]
    assert listed == (["XRP", "SOL"] if bench.venue is Venue.UPBIT else ["SOL"])


async def test_an_order_that_the_venue_expires_is_closed_without_fills(bench: Bench) -> None:
    fault(bench, K.ORDER_EXPIRED)
    await buy(bench)
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert (found.closed, found.fills) == (True, ())


async def test_a_fill_at_the_limit_is_told_at_that_price(bench: Bench) -> None:
    fault(bench, K.WORSE_PRICE)
    await buy(bench, steps=5)
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    (order,) = bench.journal("order")
    assert [f.price for f in found.fills] == [Decimal(order["limit"])]


async def test_an_unusual_fee_is_the_fee_that_is_told(bench: Bench) -> None:
    fault(bench, K.DOUBLE_FEE)
    await buy(bench)
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert sum(f.fee for f in found.fills) == sum(Decimal(row["fee"]) for row in bench.journal("fill"))
    base = found.fills[0].quantity * (found.fills[0].price if bench.venue is Venue.UPBIT else 1)
    assert found.fills[0].fee / base > Decimal("0.0009")


@pytest.mark.parametrize("venue", [Venue.BINANCE])
async def test_a_fee_in_bnb_is_told_as_such(bench: Bench) -> None:
    bench.paper.world.accounts[Venue.BINANCE].receive("BNB", Decimal(1), "opening", "test")  # type: ignore[arg-type]
    fault(bench, K.FEE_IN_BNB)
    placed = await buy(bench)
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert {f.fee_asset for f in (*placed.fills, *found.fills)} == {"BNB"}
    assert found.fills == placed.fills


@pytest.mark.parametrize("kind", [K.STALE_ORDER, K.TRADES_LAG])
async def test_an_order_is_not_closed_before_its_fills_are_there(bench: Bench, kind: FaultKind) -> None:
    """A look that lags says "go on asking", never "nothing was filled"."""
    fault(bench, kind, seconds=1.5)
    await buy(bench)
    (booked,) = bench.paper.world.desks[bench.venue].orders.values()
    first = await bench.exchange.find_order(XRP, NAME)
    assert first is not None
    assert not first.closed
    assert len(first.fills) < len(booked.fills)

    async def closed() -> VenueOrder | None:
        order = await bench.exchange.find_order(XRP, NAME)
        return order if order and order.closed else None

    found = await eventually(closed)
    assert [(f.price, f.quantity) for f in found.fills] == [(f.price, f.quantity) for f in booked.fills]


async def txid_of(bench: Bench) -> str:
    """Of a withdrawal of 50 XRP, once the venue is done with it."""
    sent = await bench.exchange.withdraw(await bench.withdrawal("50"), send_by_ms=NEVER)

    async def done() -> str | None:
        report = await bench.exchange.withdrawal(XRP, sent.venue_id)
        return report.txid if report.state is TransferState.DONE else None

    return await eventually(done)


async def until(bench: Bench, txid: str, accept: Callable[[VenueDeposit], bool]) -> VenueDeposit:
    async def seen() -> VenueDeposit | None:
        report = await first_deposit(bench, XRP, txid)
        return report if report and accept(report) else None

    return await eventually(seen)


def done(report: VenueDeposit) -> bool:
    return report.state is TransferState.DONE


@pytest.mark.parametrize("kind", [K.TAG_LOST, K.DEPOSIT_LOST])
async def test_coins_that_never_arrive_are_never_reported(bench: Bench, kind: FaultKind) -> None:
    fault(bench, kind, venue=bench.venue if kind is K.TAG_LOST else PAIR.other(bench.venue))
    txid = await txid_of(bench)
    await asyncio.sleep(0.3)
    assert not await bench.other.deposits(XRP, txid)
    assert bench.paper.world.journal.tail(1, "lost")


async def test_a_withdrawal_that_waits_for_approval_is_pending(bench: Bench) -> None:
    fault(bench, K.WITHDRAWAL_UNAPPROVED, seconds=60)
    sent = await bench.exchange.withdraw(await bench.withdrawal("50"), send_by_ms=NEVER)
    await asyncio.sleep(0.3)
    report = await bench.exchange.withdrawal(XRP, sent.venue_id)
    assert (report.state, report.txid) == (TransferState.PENDING, None)


async def test_what_was_credited_is_reported_though_more_was_sent(bench: Bench) -> None:
    fault(bench, K.DEPOSIT_SHORT, venue=PAIR.other(bench.venue))
    report = await until(bench, await txid_of(bench), done)
    (sent,) = bench.paper.world.transfers.withdrawals.values()
    assert sent.deposit is not None
    assert report.amount == sent.deposit.amount < sent.amount


async def test_a_deposit_that_is_credited_twice_is_listed_twice(bench: Bench) -> None:
    fault(bench, K.DEPOSIT_TWICE, seconds=0.2, venue=PAIR.other(bench.venue))
    txid = await txid_of(bench)
    await until(bench, txid, done)
    deposits = bench.paper.world.transfers.deposits

    async def twice() -> bool:
        return len(deposits) == 2

    await eventually(twice)
    first, again = await bench.other.deposits(XRP, txid)
    assert first.venue_id != again.venue_id
    assert {d.amount for d in deposits.values()} == {first.amount} == {again.amount}


async def test_a_rejected_deposit_has_failed(bench: Bench) -> None:
    fault(bench, K.DEPOSIT_REJECTED, venue=PAIR.other(bench.venue))
    report = await until(bench, await txid_of(bench), lambda reported: reported.state is TransferState.FAILED)
    assert report.detail


async def test_a_deposit_that_vanishes_is_not_seen_yet(bench: Bench) -> None:
    """None, as before it was seen; whoever follows it goes on."""
    fault(bench, K.DEPOSIT_REORG, seconds=0.6, venue=PAIR.other(bench.venue))
    sent = await bench.exchange.withdraw(await bench.withdrawal("50"), send_by_ms=NEVER)
    (booked,) = bench.paper.world.transfers.withdrawals.values()

    async def hidden() -> bool:
        return booked.deposit is not None and booked.deposit.hidden

    await eventually(hidden)
    assert booked.txid is not None
    assert not await bench.other.deposits(XRP, booked.txid)
    await until(bench, booked.txid, done)
    assert sent.venue_id


@pytest.mark.parametrize("venue", [Venue.UPBIT])
async def test_credited_but_not_free_is_pending(bench: Bench) -> None:
    """At Binance, which receives."""
    fault(bench, K.CREDIT_LOCKED, seconds=1.0, venue=Venue.BINANCE)
    txid = await txid_of(bench)
    held = await until(bench, txid, lambda reported: reported.detail == "status 6")
    assert held.state is TransferState.PENDING
    assert done(await until(bench, txid, done))


@pytest.mark.parametrize("behaviour", ["accept", "refuse"])
async def test_a_repeated_withdrawal_is_found_by_its_id_whatever_binance_makes_of_it(
    config: PaperConfig, behaviour: str
) -> None:
    """Refused or accepted: neither answer is on a list, so only what is listed counts."""
    changed = config.model_copy(update={"repeated_withdraw_order_id": behaviour})
    async with PaperExchange(changed) as paper:
        exchanges = {venue: adapter(settings_of(paper, venue), venue) for venue in PAIR}
        bench = Bench(Venue.BINANCE, paper, exchanges)
        intent = await bench.withdrawal("50")
        first = await bench.exchange.withdraw(intent, send_by_ms=NEVER)
        again: Awaitable[object] = bench.exchange.withdraw(intent, send_by_ms=NEVER)
        if behaviour == "refuse":
            with pytest.raises(OutcomeUnknown):
                await again
        else:
            await again
        found = await bench.exchange.withdrawals_since(XRP, 0, intent.transfer_id)
        assert first.venue_id in {one.report.venue_id for one in found}
        assert len(found) == (1 if behaviour == "refuse" else 2)
        await asyncio.gather(*(exchange.close() for exchange in exchanges.values()))


@pytest.mark.parametrize(
    ("venue", "route", "what"),
    [
        (Venue.UPBIT, "GET /v1/withdraws/chance", "networks"),
        (Venue.UPBIT, "GET /v1/orders/chance", "instruments"),
        (Venue.UPBIT, "GET /v1/status/wallet", "networks"),
        (Venue.BINANCE, "GET /sapi/v1/capital/config/getall", "networks"),
        (Venue.BINANCE, "GET /api/v3/exchangeInfo", "instruments"),
        (Venue.BINANCE, "GET /sapi/v1/asset/tradeFee", "instruments"),
    ],
)
async def test_one_coins_null_takes_that_coin_alone_out_of_the_rules(bench: Bench, route: str, what: str) -> None:
    coins = [Asset(name) for name in ("XRP", "SOL", "SUI", "USDT")]
    whole = await bench.exchange.rules(coins)
    fresh = adapter(settings_of(bench.paper, bench.venue), bench.venue)
    fault(bench, K.NULL_ROW, route)
    rules = await fresh.rules(coins)
    assert counts(bench) == {K.NULL_ROW: 1}
    lacking = {each.coin for each in getattr(whole, what)} - {each.coin for each in getattr(rules, what)}
    # Of a list that has other coins too, the first row may be one that nobody asked for.
    assert len(lacking) == (1 if "chance" in route else len(lacking)) <= 1
    other = "networks" if what == "instruments" else "instruments"
    assert getattr(rules, other) == getattr(whole, other)
    again = await fresh.rules(coins)
    if "tradeFee" in route:  # which is kept for minutes
        assert again.instruments == rules.instruments
        again = replace(again, instruments=whole.instruments)
    assert (again.instruments, again.networks) == (whole.instruments, whole.networks)
    await fresh.close()


@pytest.mark.parametrize("venue", [Venue.BINANCE])
async def test_an_order_that_was_archived_had_no_fills(bench: Bench) -> None:
    """Cancelled or expired more than 90 days ago: Binance tells no more than that."""
    bench.seam.hook = Answering(400, '{"code":-2026,"msg":"Order was canceled or expired with no executed qty"}')
    found = await bench.exchange.find_order(XRP, NAME)
    assert found is not None
    assert (found.closed, found.fills) == (True, ())
