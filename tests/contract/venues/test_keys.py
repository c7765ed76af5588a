"""What a key may do, as the adapters find it out; and what a process does with a key that is not what it needs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from contract.venues.bench import XRP, Bench, adapter, settings_of
from fakes.intents import NEVER
from pydantic import SecretStr

from kimp.adapters.clock import SystemClock
from kimp.config import VenueSettings
from kimp.domain.durations import DAY_MS
from kimp.domain.errors import KeyRefused
from kimp.domain.keys import Right
from kimp.domain.venues import Venue
from kimp.operations.keys import KeyInUse
from kimp.paper import keys as paper_keys
from kimp.paper.config import PaperConfig, SyntheticMarket
from kimp.paper.keys import PaperKey

EMPTY = PaperConfig(
    upbit_port=0,
    binance_port=0,
    admin_port=0,
    market=SyntheticMarket(ticks_per_second=0),
    upbit_balances={},
    binance_balances={},
)
READ, TRADE, WITHDRAW = Right.READ, Right.TRADE, Right.WITHDRAW


def grant(bench: Bench, *rights: Right, **facts: Any) -> VenueSettings:
    """A second key at the venue, and settings that name it for everything."""
    key = PaperKey(
        access=SecretStr("second"),
        secret=SecretStr("second-secret"),
        rights=frozenset(paper_keys.PaperRight(right) for right in rights),
        **facts,
    )
    bench.paper.world.keys[bench.venue].add(key)
    return settings_of(bench.paper, bench.venue, access="second", secret="second-secret")


@pytest.mark.parametrize("rights", [(READ,), (READ, TRADE), (READ, WITHDRAW), (READ, TRADE, WITHDRAW)])
async def test_rights_are_found_out_and_nothing_happens(bench: Bench, rights: tuple[Right, ...]) -> None:
    before = await bench.holdings()
    exchange = adapter(grant(bench, *rights), bench.venue)
    facts = await exchange.key_facts()
    await exchange.close()
    assert facts.rights == set(rights)
    assert await bench.holdings() == before
    assert not bench.paper.world.desks[bench.venue].orders
    assert not bench.paper.world.transfers.withdrawals


async def test_a_key_that_may_not_look_is_no_key_to_read_with(bench: Bench) -> None:
    exchange = adapter(grant(bench, TRADE), bench.venue)
    if bench.venue is Venue.BINANCE:  # it does not even tell such a key what it may
        with pytest.raises(KeyRefused):
            await exchange.key_facts()
    else:
        facts = await exchange.key_facts()
        assert facts.rights == {TRADE}
        assert facts.warnings == ("may not look at assets, orders, withdrawals, deposits",)
    await exchange.close()


@pytest.mark.parametrize("config", [EMPTY])
async def test_an_empty_account_hides_no_right(bench: Bench) -> None:
    """Upbit's trial order is refused for want of won, which it would not be for want of the right."""
    exchange = adapter(grant(bench, READ, TRADE), bench.venue)
    assert (await exchange.key_facts()).rights == {READ, TRADE}
    await exchange.close()


async def test_a_withdrawal_lock_is_no_missing_right(bench: Bench) -> None:
    bench.paper.world.withdrawals_locked = True
    facts = await bench.exchange.key_facts()
    assert WITHDRAW in facts.rights
    if bench.venue is Venue.UPBIT:
        assert "withdrawal lock" in facts.warnings[0]


async def test_the_end_of_its_life_is_told(bench: Bench) -> None:
    soon = datetime.now(UTC).replace(microsecond=0) + timedelta(days=9)
    exchange = adapter(grant(bench, READ, TRADE, expires=soon), bench.venue)
    facts = await exchange.key_facts()
    await exchange.close()
    end_ms = int(soon.timestamp() * 1000)
    assert facts.expires_ms == end_ms
    assert facts.days_left(end_ms - 9 * DAY_MS) == 9


async def test_an_expired_key_cannot_trade(bench: Bench) -> None:
    past = datetime.now(UTC) - timedelta(days=1)
    exchange = adapter(grant(bench, READ, TRADE, expires=past), bench.venue)
    with pytest.raises(KeyRefused):
        await exchange.place_order(await bench.intent("expired", *(await _cheap(bench))), send_by_ms=NEVER)
    await exchange.close()


async def test_a_key_without_the_right_is_refused_for_certain(bench: Bench) -> None:
    exchange = adapter(grant(bench, READ), bench.venue)
    with pytest.raises(KeyRefused):
        await exchange.place_order(await bench.intent("no-right", *(await _cheap(bench))), send_by_ms=NEVER)
    with pytest.raises(KeyRefused):
        await exchange.withdraw(await bench.withdrawal("2"), send_by_ms=NEVER)
    assert await exchange.find_order(XRP, "no-right") is None
    await exchange.close()


async def test_what_binance_grants_besides_is_named(bench: Bench) -> None:
    exchange = adapter(grant(bench, READ, TRADE, futures=True, ip_bound=False), bench.venue)
    facts = await exchange.key_facts()
    await exchange.close()
    if bench.venue is Venue.BINANCE:
        assert facts.others == ("enableFutures",)
        assert facts.warnings == ("works from every IP address; bind it to yours",)
    else:
        assert not facts.others, "Upbit tells nobody"


async def test_the_key_may_change_between_two_requests(bench: Bench) -> None:
    """Both of one client, and the first key is gone by then."""
    settings = settings_of(bench.paper, bench.venue)
    second = grant(bench, READ, TRADE)
    key = KeyInUse(bench.venue, [TRADE], settings)
    exchange = type(bench.exchange)(settings, SystemClock(), key)  # type: ignore[call-arg] # the port says nothing of it
    assert await exchange.balances()
    bench.paper.world.keys[bench.venue].revoke(settings.access_key.get_secret_value())
    with pytest.raises(KeyRefused):
        await exchange.balances()
    key.pair = second.single
    assert await exchange.balances()
    await exchange.close()


async def _cheap(bench: Bench) -> tuple[Any, Any]:
    quote = (await bench.exchange.market(XRP)).quote
    return 10, quote.ask
