"""The three places that must agree before coins leave, read from both venues; nothing leaves if one differs."""

import pytest
from contract.venues.bench import SOL, SUI, USDT, XRP, Answering, Bench, adapter, settings_of
from fakes.journal import MemoryJournal

from activities.transfers import Allowed, TransferActivities
from kimp.adapters.clock import SystemClock
from kimp.contracts.transfers import Address, TransferRequest
from kimp.domain.errors import KeyRefused, Unavailable
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR
from kimp.paper.addresses import PaperAddress as Place


@pytest.mark.parametrize("coin", [XRP, SOL, SUI, USDT])
async def test_registered_is_what_the_other_venue_calls_its_own(bench: Bench, coin: Asset) -> None:
    assert list(await bench.exchange.registered_addresses(coin)) == [await bench.other.deposit_address(coin)]


async def test_only_the_configured_network_counts(bench: Bench) -> None:
    kept = await bench.other.deposit_address(XRP)
    places = [Place("XRP", "ETH", "0xElsewhere", None), Place("XRP", "XRP", kept.address, kept.tag)]
    bench.paper.world.registrations.replace(bench.venue, XRP, places)
    assert list(await bench.exchange.registered_addresses(XRP)) == [kept]
    bench.paper.world.registrations.replace(bench.venue, XRP, [])
    assert list(await bench.exchange.registered_addresses(XRP)) == []


async def test_a_list_that_cannot_be_read_is_no_empty_list(bench: Bench) -> None:
    for status, body in ((200, '{"addresses": []}'), (200, ""), (500, "[]"), (200, '[{"address": 7}]')):
        bench.seam.hook = Answering(status, body)
        with pytest.raises(Unavailable):
            await bench.exchange.registered_addresses(XRP)


async def test_a_wrong_key_reads_no_list(bench: Bench) -> None:
    exchange = adapter(settings_of(bench.paper, bench.venue, secret="forged"), bench.venue)
    with pytest.raises(KeyRefused):
        await exchange.registered_addresses(XRP)
    await exchange.close()


def work(bench: Bench, allowed: Allowed) -> TransferActivities:
    return TransferActivities(bench.exchanges, MemoryJournal(), allowed, SystemClock())


def request(bench: Bench) -> TransferRequest:
    return TransferRequest(cycle_id="XRP-1", coin=XRP, direction=bench.direction)


async def test_terms_are_given_where_all_three_agree(bench: Bench) -> None:
    place = await bench.other.deposit_address(XRP)
    terms = await work(bench, {(bench.venue, XRP): place}).prepare_transfer(request(bench))
    assert terms.address == place
    assert (terms.out.venue, terms.into.venue) == (bench.venue, PAIR.other(bench.venue))


@pytest.mark.parametrize("change", [{"address": "rThief"}, {"tag": "1"}, {"tag": None}])
@pytest.mark.parametrize("party", ["allow-list", "registration", "destination"])
async def test_one_that_differs_is_refused_and_nothing_leaves(
    bench: Bench, party: str, change: dict[str, str | None]
) -> None:
    place = await bench.other.deposit_address(XRP)
    other = place.model_copy(update=change)
    allowed = other if party == "allow-list" else place
    if party == "registration":
        poison = [Place("XRP", other.network, other.address, other.tag)]
        bench.paper.world.registrations.replace(bench.venue, XRP, poison)
    if party == "destination":
        answer_addresses_with(bench, other)
    with pytest.raises(KeyRefused, match="different") as refusal:
        await work(bench, {(bench.venue, XRP): allowed}).prepare_transfer(request(bench))
    assert "\n" not in str(refusal.value)
    assert not bench.paper.world.transfers.withdrawals


def answer_addresses_with(bench: Bench, place: Address) -> None:
    """The destination's account was taken over: its own answer names another place."""
    forged = Place("XRP", place.network, place.address, place.tag)
    bench.paper.world.addresses._own[PAIR.other(bench.venue), "XRP", place.network] = forged


async def test_both_directions_have_lists_of_their_own(bench: Bench) -> None:
    place = await bench.other.deposit_address(XRP)
    wrong_way = {(PAIR.other(bench.venue), XRP): place}
    with pytest.raises(KeyRefused, match="allow-list none"):
        await work(bench, wrong_way).prepare_transfer(request(bench))
