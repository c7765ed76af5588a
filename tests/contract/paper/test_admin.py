"""The side door, and the exact sum of all books."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import ccxt
import pytest

from kimp.paper.server import PaperExchange


async def test_balances_are_what_the_counterparties_gave(
    upbit: Any, binance: Any, admin: Any, eventually: Any, paper: PaperExchange
) -> None:
    await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": 3_333_333})
    await upbit.create_order("XRP/KRW", "limit", "sell", "77.7", "9000")
    await binance.create_order("SOL/USDT", "market", "sell", "3.333")
    target = await binance.fetch_deposit_address("XRP", {"network": "XRP"})
    made = await upbit.withdraw("XRP", "100.5", target["address"], {"tag": target["tag"], "network": "XRP"})

    async def done() -> Any:
        transfers = await admin("transfers")
        return transfers["deposits"] and transfers["deposits"][0]["step"] == "credited"

    for _ in range(2):  # in flight, and after
        for assets in (await admin("balances")).values():
            for balance in assets.values():
                total = Decimal(balance["free"]) + Decimal(balance["locked"])
                assert total == Decimal(balance["total"]) == sum(map(Decimal, balance["given"].values()))
        await eventually(done)
    chain: defaultdict[str, Decimal] = defaultdict(Decimal)
    for assets in (await admin("balances")).values():
        for asset, balance in assets.items():
            chain[asset] += Decimal(balance["given"].get("chain", "0"))
    assert set(chain.values()) == {Decimal(0)}
    orders = await admin("orders")
    assert {order["state"] for order in orders["upbit"]} == {"cancelled", "open"}
    assert (await admin("transfers"))["withdrawals"][0]["uuid"] == made["id"]


async def test_journal_replays_to_the_balances_and_holds_no_secret(
    upbit: Any, binance: Any, admin: Any, paper: PaperExchange, config: Any
) -> None:
    await upbit.create_order("XRP/KRW", "market", "buy", 1, None, {"cost": 3_333_333, "clientOrderId": "j-1"})
    await binance.create_order("SOL/USDT", "limit", "sell", "3.333", "200")
    path: Path = config.journal_path
    text = path.read_text()
    entries = [json.loads(line) for line in text.splitlines()]
    assert [entry["n"] for entry in entries] == list(range(1, len(entries) + 1))
    totals: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for entry in entries:
        if entry["kind"] == "balance":
            totals[entry["venue"], entry["asset"]] += Decimal(entry["free"]) + Decimal(entry["locked"])
    for venue, assets in (await admin("balances")).items():
        assert {asset: totals[venue, asset] for asset in assets} == {a: Decimal(b["total"]) for a, b in assets.items()}
    assert {"request", "order", "fill", "order_closed", "balance"} <= {entry["kind"] for entry in entries}
    assert "paper-upbit" in text
    assert "secret" not in text
    assert "signature" not in text
    assert (await admin("journal?limit=1&kind=fill"))[0]["client_id"] == "j-1"


async def test_premium_is_forced_at_once_and_ends(upbit: Any, binance: Any, admin: Any, eventually: Any) -> None:
    async def premium() -> float:
        won = (await upbit.fetch_order_book("XRP/KRW", 1))["asks"][0][0]
        rate = (await upbit.fetch_order_book("USDT/KRW", 1))["asks"][0][0]
        dollars = (await binance.fetch_order_book("XRP/USDT", 5))["asks"][0][0]
        return float(won / (dollars * rate) - 1)

    assert abs(await premium()) < 0.003
    await admin("premium", {"coin": "XRP", "premium": "0.015", "seconds": 1.5})
    assert 0.012 < await premium() < 0.018

    async def closed() -> bool:
        return abs(await premium()) < 0.003

    await eventually(closed)


async def test_bad_commands_say_what_to_mend(paper: PaperExchange, http: aiohttp.ClientSession) -> None:
    base = f"http://127.0.0.1:{paper.admin_port}/_paper"
    for name, command, text in (
        ("wallet", {"venue": "kraken", "coin": "XRP", "state": "working"}, "venue"),
        ("wallet", {"venue": "upbit", "coin": "NOPE", "state": "working"}, "XRP, SOL"),
        ("premium", {"coin": "XRP", "premium": "nan", "seconds": 1}, "premium"),
        ("registrations", {"venue": "upbit", "coin": "NOPE", "addresses": []}, "XRP, SOL"),
        ("registrations", {"venue": "upbit", "coin": "XRP", "addresses": [{"network": "XRP"}]}, "addresses.0.address"),
        ("premium", {"coin": "XRP", "premium": "0.1"}, "seconds"),
    ):
        async with http.post(f"{base}/{name}", json=command) as response:
            assert response.status == 400
            assert text in await response.text()


async def test_a_registration_can_be_changed_and_taken_off(
    upbit: Any, binance: Any, admin: Any, paper: PaperExchange
) -> None:
    """At first each venue has all addresses of the other one."""
    own = await admin("addresses")
    assert await admin("registrations") == {"upbit": own["binance"], "binance": own["upbit"]}
    poison = [{"network": "XRP", "address": "rElsewhere", "tag": "7"}]
    for venue in ("upbit", "binance"):
        await admin("registrations", {"venue": venue, "coin": "XRP", "addresses": poison})
    listed = [row for row in await upbit.private_get_withdraws_coin_addresses() if row["currency"] == "XRP"]
    assert [(row["withdraw_address"], row["secondary_address"]) for row in listed] == [("rElsewhere", "7")]
    book = [row for row in await binance.sapi_get_capital_withdraw_address_list() if row["coin"] == "XRP"]
    assert [(row["address"], row["addressTag"], row["whiteStatus"]) for row in book] == [("rElsewhere", "7", True)]
    target = await binance.fetch_deposit_address("XRP", {"network": "XRP"})
    with pytest.raises(ccxt.ExchangeError, match="withdraw_address_not_registered"):
        await upbit.withdraw("XRP", "100", target["address"], {"tag": target["tag"], "network": "XRP"})
    await admin("registrations", {"venue": "upbit", "coin": "XRP", "addresses": []})
    assert "XRP" not in {row["currency"] for row in await upbit.private_get_withdraws_coin_addresses()}
    assert "XLM" in {row["currency"] for row in await upbit.private_get_withdraws_coin_addresses()}
    assert paper.world.journal.tail(1, "registration")[0]["addresses"] == []
    assert not paper.world.transfers.withdrawals


async def test_health(admin: Any) -> None:
    assert (await admin("health"))["status"] == "up"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:1"}, 200),
        ({"Host": "[::1]:1"}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": "127.0.0.1.evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_no_web_page_gets_at_the_side_door(paper: PaperExchange, headers: dict[str, str], status: int) -> None:
    url = f"http://127.0.0.1:{paper.admin_port}/_paper/withdraw_lock"
    sent = {"Content-Type": "application/json", **headers}
    async with aiohttp.ClientSession() as http, http.post(url, data=b'{"locked": false}', headers=sent) as response:
        assert response.status == status, await response.text()
