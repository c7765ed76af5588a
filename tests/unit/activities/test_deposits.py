"""Several withdrawals paid out in one transaction: each transfer gets its own deposit, in whatever order they ask."""

from dataclasses import dataclass, field
from decimal import Decimal
from itertools import permutations

import pytest
from fakes import intents
from fakes.desk import Desk
from fakes.journal import MemoryJournal
from fakes.market import XRP, d
from fakes.venue import FakeVenue

from activities.transfers import TransferActivities
from kimp.contracts.transfers import DepositQuery, DepositReport, TransferState
from kimp.domain.money import Asset
from kimp.domain.venues import Direction, Venue
from kimp.ports.exchange import VenueDeposit

TXID = "f00d"
DONE, PENDING, FAILED, UNSEEN = (
    TransferState.DONE,
    TransferState.PENDING,
    TransferState.FAILED,
    TransferState.UNSEEN,
)


@dataclass
class Listing(FakeVenue):
    """Lists what a test tells it to."""

    shown: list[VenueDeposit] = field(default_factory=list)

    async def deposits(self, coin: Asset, txid: str) -> list[VenueDeposit]:
        del coin
        return self.shown if txid == TXID else []

    def show(self, *rows: tuple[str, str, TransferState]) -> None:
        self.shown = [VenueDeposit(name, state, Decimal(amount)) for name, amount, state in rows]


@pytest.fixture
def venue() -> Listing:
    return Listing(Venue.BINANCE, {})


@pytest.fixture
def work(desk: Desk, venue: Listing) -> TransferActivities:
    return TransferActivities({Venue.BINANCE: venue}, desk.journal, {}, desk.clock, polls=1)


def query(cycle: str, arrives: str, txid: str = TXID) -> DepositQuery:
    return DepositQuery(
        cycle_id=cycle,
        transfer_id=f"{cycle}-HW-1",
        coin=XRP,
        direction=Direction.TO_BINANCE,
        txid=txid,
        arrives=d(arrives),
    )


async def ask(desk: Desk, work: TransferActivities, cycle: str, arrives: str) -> DepositReport:
    report: DepositReport = await desk.run(work.follow_deposit, query(cycle, arrives))
    return report


async def send(desk: Desk, cycle: str, coin: Asset = XRP, direction: Direction = Direction.TO_BINANCE) -> None:
    """Journalled; nobody knows its txid yet."""
    intent = intents.withdrawal(cycle_id=cycle, transfer_id=f"{cycle}-HW-1", coin=coin, direction=direction)
    desk.journal.unanswered.clear()
    assert await desk.journal.ask_withdrawal(intent)


@pytest.mark.parametrize("order", list(permutations(["A", "B"])))
@pytest.mark.parametrize("rows", list(permutations([("d1", "100", DONE), ("d2", "60", DONE)])))
async def test_each_gets_its_own(
    desk: Desk,
    work: TransferActivities,
    venue: Listing,
    order: tuple[str, ...],
    rows: tuple[tuple[str, str, TransferState], ...],
) -> None:
    venue.show(*rows)
    wanted = {"A": ("100", "d1"), "B": ("60", "d2")}
    for cycle in (*order, *order):
        amount, deposit = wanted[cycle]
        report = await ask(desk, work, cycle, amount)
        assert (report.state, report.amount, report.venue_id) == (DONE, d(amount), deposit)


async def test_of_two_of_the_same_amount_each_gets_one(desk: Desk, work: TransferActivities, venue: Listing) -> None:
    venue.show(("d1", "100", DONE), ("d2", "100", DONE))
    got = [(await ask(desk, work, cycle, "100")).venue_id for cycle in ("A", "B", "A", "B")]
    assert got == ["d1", "d2", "d1", "d2"]
    assert (await ask(desk, work, "C", "100")).state is UNSEEN, "there is no third"


async def test_the_deposit_of_another_is_left_to_it_before_it_has_told_its_txid(
    desk: Desk, work: TransferActivities, venue: Listing
) -> None:
    await send(desk, "A")
    await send(desk, "B")
    venue.show(("d2", "60", DONE))
    report = await ask(desk, work, "A", "100")
    assert report.state is UNSEEN
    assert report.detail == "not seen yet; 60 under its txid may be another transfer's"
    assert (await ask(desk, work, "B", "60")).venue_id == "d2"
    assert (await ask(desk, work, "A", "100")).state is UNSEEN, "and afterwards as well"
    venue.show(("d2", "60", DONE), ("d1", "100", DONE))
    assert (await ask(desk, work, "A", "100")).venue_id == "d1"


async def test_the_deposit_of_another_is_left_to_it_though_it_asks_late(
    desk: Desk, work: TransferActivities, venue: Listing
) -> None:
    assert (await ask(desk, work, "B", "60")).state is UNSEEN
    venue.show(("d2", "60", DONE))
    assert (await ask(desk, work, "A", "100")).state is UNSEEN
    desk.journal.over.add("B")
    assert (await ask(desk, work, "A", "100")).state is UNSEEN, "not even if nobody waits for it any more"


async def test_a_lone_transfer_takes_what_came(desk: Desk, work: TransferActivities, venue: Listing) -> None:
    """Also beside others that went elsewhere, have told another txid, or never left."""
    await send(desk, "A")
    await send(desk, "B", coin=Asset("TRX"))
    await send(desk, "C", direction=Direction.TO_UPBIT)
    await send(desk, "D")
    await desk.journal.refuse_withdrawal("D-HW-1", "refused")
    await send(desk, "E")
    await desk.journal.expect_deposit(query("E", "99", txid="other"))
    await send(desk, "F")
    desk.journal.over.add("F")
    venue.show(("d1", "99", DONE))
    report = await ask(desk, work, "A", "100")
    assert (report.state, report.amount, report.venue_id) == (DONE, d(99), "d1")


async def test_what_is_short_is_known_by_what_the_others_have(
    desk: Desk, work: TransferActivities, venue: Listing
) -> None:
    """Nobody is told another's amount, though another's may have come twice."""
    venue.show(("d1", "60", DONE), ("d2", "60", DONE))
    assert (await ask(desk, work, "B", "60")).venue_id == "d1"
    assert (await ask(desk, work, "A", "100")).state is UNSEEN
    venue.show(("d1", "60", DONE), ("d2", "60", DONE), ("d3", "99", DONE))
    assert (await ask(desk, work, "A", "100")).venue_id == "d3"


async def test_two_that_are_both_short_are_a_persons_case(desk: Desk, work: TransferActivities, venue: Listing) -> None:
    venue.show(("d1", "99", DONE), ("d2", "59", DONE))
    await desk.journal.expect_deposit(query("B", "60"))
    assert (await ask(desk, work, "A", "100")).state is UNSEEN
    assert (await ask(desk, work, "B", "60")).state is UNSEEN
    desk.journal.over.add("B")
    assert (await ask(desk, work, "A", "100")).venue_id == "d1", "the nearest, once the other has been seen to"


async def test_only_what_is_credited_is_claimed(desk: Desk, work: TransferActivities, venue: Listing) -> None:
    venue.show(("d1", "100", PENDING))
    assert (await ask(desk, work, "A", "100")).state is PENDING
    assert (await ask(desk, work, "B", "100")).state is PENDING
    venue.show(("d1", "100", FAILED), ("d2", "100", PENDING))
    assert (await ask(desk, work, "A", "100")).state is PENDING, "the other may be its own"
    venue.show(("d1", "100", FAILED), ("d2", "100", DONE))
    assert (await ask(desk, work, "B", "100")).venue_id == "d2"
    assert (await ask(desk, work, "A", "100")).state is FAILED


async def test_what_was_claimed_is_kept_though_no_list_shows_it(
    desk: Desk, work: TransferActivities, venue: Listing
) -> None:
    venue.show(("d1", "100", DONE))
    await ask(desk, work, "A", "100")
    venue.show(("d2", "100", DONE))
    assert (await ask(desk, work, "A", "100")).state is UNSEEN


class BeatenJournal(MemoryJournal):
    """Another transfer claims in the moment between reading and claiming."""

    async def claim_deposit(self, transfer_id: str, deposit_id: str) -> bool:
        self.credited.setdefault("B-HW-1", deposit_id)
        return await super().claim_deposit(transfer_id, deposit_id)


async def test_who_loses_the_claim_looks_again(desk: Desk, venue: Listing) -> None:
    journal = BeatenJournal()
    await journal.expect_deposit(query("B", "100"))
    work = TransferActivities({Venue.BINANCE: venue}, journal, {}, desk.clock, polls=2)
    venue.show(("d1", "100", DONE))
    assert (await ask(desk, work, "A", "100")).state is UNSEEN
    venue.show(("d1", "100", DONE), ("d2", "100", DONE))
    assert (await ask(desk, work, "A", "100")).venue_id == "d2"
