"""Many cycles at once stay within the venues' limits, and nobody waits for a limit that is not reached."""

import asyncio
from decimal import Decimal

from contract.venues.bench import XRP, Bench, eventually
from fakes.intents import NEVER

from kimp.contracts.transfers import TransferState
from kimp.domain.venues import PAIR, Venue

MANY = 20


async def many_withdrawals(bench: Bench, count: int) -> list[str]:
    """Ids at the venue."""
    intent = await bench.withdrawal("2")
    await bench.exchange.network(XRP)
    sent = await asyncio.gather(
        *(
            bench.exchange.withdraw(intent.model_copy(update={"transfer_id": f"XRP-{n}-1W-1"}), send_by_ms=NEVER)
            for n in range(count)
        )
    )
    return [report.venue_id for report in sent]


async def test_many_follow_their_withdrawals_at_once(bench: Bench) -> None:
    """Binance allows ten looks at its list per second, so there all followers share them."""
    bench.paper.world.transfers._time_scale = 60.0  # nothing moves meanwhile
    ids = await many_withdrawals(bench, MANY)
    before = len(bench.journal("request", method="GET"))
    started = asyncio.get_running_loop().time()
    for _ in range(3):
        reports = await asyncio.gather(*(bench.exchange.withdrawal(XRP, venue_id) for venue_id in ids))
        assert [report.venue_id for report in reports] == ids
        assert {report.state for report in reports} == {TransferState.PENDING}
    requests = len(bench.journal("request", method="GET")) - before
    assert requests <= (6 if bench.venue is Venue.BINANCE else 3 * MANY)
    assert asyncio.get_running_loop().time() - started < 5


async def test_more_followers_than_one_request_takes(bench: Bench) -> None:
    bench.paper.world.transfers._time_scale = 60.0
    chain = bench.paper.world.coins[XRP].networks[0]
    target = bench.paper.world.addresses.of(PAIR.other(bench.venue), XRP, chain.name)
    assert target is not None
    made = [
        bench.paper.world.transfers.withdraw(bench.venue, chain, target, Decimal(2), Decimal("0.2"), None)
        for _ in range(100)
    ]
    ids = [w.uuid.replace("-", "") if bench.venue is Venue.BINANCE else w.uuid for w in made]
    before = len(bench.journal("request", method="GET"))
    reports = await asyncio.gather(*(bench.exchange.withdrawal(XRP, venue_id) for venue_id in ids))
    assert [report.venue_id for report in reports] == ids
    if bench.venue is Venue.BINANCE:
        assert len(bench.journal("request", method="GET")) - before <= 4


async def test_a_shared_look_is_never_older_than_its_question(bench: Bench) -> None:
    """Each follower sees what had become of its withdrawal when it asked."""
    (venue_id, *others) = await many_withdrawals(bench, 5)

    async def keep_asking() -> None:
        while True:
            await asyncio.gather(*(bench.exchange.withdrawal(XRP, other) for other in others))

    crowd = asyncio.create_task(keep_asking())
    (booked, *_) = [
        w for w in bench.paper.world.transfers.withdrawals.values() if venue_id in w.uuid.replace("-", "") + w.uuid
    ]

    async def broadcast() -> str | None:
        return booked.txid

    txid = await eventually(broadcast)
    assert (await bench.exchange.withdrawal(XRP, venue_id)).txid == txid
    crowd.cancel()


async def test_a_burst_of_withdrawals_does_not_hold_up_who_watches(bench: Bench) -> None:
    """On Binance they are counted by account and not, as reads of the wallet are, by address."""
    bench.paper.world.transfers._time_scale = 60.0
    async with asyncio.timeout(15):
        assert len(await many_withdrawals(bench, 40)) == 40
        await bench.exchange.network(XRP)
        assert not await bench.exchange.deposits(XRP, "f" * 64)
