"""Coins on their way from the venue under test to the other one, followed by id and txid, to the last digit."""

import asyncio
from decimal import Decimal
from functools import partial

import pytest
from contract.venues.bench import SOL, SUI, USDT, XRP, Bench, eventually, first_deposit
from fakes.intents import NEVER
from fakes.journal import MemoryJournal
from temporalio.testing import ActivityEnvironment

from activities.transfers import TransferActivities
from kimp.adapters.clock import SystemClock
from kimp.contracts.transfers import (
    Address,
    DepositQuery,
    DepositReport,
    TransferState,
    WithdrawalIntent,
    WithdrawalReport,
)
from kimp.domain.errors import KeyRefused, OutcomeUnknown, Rejected
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.paper.faults.kinds import FaultKind
from kimp.paper.faults.plan import ScriptedFault
from kimp.paper.transfer import TransferStep, TransferVerdict, Withdrawal
from kimp.paper.wallets import WalletState
from kimp.ports.exchange import VenueDeposit


class Held:
    """Keeps every transfer from taking one step, until it is let go."""

    def __init__(self, step: TransferStep) -> None:
        self.step: TransferStep | None = step

    def accept(self, withdrawal: Withdrawal) -> None: ...

    def before(self, withdrawal: Withdrawal, step: TransferStep) -> TransferVerdict:
        return TransferVerdict(wait_ms=20 if step is self.step else 0)


def split(bench: Bench, intent: WithdrawalIntent) -> tuple[Decimal, Decimal]:
    """What arrives and the fee: on top of the amount on Upbit, out of it on Binance."""
    chain = bench.paper.world.coins[intent.coin].network(intent.network)
    assert chain is not None
    if bench.venue is Venue.UPBIT:
        return intent.amount, chain.upbit_fee
    return intent.amount - chain.binance_fee, chain.binance_fee


async def done(bench: Bench, coin: Asset, venue_id: str) -> WithdrawalReport | None:
    report = await bench.exchange.withdrawal(coin, venue_id)
    return report if report.state is TransferState.DONE else None


async def credited(bench: Bench, coin: Asset, txid: str) -> VenueDeposit | None:
    report = await first_deposit(bench, coin, txid)
    return report if report and report.state is TransferState.DONE else None


@pytest.mark.parametrize(("coin", "amount"), [(XRP, "123.456789"), (SOL, "1.5"), (SUI, "1000"), (USDT, "500.25")])
async def test_a_withdrawal_is_followed_to_the_credit(bench: Bench, coin: Asset, amount: str) -> None:
    here, there = bench.paper.world.accounts[bench.venue], bench.paper.world.accounts[PAIR.other(bench.venue)]
    before, beyond = here[coin].total, there[coin].total
    intent = await bench.withdrawal(amount, coin)
    arrives, fee = split(bench, intent)
    sent = await bench.exchange.withdraw(intent, send_by_ms=NEVER)
    assert (sent.state, sent.arrives, sent.fee) == (TransferState.PENDING, arrives, fee)
    report = await eventually(lambda: done(bench, coin, sent.venue_id))
    assert (report.venue_id, report.arrives, report.fee) == (sent.venue_id, arrives, fee)
    assert report.txid is not None
    txid = report.txid
    deposit = await eventually(lambda: credited(bench, coin, txid))
    assert deposit.amount == arrives
    assert here[coin].total == before - arrives - fee
    assert there[coin].total == beyond + arrives
    (booked,) = bench.paper.world.transfers.withdrawals.values()
    assert (booked.txid, booked.amount, booked.fee) == (txid, arrives, fee)


async def test_a_transfer_is_pending_until_its_coins_are_free(bench: Bench) -> None:
    """Binance lists a deposit as credited before it may be withdrawn again; that is not done."""
    held = bench.paper.world.transfers.hook = Held(TransferStep.BROADCAST)
    sent = await bench.exchange.withdraw(await bench.withdrawal("100"), send_by_ms=NEVER)
    waiting = await bench.exchange.withdrawal(XRP, sent.venue_id)
    assert (waiting.state, waiting.txid) == (TransferState.PENDING, None)
    held.step = TransferStep.SEEN

    async def txid_of() -> str | None:
        return (await bench.exchange.withdrawal(XRP, sent.venue_id)).txid

    txid = await eventually(txid_of)
    assert not await bench.other.deposits(XRP, txid)
    held.step = TransferStep.CREDITED
    await eventually(lambda: done(bench, XRP, sent.venue_id))
    seen = await eventually(lambda: first_deposit(bench, XRP, txid))
    assert seen.state is TransferState.PENDING
    held.step = None
    assert (await eventually(lambda: credited(bench, XRP, txid))).amount == seen.amount


async def test_a_withdrawal_that_the_venue_cancelled_has_failed(bench: Bench) -> None:
    transfers = bench.paper.world.transfers
    transfers.hook = Held(TransferStep.BROADCAST)
    sent = await bench.exchange.withdraw(await bench.withdrawal("100"), send_by_ms=NEVER)
    (booked,) = transfers.withdrawals.values()
    assert transfers.cancel(booked)
    assert (await bench.exchange.withdrawal(XRP, sent.venue_id)).state is TransferState.FAILED


async def test_a_later_look_finds_the_withdrawal(bench: Bench) -> None:
    """By its own id on Binance; on Upbit, which has none, among all of the coin from that second on."""
    before_ms = bench.paper.world.clock.now_ms()
    intent = await bench.withdrawal("100", name="XRP-1-1W-1")
    sent = [await bench.exchange.withdraw(intent, send_by_ms=NEVER)]
    sent.append(await bench.exchange.withdraw(await bench.withdrawal("100", name="XRP-2-1W-1"), send_by_ms=NEVER))
    await bench.exchange.withdraw(await bench.withdrawal("100", SUI, name="SUI-1-1W-1"), send_by_ms=NEVER)
    found = await bench.exchange.withdrawals_since(XRP, before_ms, intent.transfer_id)
    mine = sent[:1] if bench.venue is Venue.BINANCE else sent
    assert {one.report.venue_id for one in found} == {report.venue_id for report in mine}
    assert {(one.report.arrives, one.report.fee) for one in found} == {split(bench, intent)}
    assert {(one.asked, one.network) for one in found} == {(intent.amount, intent.network)}
    assert all(abs((one.asked_ms or 0) - before_ms) < 5_000 for one in found)
    reported = (intent.address.address, True) if bench.venue is Venue.BINANCE else (None, False)
    assert {(one.address, one.named) for one in found} == {reported}
    if bench.venue is Venue.UPBIT:
        assert await bench.exchange.withdrawals_since(XRP, before_ms + 60_000, intent.transfer_id) == ()
    else:
        assert await bench.exchange.withdrawals_since(XRP, before_ms, "XRP-9-1W-1") == ()


async def test_a_look_at_a_long_list_finds_all(bench: Bench) -> None:
    """Upbit lists a hundred at a time."""
    before_ms, transfers = bench.paper.world.clock.now_ms(), bench.paper.world.transfers
    transfers._time_scale = 60.0  # nothing moves while the list is read
    intent = await bench.withdrawal("2")
    chain = bench.paper.world.coins[XRP].networks[0]
    target = bench.paper.world.addresses.of(PAIR.other(bench.venue), XRP, chain.name)
    assert target is not None
    for _ in range(250):
        transfers.withdraw(bench.venue, chain, target, Decimal(2), Decimal("0.2"), intent.transfer_id)
    found = await bench.exchange.withdrawals_since(XRP, before_ms, intent.transfer_id)
    assert len({one.report.venue_id for one in found}) == len(found) == 250


async def refused(bench: Bench, intent: WithdrawalIntent) -> Rejected:
    await bench.exchange.network(intent.coin)
    with pytest.raises(Rejected) as refusal:
        await bench.exchange.withdraw(intent, send_by_ms=NEVER)
    assert not bench.paper.world.transfers.withdrawals
    return refusal.value


UPBIT_NAMES = {"10.1234567": "validation_error", "50000": "withdraw_insufficient_balance"}


@pytest.mark.parametrize(
    ("amount", "state", "code"),
    [
        ("50000", WalletState.WORKING, "-4026"),
        ("1", WalletState.WORKING, "-4022"),
        ("10.1234567", WalletState.WORKING, "-4021"),
        ("50", WalletState.PAUSED, "-4019"),
    ],
    ids=["more than there is", "below the minimum", "off the step", "wallet closed"],
)
async def test_a_refused_withdrawal(bench: Bench, amount: str, state: WalletState, code: str) -> None:
    """Upbit publishes no names of most of these refusals, so there a look-up has to prove them."""
    intent = await bench.withdrawal(amount)
    bench.paper.world.wallets.set(bench.venue, XRP, state)
    if bench.venue is Venue.BINANCE:
        assert (await refused(bench, intent)).code == code
    elif amount in UPBIT_NAMES:
        assert (await refused(bench, intent)).code == UPBIT_NAMES[amount]
    else:
        with pytest.raises(OutcomeUnknown):
            await bench.exchange.withdraw(intent, send_by_ms=NEVER)
        assert await bench.exchange.withdrawals_since(XRP, 0, intent.transfer_id) == ()


@pytest.mark.parametrize("change", ["address", "tag"])
async def test_upbit_sends_to_registered_addresses_only(bench: Bench, change: str) -> None:
    intent = await bench.withdrawal("50")
    elsewhere = intent.model_copy(update={"address": intent.address.model_copy(update={change: "123456789"})})
    if bench.venue is Venue.UPBIT:
        assert type(await refused(bench, elsewhere)) is KeyRefused
    else:
        assert (await bench.exchange.withdraw(elsewhere, send_by_ms=NEVER)).state is TransferState.PENDING


async def test_a_locked_key_is_refused_for_good(bench: Bench) -> None:
    if bench.venue is Venue.BINANCE:
        return  # has no such lock
    bench.paper.world.withdrawals_locked = True
    assert not (await bench.exchange.network(XRP)).withdraw_open
    assert type(await refused(bench, await bench.withdrawal("50"))) is KeyRefused


@pytest.mark.parametrize(
    "change",
    [
        {"network": "ETH"},
        {"amount": Decimal(0)},
        {"amount": Decimal("NaN")},
        {"address": Address(network="XRP", address=" ", tag="1")},
        {"address": Address(network="XRP", address="rSomewhere", tag=None)},
        {"address": Address(network="XRP", address="rSomewhere", tag="")},
    ],
    ids=["network", "zero", "not a number", "no address", "no tag", "empty tag"],
)
async def test_what_would_lose_the_coins_is_never_sent(bench: Bench, change: dict[str, object]) -> None:
    intent = (await bench.withdrawal("50")).model_copy(update=change)
    requests = len(bench.journal("request", method="POST"))
    assert (await refused(bench, intent)).code == "held back"
    assert len(bench.journal("request", method="POST")) == requests


async def test_a_withdrawal_of_the_other_venue_is_never_sent(bench: Bench) -> None:
    intent = await bench.withdrawal("50")
    turned = intent.model_copy(update={"direction": bench.direction.opposite})
    assert (await refused(bench, turned)).code == "held back"


async def test_the_same_withdrawal_sent_twice_is_two(bench: Bench) -> None:
    """No venue guards against it: the journal must."""
    intent = await bench.withdrawal("50")
    sent = await asyncio.gather(*(bench.exchange.withdraw(intent, send_by_ms=NEVER) for _ in range(2)))
    assert len({report.venue_id for report in sent}) == 2
    found = await bench.exchange.withdrawals_since(XRP, 0, intent.transfer_id)
    assert {one.report.venue_id for one in found} == {report.venue_id for report in sent}


async def test_deposits_that_came_in_one_transaction_are_told_apart(bench: Bench) -> None:
    """Each by an id and an amount of its own, and each transfer is told its own, in whatever order they ask."""
    shared = ScriptedFault(kind=FaultKind.SHARED_TXID, venue=bench.venue)
    bench.paper.world.faults.injector.script((shared,))
    work = TransferActivities(bench.exchanges, MemoryJournal(), {}, SystemClock())
    intents = [await bench.withdrawal(amount, name=f"XRP-{n}-1W-1") for n, amount in ((1, "100.5"), (2, "60"))]
    sent = [await bench.exchange.withdraw(intent, send_by_ms=NEVER) for intent in intents]
    left = [await eventually(partial(done, bench, XRP, report.venue_id)) for report in sent]
    (txid,) = {report.txid for report in left}
    assert txid is not None

    async def both() -> bool:
        listed = await bench.other.deposits(XRP, txid)
        return [deposit.state for deposit in listed] == [TransferState.DONE] * 2

    await eventually(both)
    reported = {}
    for intent, report in list(zip(intents, left, strict=True))[::-1]:
        query = DepositQuery(
            cycle_id=f"cycle of {intent.transfer_id}",
            transfer_id=intent.transfer_id,
            coin=XRP,
            direction=intent.direction,
            txid=txid,
            arrives=report.arrives,
        )
        credited: DepositReport = await ActivityEnvironment().run(work.follow_deposit, query)
        assert (credited.state, credited.amount) == (TransferState.DONE, split(bench, intent)[0])
        reported[intent.transfer_id] = credited.venue_id
    assert len({*reported.values()}) == 2
    assert sum(deposit.amount for deposit in await bench.other.deposits(XRP, txid)) == sum(r.arrives for r in left)
