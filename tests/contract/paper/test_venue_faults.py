"""Faults of a venue as a whole: bans in plain text, maintenance, keys that fail, poisoned addresses, repeated ids."""

from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import ccxt.async_support
import pytest
from contract.paper.faulty import ORDERS, Script, injected, look_up, placed, sell, send

from kimp.domain.venues import Venue
from kimp.paper.conditions import Condition
from kimp.paper.config import PaperConfig
from kimp.paper.server import PaperExchange


async def test_a_ban_in_plain_text_lasts_and_ends(
    paper: PaperExchange, http: aiohttp.ClientSession, script: Script, eventually: Any
) -> None:
    urls = {
        "upbit": f"http://127.0.0.1:{paper.upbit_port}/v1/market/all",
        "binance": f"http://127.0.0.1:{paper.binance_port}/api/v3/time",
    }
    for venue, url in urls.items():
        await script("ban_text", venue, seconds=1.2)
        for _ in range(2):
            async with http.get(url) as response:
                assert (response.status, await response.text()) == (418, "I'm a teapot")
                assert ("Retry-After" in response.headers) == (venue == "binance")

        async def served(url: str = url) -> bool:
            async with http.get(url) as response:
                return response.status == 200

        await eventually(served)
    assert injected(paper) == [("upbit", "ban_text"), ("binance", "ban_text")], "one fault each"


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "market_offline"), ("binance", "System is under maintenance")])
async def test_maintenance(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str, seen: str
) -> None:
    client = clients[venue]
    await script("maintenance", venue, ORDERS[venue], seconds=2.0)
    with pytest.raises(ccxt.BaseError, match=seen):
        await sell(client, "during")
    with pytest.raises(ccxt.BaseError, match=seen):
        await look_up(client, "during")
    if venue == "binance":
        assert int((await client.sapi_get_system_status())["status"]) == 1
    assert placed(paper) == []
    other = clients["binance" if venue == "upbit" else "upbit"]
    await sell(other, "elsewhere")

    async def over() -> bool:
        return not paper.world.conditions.hold(Condition.MAINTENANCE, Venue(venue))

    await eventually(over)
    await sell(client, "after")
    assert placed(paper) == ["elsewhere", "after"]
    assert injected(paper) == [(venue, "maintenance")]


@pytest.mark.parametrize(("venue", "seen"), [("upbit", "expired_access_key"), ("binance", "-2015")])
async def test_a_key_that_has_expired_may_still_look_at_the_market(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str, seen: str
) -> None:
    client = clients[venue]
    await script("key_expired", venue, ORDERS[venue], seconds=1.0)
    with pytest.raises(ccxt.BaseError, match=seen):
        await sell(client, "during")
    assert (await client.fetch_order_book("XRP/KRW" if venue == "upbit" else "XRP/USDT", 5))["asks"]
    assert placed(paper) == []

    async def renewed() -> bool:
        return not paper.world.conditions.hold(Condition.KEY_EXPIRED, Venue(venue))

    await eventually(renewed)
    await sell(client, "after")
    assert placed(paper) == ["after"]


async def test_a_key_that_is_locked_may_do_everything_but_withdraw(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any
) -> None:
    await script("key_locked", "upbit", "POST /v1/withdraws/coin", seconds=2.0)
    with pytest.raises(ccxt.BaseError, match="open_api_withdraw_locked"):
        await send(clients, "upbit")
    chance = await clients["upbit"].private_get_withdraws_chance({"currency": "XRP", "net_type": "XRP"})
    assert chance["member_level"]["wallet_locked"] is True
    await sell(clients["upbit"], "still")
    assert not paper.world.transfers.withdrawals

    async def unlocked() -> bool:
        return paper.world.may_withdraw

    await eventually(unlocked)
    await send(clients, "upbit")
    assert len(paper.world.transfers.withdrawals) == 1


async def test_conditions_by_hand(clients: Any, admin: Any, paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    await admin("condition", {"venue": "binance", "condition": "halted", "symbol": "XRPUSDT", "seconds": 60})
    info = await clients["binance"].public_get_exchangeinfo({"symbols": '["XRPUSDT","SOLUSDT"]'})
    assert {s["symbol"]: s["status"] for s in info["symbols"]} == {"XRPUSDT": "BREAK", "SOLUSDT": "TRADING"}
    with pytest.raises(ccxt.BaseError, match="Market is closed"):
        await sell(clients["binance"], "one")
    await admin("condition", {"venue": "binance", "condition": "halted", "symbol": "XRPUSDT", "seconds": 0})
    await sell(clients["binance"], "two")
    assert placed(paper) == ["two"]
    assert [e["last_ms"] for e in paper.world.journal.tail(9, "condition")] == [60_000, 0]
    for symbol, condition in (("NOPE", "halted"), ("XRPUSDT", "maintenance")):
        command = {"venue": "binance", "condition": condition, "symbol": symbol, "seconds": 1}
        async with http.post(f"http://127.0.0.1:{paper.admin_port}/_paper/condition", json=command) as response:
            assert response.status == 400
            assert "symbol" in await response.text()


def addresses_in(reported: Any) -> set[tuple[str | None, str | None]]:
    """Address and tag of XRP in any of the four answers."""
    rows = [
        row
        for row in (reported if isinstance(reported, list) else [reported])
        if "XRP" in (row.get("currency"), row.get("coin"))
    ]
    return {
        (
            row.get("deposit_address") or row.get("withdraw_address") or row.get("address"),
            row.get("secondary_address") or row.get("addressTag") or row.get("tag"),
        )
        for row in rows
    }


@pytest.mark.parametrize("kind", ["foreign_address", "foreign_tag"])
async def test_a_poisoned_address_is_told_once(clients: Any, script: Script, paper: PaperExchange, kind: str) -> None:
    upbit, binance = clients["upbit"], clients["binance"]
    questions = [
        ("upbit", lambda: upbit.private_get_deposits_coin_address({"currency": "XRP", "net_type": "XRP"})),
        ("upbit", upbit.private_get_withdraws_coin_addresses),
        ("binance", lambda: binance.sapi_get_capital_deposit_address({"coin": "XRP", "network": "XRP"})),
        ("binance", binance.sapi_get_capital_withdraw_address_list),
    ]
    for venue, ask in questions:
        ((address, tag),) = addresses_in(await ask())
        await script(kind, venue)
        await upbit.public_get_market_all()  # no answer about an address, so the fault waits
        ((forged, forged_tag),) = addresses_in(await ask())
        assert (forged != address, forged_tag != tag) == (kind == "foreign_address", kind == "foreign_tag")
        assert len(str(forged)) == len(str(address))
        assert addresses_in(await ask()) == {(address, tag)}
    assert len(injected(paper)) == 4


async def test_a_tag_is_made_up_where_there_is_none(clients: Any, script: Script) -> None:
    ask = clients["binance"].sapi_get_capital_deposit_address
    await script("foreign_tag", "binance")
    assert (await ask({"coin": "SOL", "network": "SOL"}))["tag"] == "1"
    assert (await ask({"coin": "SOL", "network": "SOL"}))["tag"] == ""


@pytest.mark.parametrize("behaviour", ["accept", "refuse"])
async def test_a_withdrawal_whose_answer_was_lost_sent_once_more(config: PaperConfig, behaviour: str) -> None:
    """Binance does not say what it makes of a `withdrawOrderId` that it has seen, so both are here."""
    changed = PaperConfig.model_validate(config.model_dump() | {"repeated_withdraw_order_id": behaviour})
    async with PaperExchange(changed) as paper, aiohttp.ClientSession() as http:
        client = binance_of(paper)
        target = paper.world.addresses.of(Venue.UPBIT, "SOL", "SOL")
        assert target is not None
        request = {"coin": "SOL", "network": "SOL", "amount": "10", "address": target.address}
        request |= {"withdrawOrderId": "w-1", "walletType": "0"}
        plan = {"scripted": [{"kind": "lost_answer", "venue": "binance", "route": "POST /sapi/*"}]}
        await http.put(f"http://127.0.0.1:{paper.admin_port}/_paper/faults", json=plan)
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await client.sapi_post_capital_withdraw_apply(request)
        if behaviour == "accept":
            await client.sapi_post_capital_withdraw_apply(request)
        else:
            with pytest.raises(ccxt.ExchangeError, match="withdrawOrderId was used before"):
                await client.sapi_post_capital_withdraw_apply(request)
        found = await client.sapi_get_capital_withdraw_history({"withdrawOrderId": "w-1"})
        await client.sapi_post_capital_withdraw_apply(request | {"withdrawOrderId": "w-2"})
        await client.close()
        taken = Decimal(100) - paper.world.accounts[Venue.BINANCE]["SOL"].total
        assert (len(found), int(taken)) == ((2, 30) if behaviour == "accept" else (1, 20))


def binance_of(paper: PaperExchange) -> Any:
    settings: Any = {"apiKey": "paper-binance", "secret": "paper-binance-secret", "enableRateLimit": False}
    client: Any = ccxt.async_support.binance(settings)
    client.urls["api"]["sapi"] = f"http://127.0.0.1:{paper.binance_port}/sapi/v1"
    return client
