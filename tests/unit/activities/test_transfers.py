"""Withdrawals: never sent twice, found in the venue's own list, and only to an address that both sides agree on."""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from fakes import intents
from fakes.desk import Desk
from fakes.journal import MemoryJournal
from fakes.market import NOW, XRP, ManualClock, d
from fakes.venue import FakeVenue
from temporalio.exceptions import ApplicationError

from activities.failures import as_failure
from activities.identity import CLOCKS_DIFFER_MS
from activities.orders import SEND_WITHIN_MS
from activities.transfers import GIVE_UP_MS, SHOW_AFTER_MS, STILL_UNKNOWN, TransferActivities
from kimp.contracts.transfers import (
    Address,
    DepositQuery,
    DepositReport,
    TransferRequest,
    TransferState,
    WithdrawalIntent,
    WithdrawalReport,
)
from kimp.domain.admission import HaltLevel
from kimp.domain.errors import (
    KeyRefused,
    KimpError,
    NotFound,
    NotSent,
    OutcomeUnknown,
    Postponed,
    Rejected,
    StoreUnavailable,
    Unavailable,
)
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import ListedWithdrawal, VenueDeposit
from kimp.ports.journal import SendPermit, WithdrawalClaim

LOST = OutcomeUnknown("no answer", venue="upbit")
HOME = Address(network="XRP", address="rBinance", tag="77")
TRANSFER = "XRP-1-HW-1"


def intent(**changes: Any) -> WithdrawalIntent:
    facts: dict[str, Any] = {
        "transfer_id": TRANSFER,
        "direction": Direction.TO_BINANCE,
        "address": HOME,
        "expires_at_ms": NOW + 180_000,
    }
    return intents.withdrawal(**(facts | changes))


def listed(
    venue_id: str,
    arrives: str,
    fee: str = "1",
    state: TransferState = TransferState.PENDING,
    network: str | None = "XRP",
    **reported: Any,
) -> ListedWithdrawal:
    report = WithdrawalReport(
        venue_id=venue_id, state=state, txid=None, arrives=d(arrives), fee=d(fee), detail=state.value
    )
    facts: dict[str, Any] = {"address": None, "asked_ms": NOW, "named": False}
    return ListedWithdrawal(report, report.arrives + report.fee, network, **(facts | reported))


@dataclass
class Source(FakeVenue):
    """Upbit's way: no id of ours on a withdrawal, so its list holds all that began since."""

    sent: list[Any] = field(default_factory=list)
    shown: list[ListedWithdrawal] = field(default_factory=list)
    asked_since: list[int] = field(default_factory=list)
    tag: str | None = "77"
    address: str = "rBinance"
    network_reported: str = "XRP"
    registered: list[Address] = field(default_factory=lambda: [HOME])
    states: deque[WithdrawalReport] = field(default_factory=deque)

    async def deposit_address(self, coin: Asset) -> Address:
        return Address(network=self.network_reported, address=self.address, tag=self.tag)

    async def registered_addresses(self, coin: Asset) -> Sequence[Address]:
        return self.registered

    async def withdraw(self, intent: WithdrawalIntent, *, send_by_ms: int) -> WithdrawalReport:
        self.sent.append(intent)
        return await super().withdraw(intent, send_by_ms=send_by_ms)

    async def withdrawals_since(self, coin: Asset, since_ms: int, transfer_id: str) -> Sequence[ListedWithdrawal]:
        self._fault("withdrawals_since", self.faults)
        self.asked_since.append(since_ms)
        return [*self.shown, *map(self.listing, self.withdrawals.values())]

    async def withdrawal(self, coin: Asset, venue_id: str) -> WithdrawalReport:
        self._fault("withdrawal", self.faults)
        if self.states:
            return self.states.popleft()
        shown = {one.report.venue_id: one.report for one in self.shown}
        return shown[venue_id] if venue_id in shown else await super().withdrawal(coin, venue_id)


@pytest.fixture
def upbit() -> Source:
    return Source(Venue.UPBIT, {}, network_fee=d(1))


@pytest.fixture
def binance() -> Source:
    return Source(Venue.BINANCE, {}, network_fee=d(1))


@pytest.fixture
def work(desk: Desk, upbit: Source, binance: Source) -> TransferActivities:
    return TransferActivities(
        {Venue.UPBIT: upbit, Venue.BINANCE: binance}, desk.journal, {(Venue.UPBIT, XRP): HOME}, desk.clock
    )


def reports_nothing_was_sent(failure: BaseException) -> bool:
    """What makes the workflow start over with a withdrawal of a new name."""
    failed = as_failure(failure) if isinstance(failure, KimpError) else failure
    assert isinstance(failed, ApplicationError)
    return failed.type in {"Rejected", "KeyRefused", "NotFound"}


async def test_a_withdrawal_is_sent_once_and_claimed(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    report = await desk.run(work.withdraw, intent())
    assert (report.arrives, report.fee) == (d(100), d(1))
    assert upbit.sent == [intent()]
    assert desk.journal.claims == {TRANSFER: f"w-{TRANSFER}"}


async def test_a_second_call_asks_for_what_was_claimed(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    first = await desk.run(work.withdraw, intent())
    assert await desk.run(work.withdraw, intent()) == first
    assert len(upbit.sent) == 1
    assert not upbit.asked_since, "its id is known, so the list is not searched"


async def test_a_busy_venue_is_a_refusal_that_passes(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.faults["withdraw"] = deque([Unavailable("busy", venue="upbit")])
    with pytest.raises(Postponed, match="busy"):
        await desk.run(work.withdraw, intent())
    assert not upbit.asked_since


async def test_a_withdrawal_must_leave_soon_after_its_journal_entry_or_not_at_all(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """What our own limiter held back never left, so it may be asked for again, under a new id."""
    upbit.faults["withdraw"] = deque([NotSent("held back here", venue="upbit")])
    with pytest.raises(Postponed, match="held back here"):
        await desk.run(work.withdraw, intent())
    assert upbit.deadlines == [NOW + SEND_WITHIN_MS]
    assert not upbit.asked_since


async def test_after_a_lost_answer_the_list_decides(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.after["withdraw"] = deque([LOST])
    report = await desk.run(work.withdraw, intent())
    assert report.venue_id == f"w-{TRANSFER}"
    assert len(upbit.sent) == 1
    assert upbit.asked_since == [NOW - CLOCKS_DIFFER_MS], "the venue's clock may be behind kimp's"
    assert desk.journal.claims == {TRANSFER: f"w-{TRANSFER}"}


async def test_a_worker_that_died_after_sending_leaves_it_to_the_list(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = [listed("u-1", "100")]
    desk.clock.ms += 60_000
    assert (await desk.run(work.withdraw, intent())).venue_id == "u-1"
    assert not upbit.sent
    assert upbit.asked_since == [NOW - CLOCKS_DIFFER_MS]


@pytest.mark.parametrize(
    ("arrives", "fee", "ours"),
    [
        ("100", "1", True),
        ("99", "1", True),
        ("99", "0.5", False),
        ("98", "3", False),
        ("100.000001", "1", False),
        ("101", "1", False),
    ],
)
async def test_a_listed_withdrawal_is_ours_by_its_amount(
    desk: Desk,
    work: TransferActivities,
    upbit: Source,
    arrives: str,
    fee: str,
    ours: bool,  # noqa: FBT001
) -> None:
    """The amount is what arrives on Upbit, and what arrives with the fee on Binance."""
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = [listed("u-1", arrives, fee)]
    desk.beat_ms = GIVE_UP_MS + 1
    if ours:
        assert (await desk.run(work.withdraw, intent())).venue_id == "u-1"
    else:
        with pytest.raises(ApplicationError, match="lists none like it"):
            await desk.run(work.withdraw, intent())
        assert not desk.journal.claims


async def test_a_listed_withdrawal_belongs_to_one_transfer_only(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """Two cycles sent the same amount, one after the other: the first takes one entry, the second the other."""
    upbit.shown = [listed("u-1", "100")]
    await desk.journal.ask_withdrawal(intent())
    first = await desk.run(work.withdraw, intent())
    upbit.shown = [listed("u-1", "100"), listed("u-2", "100")]
    await desk.journal.ask_withdrawal(intent(transfer_id="XRP-2-HW-1"))
    second = await desk.run(work.withdraw, intent(transfer_id="XRP-2-HW-1"))
    assert [first.venue_id, second.venue_id] == ["u-1", "u-2"]


A_PERSONS = [
    ([listed("u-1", "100"), listed("u-2", "100")], "u-1: 101 on XRP, pending; u-2"),
    ([listed("u-1", "100"), listed("u-2", "100", state=TransferState.FAILED)], "u-2: 101 on XRP, failed"),
    ([listed("u-1", "100", state=TransferState.FAILED)], "u-1: 101 on XRP, failed"),
    ([listed("u-1", "100", network="ERC20")], "network ERC20 instead of XRP"),
    ([listed("u-1", "100", named=True, address="rThief")], "address rThief instead of rBinance"),
    ([listed("u-1", "70", named=True)], "amount 71 instead of 100"),
    ([listed("u-1", "100", named=True, asked_ms=NOW - CLOCKS_DIFFER_MS - 1)], "time"),
]
"""What the venue lists after a lost answer, and what a person is told of it."""


@pytest.mark.parametrize(("shown", "reported"), A_PERSONS)
async def test_what_may_be_somebody_elses_is_neither_taken_nor_sent_again(
    desk: Desk, work: TransferActivities, upbit: Source, shown: list[ListedWithdrawal], reported: str
) -> None:
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = shown
    with pytest.raises(ApplicationError, match=reported) as ended:
        await desk.run(work.withdraw, intent())
    assert ended.value.non_retryable
    assert not reports_nothing_was_sent(ended.value), "or the workflow would send anew"
    assert not desk.journal.claims
    assert not upbit.sent


async def test_a_person_who_looked_leaves_only_what_is_under_way(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = [listed("theirs", "100", state=TransferState.FAILED), listed("ours", "100")]
    report = await desk.run(work.withdraw, intent(looked_at=True))
    assert (report.venue_id, report.likely) == ("ours", True)
    upbit.shown.append(listed("third", "100"))
    await desk.journal.ask_withdrawal(intent(transfer_id="XRP-2-HW-1"))
    assert (await desk.run(work.withdraw, intent(transfer_id="XRP-2-HW-1", looked_at=True))).venue_id == "third"


@pytest.mark.parametrize("ahead_ms", [3_000, 600_000])
async def test_our_clock_may_be_ahead_of_the_venues(
    desk: Desk, work: TransferActivities, upbit: Source, ahead_ms: int
) -> None:
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = [listed("u-1", "100", asked_ms=NOW - ahead_ms)]
    assert (await desk.run(work.withdraw, intent())).venue_id == "u-1"


async def test_what_only_looks_like_ours_and_came_to_nothing_is_a_persons_case(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """A stranger's, cancelled later: ours may have left all the same."""
    await desk.journal.ask_withdrawal(intent())
    upbit.shown = [listed("u-1", "100")]
    assert (await desk.run(work.withdraw, intent())).likely
    upbit.shown = [listed("u-1", "100", state=TransferState.FAILED)]
    assert (await desk.run(work.withdraw, intent())).likely, "asked again, it is no more certain"
    with pytest.raises(ApplicationError, match="may be somebody else's") as ended:
        await desk.run(work.follow_withdrawal, intent())
    assert ended.value.non_retryable
    assert not reports_nothing_was_sent(ended.value)
    assert await desk.run(work.give_up_withdrawal, intent()), "a person may say that it never was kimp's"
    assert not desk.journal.claims


async def test_an_answer_puts_right_what_a_look_up_took_meanwhile(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """The attempt that sends is slow, its successor finds a stranger's in the list, then the answer comes."""
    await desk.journal.ask_withdrawal(intent())
    await desk.journal.claim_withdrawal(TRANSFER, Venue.UPBIT, "strangers", likely=True)
    del desk.journal.asked[TRANSFER]
    assert (await desk.run(work.withdraw, intent())).venue_id == f"w-{TRANSFER}"
    assert await desk.journal.claimed_withdrawal(TRANSFER) == WithdrawalClaim(f"w-{TRANSFER}", likely=False)


async def test_an_answer_that_the_journal_contradicts_is_a_persons_case(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.journal.claim_withdrawal("XRP-9-1W-1", Venue.UPBIT, f"w-{TRANSFER}", likely=False)
    with pytest.raises(ApplicationError, match="a person must look") as ended:
        await desk.run(work.withdraw, intent())
    assert ended.value.non_retryable
    assert not reports_nothing_was_sent(ended.value)


async def test_a_withdrawal_that_no_list_shows_is_a_persons_case(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    upbit.faults["withdraw"] = deque([LOST])
    desk.beat_ms = GIVE_UP_MS + 1
    with pytest.raises(ApplicationError, match="a person must look before anything is sent again") as ended:
        await desk.run(work.withdraw, intent())
    assert ended.value.non_retryable
    assert not reports_nothing_was_sent(ended.value), "or the workflow would send anew"
    assert len(upbit.sent) == 1


@pytest.mark.parametrize("refusal", [KeyRefused("expired", venue="upbit"), NotFound("none", venue="upbit")])
@pytest.mark.parametrize("call", ["withdrawals_since", "withdrawal"])
async def test_a_refused_look_up_never_says_that_nothing_was_sent(
    desk: Desk, work: TransferActivities, upbit: Source, call: str, refusal: Exception
) -> None:
    """Else the workflow withdraws once more, under a new name, while the first is on its way."""
    if call == "withdrawals_since":
        upbit.after["withdraw"] = deque([LOST])
    else:
        await desk.run(work.withdraw, intent())
    upbit.faults[call] = deque([refusal])
    with pytest.raises(ApplicationError) as ended:
        await desk.run(work.withdraw, intent())
    assert not reports_nothing_was_sent(ended.value)
    assert ended.value.non_retryable != isinstance(refusal, NotFound), "what is not shown yet may be shown later"
    assert (await desk.run(work.withdraw, intent())).venue_id == f"w-{TRANSFER}", "once the venue answers again"
    assert len(upbit.sent) == 1


async def test_a_definite_refusal_is_told_as_such(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.faults["withdraw"] = deque([Rejected("below the minimum", venue="upbit")])
    with pytest.raises(Rejected) as ended:
        await desk.run(work.withdraw, intent())
    assert reports_nothing_was_sent(ended.value)


async def test_a_refused_withdrawal_makes_room_for_the_next(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    upbit.faults["withdraw"] = deque([Rejected("below the minimum", venue="upbit")])
    with pytest.raises(Rejected):
        await desk.run(work.withdraw, intent())
    desk.beat_ms = GIVE_UP_MS + 1  # nothing is searched for: that would end otherwise
    with pytest.raises(Postponed, match="below the minimum"):
        await desk.run(work.withdraw, intent())
    await desk.run(work.withdraw, intent(transfer_id="XRP-1-HW-2", expires_at_ms=desk.clock.ms))
    assert [one.transfer_id for one in upbit.sent] == [TRANSFER, "XRP-1-HW-2"]


@pytest.fixture
def pauses(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Those between two questions; nobody waits, but the clock goes on."""
    seen: list[float] = []

    async def pause(seconds: float) -> None:
        seen.append(seconds)
        desk.clock.ms += int(seconds * 1000)

    monkeypatch.setattr("activities.transfers.pause", pause)
    return seen


async def test_a_withdrawal_waits_for_its_turn_and_says_so(
    desk: Desk, work: TransferActivities, upbit: Source, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another one of the coin has no answer yet. It must leave soon after its own journal entry, not its first wish."""
    waits, ask = iter([None] * 5), desk.journal.ask_withdrawal

    async def in_turn(asked: WithdrawalIntent) -> SendPermit | None:
        return await ask(asked) if next(waits, "over") == "over" else None

    monkeypatch.setattr(desk.journal, "ask_withdrawal", in_turn)
    await desk.run(work.withdraw, intent())
    assert pauses == [1.0] * 5
    assert desk.beats == ["another withdrawal of the coin has no answer yet"] * 5
    assert upbit.deadlines == [NOW + 5_000 + SEND_WITHIN_MS]


async def test_a_turn_that_does_not_come_within_a_minute_is_waited_for_in_the_workflow(
    desk: Desk, work: TransferActivities, upbit: Source, pauses: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(_: WithdrawalIntent) -> None: ...

    monkeypatch.setattr(desk.journal, "ask_withdrawal", never)
    with pytest.raises(Postponed, match="another withdrawal of XRP has no answer yet") as ended:
        await desk.run(work.withdraw, intent())
    assert ended.value.kind == "withdrawal_unknown"
    assert pauses == [1.0] * 60
    assert not upbit.sent


async def test_what_no_list_shows_yet_is_looked_for_until_the_workflow_shows_that_it_waits(
    desk: Desk, work: TransferActivities, upbit: Source, pauses: list[float]
) -> None:
    await desk.journal.ask_withdrawal(intent())
    with pytest.raises(ApplicationError, match="upbit's lists are searched for it") as ended:
        await desk.run(work.withdraw, intent())
    assert (ended.value.type, ended.value.details) == ("StillUnknown", ("withdrawal_unknown",))
    assert ended.value.non_retryable
    assert pauses == [2.0] * 11, "for 20 s"
    assert desk.beats == ["looking up"] * 12
    upbit.shown = [listed("u-1", "100")]
    assert (await desk.run(work.withdraw, intent())).venue_id == "u-1"


async def test_what_is_under_way_is_asked_after_once_a_second_for_a_minute(
    desk: Desk, work: TransferActivities, upbit: Source, pauses: list[float]
) -> None:
    await desk.run(work.withdraw, intent())
    upbit.states = deque([listed(f"w-{TRANSFER}", "100").report] * 60)
    assert (await desk.run(work.follow_withdrawal, intent())).state is TransferState.PENDING
    assert pauses == [1.0] * 59
    assert not upbit.states


@dataclass
class SlowJournal(MemoryJournal):
    """Its transaction takes a second."""

    worker: ManualClock = field(default_factory=ManualClock)

    async def ask_withdrawal(self, intent: WithdrawalIntent) -> SendPermit | None:
        permit = await super().ask_withdrawal(intent)
        self.worker.ms += 1_000
        return permit


async def test_the_time_to_leave_counts_from_the_journal_entry(desk: Desk, upbit: Source) -> None:
    work = TransferActivities(
        {Venue.UPBIT: upbit}, SlowJournal(clock=desk.server, worker=desk.clock), {(Venue.UPBIT, XRP): HOME}, desk.clock
    )
    await desk.run(work.withdraw, intent())
    assert upbit.deadlines == [NOW + SEND_WITHIN_MS]


async def test_the_highest_kill_switch_lets_nothing_leave(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    desk.journal.halt = HaltLevel.NOTHING_LEAVES
    with pytest.raises(Postponed, match="the kill switch lets nothing leave"):
        await desk.run(work.withdraw, intent())
    assert not upbit.sent


@pytest.mark.parametrize("off_ms", [0, 600_000, -600_000])
async def test_what_waited_too_long_is_prepared_anew(
    desk: Desk, work: TransferActivities, upbit: Source, off_ms: int
) -> None:
    """A wallet may have closed since, and the destination may name another address. A worker's clock tells neither."""
    desk.clock.off_ms = off_ms
    await desk.run(work.withdraw, intent(transfer_id="XRP-1-1W-9", expires_at_ms=NOW))
    assert [one.transfer_id for one in upbit.sent] == ["XRP-1-1W-9"]
    upbit.sent.clear()
    with pytest.raises(Postponed, match="too long ago"):
        await desk.run(work.withdraw, intent(expires_at_ms=NOW - 1))
    assert not upbit.sent


async def test_the_kill_switch_does_not_hide_what_left_before(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.run(work.withdraw, intent())
    desk.journal.halt = HaltLevel.NOTHING_LEAVES
    assert (await desk.run(work.withdraw, intent())).venue_id == f"w-{TRANSFER}"


async def test_an_id_that_another_run_used_is_never_sent_again(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.run(work.withdraw, intent())
    with pytest.raises(KeyRefused, match="was used by run run-1"):
        await desk.run(work.withdraw, intent(run_id="run-2"))
    assert len(upbit.sent) == 1


async def test_a_run_that_was_reset_looks_up_and_sends_nothing_new(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    await desk.run(work.withdraw, intent())
    desk.run_id = "run-1-reset"
    assert (await desk.run(work.withdraw, intent())).venue_id == f"w-{TRANSFER}"
    with pytest.raises(Postponed, match="was reset"):
        await desk.run(work.withdraw, intent(transfer_id="XRP-1-1W-2"))
    assert len(upbit.sent) == 1


@dataclass
class ForgetfulJournal(MemoryJournal):
    """The database goes away between the answer and the claim."""

    away: int = 1

    async def claim_withdrawal(self, transfer_id: str, venue: str, venue_id: str, *, likely: bool) -> bool:
        if self.away:
            self.away -= 1
            raise StoreUnavailable("the database is away")
        return await super().claim_withdrawal(transfer_id, venue, venue_id, likely=likely)


async def test_an_answer_that_could_not_be_written_down_is_found_again(desk: Desk, upbit: Source) -> None:
    work = TransferActivities({Venue.UPBIT: upbit}, ForgetfulJournal(), {(Venue.UPBIT, XRP): HOME}, desk.clock)
    with pytest.raises(StoreUnavailable):
        await desk.run(work.withdraw, intent())
    assert (await desk.run(work.withdraw, intent())).venue_id == f"w-{TRANSFER}"
    assert len(upbit.sent) == 1


@dataclass
class RivalledJournal(MemoryJournal):
    """Another transfer takes what is found between the look and the claim."""

    async def claim_withdrawal(self, transfer_id: str, venue: str, venue_id: str, *, likely: bool) -> bool:
        self.claims["XRP-9-1W-1"] = venue_id
        return await super().claim_withdrawal(transfer_id, venue, venue_id, likely=likely)


async def test_what_another_transfer_claims_meanwhile_is_not_this_one(desk: Desk, upbit: Source) -> None:
    journal = RivalledJournal(clock=desk.server)
    work = TransferActivities({Venue.UPBIT: upbit}, journal, {(Venue.UPBIT, XRP): HOME}, desk.clock)
    await journal.ask_withdrawal(intent())
    upbit.shown = [listed("u-1", "100")]
    desk.beat_ms = SHOW_AFTER_MS + 1
    with pytest.raises(ApplicationError) as ended:
        await desk.run(work.withdraw, intent())
    assert not reports_nothing_was_sent(ended.value)
    assert journal.claims == {"XRP-9-1W-1": "u-1"}
    assert not upbit.sent


async def test_a_place_that_left_the_allow_list_since_it_was_prepared_gets_nothing(desk: Desk, upbit: Source) -> None:
    for allowed in ({}, {(Venue.UPBIT, XRP): HOME.model_copy(update={"tag": "78"})}):
        work = TransferActivities({Venue.UPBIT: upbit}, MemoryJournal(), allowed, desk.clock)
        with pytest.raises(Postponed, match="another place"):
            await desk.run(work.withdraw, intent())
    assert not upbit.sent


async def test_a_search_for_an_answer_shows_that_it_goes_on(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """Within one call it would look as if nothing was amiss for five minutes."""
    upbit.faults["withdraw"] = deque([LOST])
    desk.beat_ms = SHOW_AFTER_MS + 1
    with pytest.raises(ApplicationError, match="searched") as shown:
        await desk.run(work.withdraw, intent())
    assert shown.value.type == STILL_UNKNOWN
    assert not reports_nothing_was_sent(shown.value), "or the workflow would send anew"
    upbit.shown = [listed("u-1", "100")]
    assert (await desk.run(work.withdraw, intent())).venue_id == "u-1"
    assert len(upbit.sent) == 1


async def test_withdrawals_of_a_coin_take_turns(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    await desk.journal.ask_withdrawal(intent(transfer_id="XRP-9-HW-1"))
    waiting = asyncio.create_task(desk.run(work.withdraw, intent()))
    await asyncio.sleep(0.1)
    assert not upbit.sent
    await desk.journal.refuse_withdrawal("XRP-9-HW-1", "no such wallet")
    await waiting
    assert [one.transfer_id for one in upbit.sent] == [TRANSFER]


async def test_what_has_the_venues_id_is_not_given_up(desk: Desk, work: TransferActivities) -> None:
    await desk.run(work.withdraw, intent())
    assert await desk.run(work.give_up_withdrawal, intent()) is False
    assert (await desk.run(work.follow_withdrawal, intent())).venue_id == f"w-{TRANSFER}"


async def test_what_a_person_gave_up_makes_room_for_the_next(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    upbit.faults["withdraw"] = deque([LOST])
    desk.beat_ms = GIVE_UP_MS + 1
    with pytest.raises(ApplicationError):
        await desk.run(work.withdraw, intent())
    assert await desk.run(work.give_up_withdrawal, intent()) is True
    with pytest.raises(Postponed, match="given up"):
        await desk.run(work.withdraw, intent())
    await desk.run(work.withdraw, intent(transfer_id="XRP-1-HW-2", expires_at_ms=desk.clock.ms))
    assert [one.transfer_id for one in upbit.sent] == [TRANSFER, "XRP-1-HW-2"]


REQUEST = TransferRequest(cycle_id="XRP-1", coin=XRP, direction=Direction.TO_BINANCE)


async def test_terms_name_both_wallets_and_the_agreed_address(desk: Desk, work: TransferActivities) -> None:
    terms = await desk.run(work.prepare_transfer, REQUEST)
    assert terms.address == HOME
    assert (terms.out.venue, terms.into.venue) == (Venue.UPBIT, Venue.BINANCE)


OTHERS = [("rThief", "77"), ("rBinance", "78"), ("rBinance", None), ("rBinance", ""), ("rbinance", "77")]
"""The tag counts as much as the address: without it the coins are lost."""


async def refusal(desk: Desk, work: TransferActivities, request: TransferRequest = REQUEST) -> str:
    with pytest.raises(KeyRefused) as refused:
        await desk.run(work.prepare_transfer, request)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("address", "tag"), OTHERS)
async def test_an_allow_list_that_was_changed_is_refused(
    desk: Desk, upbit: Source, binance: Source, address: str, tag: str | None
) -> None:
    poisoned = {(Venue.UPBIT, XRP): Address(network="XRP", address=address, tag=tag)}
    work = TransferActivities({Venue.UPBIT: upbit, Venue.BINANCE: binance}, desk.journal, poisoned, desk.clock)
    reported = await refusal(desk, work)
    assert "upbit.withdraw_to.XRP is different" in reported
    assert "mend upbit.withdraw_to.XRP if binance is right" in reported


@pytest.mark.parametrize(("address", "tag"), OTHERS)
async def test_a_registration_of_another_place_is_refused(
    desk: Desk, work: TransferActivities, upbit: Source, address: str, tag: str | None
) -> None:
    upbit.registered = [Address(network="XRP", address=address, tag=tag)]
    reported = await refusal(desk, work)
    assert "upbit's registration is different" in reported
    assert "register the place on upbit's web page" in reported


async def test_a_place_that_is_not_registered_is_refused(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.registered = []
    assert "registered on upbit none" in await refusal(desk, work)


@pytest.mark.parametrize(("address", "tag"), OTHERS)
async def test_a_destination_that_names_another_place_is_refused(
    desk: Desk, work: TransferActivities, binance: Source, address: str, tag: str | None
) -> None:
    binance.address, binance.tag = address, tag
    reported = await refusal(desk, work)
    assert "binance's answer is different" in reported
    assert "compare it with binance's web page" in reported


async def test_where_all_three_differ_nobody_is_called_right(
    desk: Desk, work: TransferActivities, upbit: Source, binance: Source
) -> None:
    """What an answer holds is shown, but no more of it than an address has, nor all of many registrations."""
    upbit.registered = [HOME.model_copy(update={"address": f"r{number}" + "x" * 300}) for number in range(1, 9)]
    binance.address, binance.tag = "rElsewhere", None
    reported = await refusal(desk, work)
    assert "all three are different; allow-list 'rBinance:77' on 'XRP', registered on upbit 'r1x" in reported
    assert "binance itself 'rElsewhere' on 'XRP'" in reported
    assert "find out which is right, then mend upbit.withdraw_to.XRP and the registration" in reported
    assert ("r3x" in reported, "r4x" in reported) == (True, False)
    assert "x" * 98 in reported
    assert "x" * 99 not in reported


async def test_a_tag_that_all_but_one_have_is_missed(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    """And one that all but one lack is too much."""
    bare = HOME.model_copy(update={"tag": None})
    upbit.registered = [bare]
    await refusal(desk, work)
    for listed in (bare, HOME):
        upbit.registered = [listed]
        changed = TransferActivities(work.venues, desk.journal, {(Venue.UPBIT, XRP): bare}, desk.clock)
        await refusal(desk, changed)


async def test_a_destination_that_names_another_chain_is_refused(
    desk: Desk, work: TransferActivities, binance: Source
) -> None:
    """Some chains share their addresses; the coins would be lost all the same."""
    binance.network_reported = "ETH"
    assert "mend upbit or binance.networks" in await refusal(desk, work)


async def test_a_registration_on_another_chain_is_refused(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.registered = [HOME.model_copy(update={"network": "ETH"})]
    assert "upbit's registration is different" in await refusal(desk, work)


async def test_one_of_several_registrations_is_enough(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    upbit.registered = [HOME.model_copy(update={"address": "rOld"}), HOME]
    assert (await desk.run(work.prepare_transfer, REQUEST)).address == HOME


async def test_a_coin_that_is_not_on_the_allow_list_is_refused(desk: Desk, work: TransferActivities) -> None:
    """The list is per source: that coins may go from Upbit to Binance says nothing about the way back."""
    back = TransferRequest(cycle_id="XRP-1", coin=XRP, direction=Direction.TO_UPBIT)
    assert "allow-list none" in await refusal(desk, work, back)


async def test_an_address_made_to_look_alike_is_spelt_out(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    """A Cyrillic letter, and a line break that would forge a line of the log."""
    upbit.registered = [HOME.model_copy(update={"address": "rBin\u0430nce\nall is well"})]
    assert r"rBin\u0430nce\nall is well" in await refusal(desk, work)


@pytest.mark.usefixtures("pauses")
async def test_a_withdrawal_is_followed_until_it_is_final(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    await desk.run(work.withdraw, intent())
    upbit.states = deque([listed(f"w-{TRANSFER}", "100").report])
    report = await desk.run(work.follow_withdrawal, intent())
    assert report.state is TransferState.DONE
    assert report.txid == f"tx-{TRANSFER}"
    assert desk.beats == ["following", "following"]


async def test_the_journal_knows_of_a_withdrawal_that_the_venue_did_not_send(
    desk: Desk, work: TransferActivities, upbit: Source
) -> None:
    """Else it would be in no book for ever, and the sweep would look after its cycle without end."""
    await desk.run(work.withdraw, intent())
    upbit.states = deque([listed(f"w-{TRANSFER}", "100", state=TransferState.FAILED).report])
    assert (await desk.run(work.follow_withdrawal, intent())).state is TransferState.FAILED
    assert desk.journal.refused[TRANSFER].startswith("not sent: ")


async def test_what_was_never_journalled_is_not_followed(desk: Desk, work: TransferActivities) -> None:
    with pytest.raises(KeyRefused, match="was never journalled"):
        await desk.run(work.follow_withdrawal, intent())


@pytest.mark.usefixtures("pauses")
async def test_done_without_a_txid_is_not_done_yet(desk: Desk, work: TransferActivities, upbit: Source) -> None:
    """The venue may show the end a moment before it fills the txid in, and a transfer is followed by it."""
    await desk.run(work.withdraw, intent())
    early = listed(f"w-{TRANSFER}", "100", state=TransferState.DONE).report
    upbit.states = deque([early])
    assert (await desk.run(work.follow_withdrawal, intent())).txid == f"tx-{TRANSFER}"
    upbit.states = deque([early] * 2)
    report = await desk.run(replace(work, polls=2).follow_withdrawal, intent())
    assert (report.state, report.txid) == (TransferState.DONE, None), "what the workflow waits on for"


DEPOSIT = DepositQuery(
    cycle_id="XRP-1",
    transfer_id=TRANSFER,
    coin=XRP,
    direction=Direction.TO_BINANCE,
    txid=f"tx-{TRANSFER}",
    arrives=d(100),
)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A following asks again without a pause."""

    async def pause(_seconds: float) -> None: ...

    monkeypatch.setattr("activities.transfers.pause", pause)


@pytest.mark.usefixtures("at_once")
async def test_a_deposit_that_is_listed_and_not_free_yet_is_followed_on(
    desk: Desk, work: TransferActivities, binance: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.run(work.withdraw, intent())
    credited = binance.deposits
    waiting = deque([VenueDeposit(f"d-{TRANSFER}", TransferState.PENDING, d(100))] * 2)

    async def deposits(coin: Asset, txid: str) -> Sequence[VenueDeposit]:
        return [waiting.popleft()] if waiting else await credited(coin, txid)

    monkeypatch.setattr(binance, "deposits", deposits)
    assert (await desk.run(work.follow_deposit, DEPOSIT)).state is TransferState.DONE


@pytest.mark.usefixtures("at_once")
async def test_a_deposit_is_followed_by_its_txid_until_it_is_credited(
    desk: Desk, work: TransferActivities, binance: Source
) -> None:
    await desk.run(work.withdraw, intent())
    binance.credit_after = 1
    report = await desk.run(work.follow_deposit, DEPOSIT)
    assert report == DepositReport(state=TransferState.DONE, amount=d(100), venue_id=f"d-{TRANSFER}")
    assert len(desk.beats) == 2


async def test_an_allow_list_that_lacks_the_coin_is_to_be_set(desk: Desk, upbit: Source, binance: Source) -> None:
    work = TransferActivities({Venue.UPBIT: upbit, Venue.BINANCE: binance}, desk.journal, {}, desk.clock)
    reported = await refusal(desk, work)
    assert "upbit.withdraw_to.XRP is not set" in reported
    assert "; set upbit.withdraw_to.XRP if binance is right" in reported
