"""Faults on request: what the client sees, and what the journal says was executed."""

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt
import pytest

from kimp.domain.market import Venue
from kimp.paper.config import PaperConfig
from kimp.paper.faults.kinds import ORDER, RECEIVING, REQUEST, SENDING, STREAM, FaultKind
from kimp.paper.server import PaperExchange

Script = Callable[..., Awaitable[Any]]
ORDERS = {"upbit": "POST /v1/orders", "binance": "POST /api/v3/order"}
SYMBOLS = {"upbit": "XRP/KRW", "binance": "XRP/USDT"}


@pytest.fixture
def script(admin: Any) -> Script:
    """`await script("reset", "binance", ROUTE, seconds=1)`: the next matching one."""

    async def queue(kind: str, venue: str, route: str = "*", **options: Any) -> Any:
        return await admin("faults/script", {"faults": [{"kind": kind, "venue": venue, "route": route} | options]})

    return queue


@pytest.fixture
async def clients(upbit: Any, binance: Any) -> dict[str, Any]:
    for client in (upbit, binance):
        await client.load_markets()
    return {"upbit": upbit, "binance": binance}


async def sell(client: Any, client_id: str) -> Any:
    return await client.create_order(SYMBOLS[client.id], "market", "sell", "100", None, {"clientOrderId": client_id})


def placed(paper: PaperExchange) -> list[str]:
    return [entry["client_id"] for entry in paper.world.journal.tail(1_000, "order")]


def injected(paper: PaperExchange) -> list[tuple[str, str]]:
    return [(entry["venue"], entry["fault"]) for entry in paper.world.journal.tail(1_000, "fault")]


NOT_EXECUTED = [
    ("reset", "upbit", ccxt.ExchangeNotAvailable),
    ("reset", "binance", ccxt.ExchangeNotAvailable),
    ("http_500", "binance", ccxt.ExchangeNotAvailable),
    ("http_502", "upbit", ccxt.ExchangeNotAvailable),
    ("http_503", "upbit", ccxt.ExchangeNotAvailable),
    ("rate_limit", "upbit", ccxt.ExchangeError),
    ("rate_limit", "binance", ccxt.DDoSProtection),
    ("rate_limit_text", "upbit", ccxt.RateLimitExceeded),
    ("internal_error", "upbit", ccxt.ExchangeError),
    ("internal_error", "binance", ccxt.OperationFailed),
    ("disconnected", "binance", ccxt.OperationFailed),
    ("clock_skew", "binance", ccxt.InvalidNonce),
    ("too_many_orders", "binance", ccxt.DDoSProtection),
    ("unknown_error", "binance", ccxt.OperationFailed),
]
EXECUTED = [
    ("lost_answer", "upbit", ccxt.ExchangeNotAvailable),
    ("lost_answer", "binance", ccxt.ExchangeNotAvailable),
    ("http_502_after", "upbit", ccxt.ExchangeNotAvailable),
    ("http_504_after", "binance", ccxt.RequestTimeout),
    ("unknown_error_after", "binance", ccxt.OperationFailed),
    ("status_unknown", "binance", ccxt.RequestTimeout),
    ("truncated_answer", "upbit", ccxt.ExchangeError),
]


@pytest.mark.parametrize(("kind", "venue", "seen"), NOT_EXECUTED)
async def test_before_execution(
    clients: Any, script: Script, paper: PaperExchange, kind: str, venue: str, seen: type[Exception]
) -> None:
    await script(kind, venue, ORDERS[venue])
    with pytest.raises(seen):
        await sell(clients[venue], "one")
    assert placed(paper) == []
    assert injected(paper) == [(venue, kind)]
    await sell(clients[venue], "two")
    assert placed(paper) == ["two"]


@pytest.mark.parametrize(("kind", "venue", "seen"), EXECUTED)
async def test_after_execution(
    clients: Any, script: Script, paper: PaperExchange, kind: str, venue: str, seen: type[Exception]
) -> None:
    await script(kind, venue, ORDERS[venue])
    with pytest.raises(seen):
        await sell(clients[venue], "one")
    assert placed(paper) == ["one"]
    assert injected(paper) == [(venue, kind)]


async def test_empty_answer_is_no_error_and_no_order(clients: Any, script: Script, paper: PaperExchange) -> None:
    await script("empty_answer", "upbit", ORDERS["upbit"])
    made = await sell(clients["upbit"], "one")
    assert made["id"] is None
    assert placed(paper) == ["one"]


@pytest.mark.parametrize(("kind", "executed"), [("hang", []), ("hang_after", ["one"])])
async def test_hanging_longer_than_the_client_waits(
    clients: Any, script: Script, paper: PaperExchange, kind: str, executed: list[str]
) -> None:
    binance = clients["binance"]
    binance.timeout = 300
    await script(kind, "binance", ORDERS["binance"], seconds=30)
    with pytest.raises(ccxt.RequestTimeout):
        await sell(binance, "one")
    assert placed(paper) == executed


@pytest.mark.parametrize("venue", ["upbit", "binance"])
async def test_late_execution_goes_on_after_the_client_has_gone(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str
) -> None:
    client = clients[venue]
    client.timeout = 200
    await script("late_execution", venue, ORDERS[venue], seconds=1)
    started = time.monotonic()
    with pytest.raises(ccxt.RequestTimeout):
        await sell(client, "one")
    client.timeout = 10_000
    with pytest.raises(ccxt.OrderNotFound):
        await look_up(client, "one")

    async def found() -> Any:
        return placed(paper)

    assert await eventually(found) == ["one"]
    assert time.monotonic() - started >= 1
    await look_up(client, "one")


async def look_up(client: Any, client_id: str) -> Any:
    if client.id == "upbit":
        return await client.private_get_order({"identifier": client_id})
    return await client.private_get_order({"symbol": "XRPUSDT", "origClientOrderId": client_id})


async def test_refusals_tell_when_to_come_back(paper: PaperExchange, http: aiohttp.ClientSession, admin: Any) -> None:
    binance, upbit = f"http://127.0.0.1:{paper.binance_port}", f"http://127.0.0.1:{paper.upbit_port}"
    faults = [
        {"kind": "rate_limit", "venue": "upbit"},
        {"kind": "rate_limit", "venue": "binance", "seconds": 3},
        {"kind": "ban", "venue": "binance", "seconds": 1.2},
    ]
    await admin("faults/script", {"faults": faults})
    async with http.get(f"{upbit}/v1/market/all") as response:
        assert response.status == 429
        assert response.headers["Remaining-Req"].endswith("sec=0")
        assert (await response.json())["error"]["name"] == "too_many_requests"
    async with http.get(f"{binance}/api/v3/time") as response:
        assert (response.status, response.headers["Retry-After"]) == (429, "3")
        assert (await response.json())["code"] == -1003
    for _ in range(3):  # for as long as it says
        async with http.get(f"{binance}/api/v3/time") as response:
            assert (response.status, response.headers["Retry-After"]) in ((418, "2"), (418, "1"))
    deadline = time.monotonic() + 5
    while True:
        async with http.get(f"{binance}/api/v3/time") as response:
            if response.status == 200:
                break
        assert time.monotonic() < deadline
    assert [fault for _, fault in injected(paper)] == ["rate_limit", "rate_limit", "ban"]


@pytest.mark.parametrize("venue", ["upbit", "binance"])
async def test_order_faults(clients: Any, script: Script, paper: PaperExchange, admin: Any, venue: str) -> None:
    client = clients[venue]
    await script("insufficient_balance", venue)
    with pytest.raises(ccxt.InsufficientFunds):
        await sell(client, "poor")
    assert placed(paper) == []

    await script("partial_fill", venue)
    await sell(client, "part")
    part = paper.world.journal.tail(1, "order_closed")[0]
    assert (part["client_id"], part["state"], part["executed"]) == ("part", "expired", "50")
    shown = await look_up(client, "part")
    assert shown.get("executed_volume") == "50" or shown.get("executedQty") == "50.00000000"
    assert shown.get("state") == "cancel" or shown.get("status") == "EXPIRED"

    await script("not_yet_visible", venue, seconds=0.5)
    started = time.monotonic()
    await sell(client, "shy")
    assert placed(paper) == ["part", "shy"]
    misses = 0
    while True:
        try:
            await look_up(client, "shy")
        except ccxt.OrderNotFound:
            misses += 1
        else:
            break
    assert misses
    assert time.monotonic() - started >= 0.4
    await conserved(admin)


async def conserved(admin: Any) -> None:
    """Every balance is exactly what the counterparties gave."""
    for assets in (await admin("balances")).values():
        for balance in assets.values():
            assert Decimal(balance["total"]) == sum(map(Decimal, balance["given"].values()))


async def send(clients: Any, venue: str) -> Any:
    """50 XRP to the other venue."""
    to_upbit = venue == "binance"
    target = await clients["upbit" if to_upbit else "binance"].fetch_deposit_address("XRP", {"network": "XRP"})
    return await clients[venue].withdraw("XRP", "50", target["address"], {"network": "XRP", "tag": target["tag"]})


async def withdrawal_state(clients: Any, venue: str) -> str:
    if venue == "upbit":
        return str((await clients["upbit"].private_get_withdraws({"currency": "XRP"}))[0]["state"])
    return str((await clients["binance"].sapi_get_capital_withdraw_history({"coin": "XRP"}))[0]["status"])


async def deposit_state(clients: Any, venue: str) -> str | None:
    if venue == "upbit":
        rows, field = await clients["upbit"].private_get_deposits({"currency": "XRP"}), "state"
    else:
        rows, field = await clients["binance"].sapi_get_capital_deposit_hisrec({"coin": "XRP"}), "status"
    return str(rows[0][field]) if rows else None


def held(paper: PaperExchange, venue: str) -> Decimal:
    return paper.world.accounts[Venue(venue)]["XRP"].total


@pytest.mark.parametrize(
    ("kind", "venue", "state"),
    [
        ("withdrawal_failed", "upbit", "FAILED"),
        ("withdrawal_rejected", "upbit", "REJECTED"),
        ("withdrawal_cancelled", "upbit", "CANCELLED"),
        ("withdrawal_failed", "binance", "5"),
        ("withdrawal_rejected", "binance", "3"),
        ("withdrawal_cancelled", "binance", "1"),
    ],
)
async def test_withdrawal_that_ends_gives_the_coins_back(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, kind: str, venue: str, state: str
) -> None:
    await script(kind, venue, "WITHDRAW XRP")
    await send(clients, venue)

    async def ended() -> bool:
        return await withdrawal_state(clients, venue) == state

    await eventually(ended)
    assert held(paper, venue) == Decimal(10_000)
    assert paper.world.accounts[Venue(venue)]["XRP"].locked == 0
    steps = [entry["step"] for entry in paper.world.journal.tail(100, "withdrawal")]
    assert steps == ["accepted", kind.removeprefix("withdrawal_")]
    assert not paper.world.transfers.deposits
    await conserved(admin)


@pytest.mark.parametrize(("venue", "state"), [("upbit", "PROCESSING"), ("binance", "4")])
async def test_withdrawal_stuck_in_processing(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str, state: str
) -> None:
    await script("withdrawal_stuck", venue, seconds=0.7)
    await send(clients, venue)

    async def processing() -> bool:
        return await withdrawal_state(clients, venue) == state

    await eventually(processing)
    started = time.monotonic()

    async def seen() -> bool:
        return bool(paper.world.transfers.deposits)

    await eventually(seen)
    assert time.monotonic() - started > 0.4


async def test_wallet_suspended_before_and_after_it_left(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any
) -> None:
    await script("wallet_suspended", "upbit", "WITHDRAW XRP", seconds=0.5)
    await script("wallet_suspended", "binance", "DEPOSIT XRP", seconds=0.5)
    await send(clients, "upbit")
    assert (await clients["upbit"].private_get_withdraws_chance({"currency": "XRP", "net_type": "XRP"}))["currency"][
        "wallet_state"
    ] == "paused"
    assert await withdrawal_state(clients, "upbit") == "WAITING"

    async def credited() -> bool:
        return await deposit_state(clients, "binance") == "1"

    await eventually(credited)
    changes = [(e["venue"], e["state"]) for e in paper.world.journal.tail(100, "wallet")]
    assert changes == [("upbit", "paused"), ("upbit", "working"), ("binance", "paused"), ("binance", "working")]


async def test_fee_surprise(clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any) -> None:
    await script("fee_surprise", "upbit")
    await script("fee_surprise", "binance")
    ours = await send(clients, "upbit")
    await send(clients, "binance")
    theirs = (await clients["binance"].sapi_get_capital_withdraw_history({"coin": "XRP"}))[0]
    assert (ours["info"]["amount"], ours["info"]["fee"]) == ("50", "2")
    assert (theirs["amount"], theirs["transactionFee"]) == ("49.6", "0.4")

    async def both() -> bool:
        return [await deposit_state(clients, "upbit"), await deposit_state(clients, "binance")] == ["ACCEPTED", "1"]

    await eventually(both)
    assert held(paper, "upbit") == Decimal(10_000) - 52 + Decimal("49.6")
    assert held(paper, "binance") == Decimal(10_000) - 50 + 50
    await conserved(admin)


@pytest.mark.parametrize(
    ("kind", "venue", "state"),
    [
        ("deposit_held", "upbit", "TRAVEL_RULE_SUSPECTED"),
        ("deposit_held", "binance", "8"),
        ("deposit_delayed", "upbit", "PROCESSING"),
        ("deposit_delayed", "binance", "0"),
    ],
)
async def test_deposit_waits_though_the_sender_is_done(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, kind: str, venue: str, state: str
) -> None:
    sender = Venue(venue).other.value
    before = held(paper, venue)
    await script(kind, venue, "DEPOSIT XRP", seconds=0.7)
    await send(clients, sender)

    async def sent() -> bool:
        return await withdrawal_state(clients, sender) in ("DONE", "6")

    await eventually(sent)
    assert await deposit_state(clients, venue) == state
    assert held(paper, venue) == before

    async def credited() -> bool:
        return await deposit_state(clients, venue) in ("ACCEPTED", "1")

    await eventually(credited)
    assert held(paper, venue) > before


async def test_deposit_rejected_by_upbit(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any
) -> None:
    await script("deposit_rejected", "upbit")
    await send(clients, "binance")

    async def rejected() -> bool:
        return await deposit_state(clients, "upbit") == "REJECTED"

    await eventually(rejected)
    assert held(paper, "upbit") == Decimal(10_000)
    lost = paper.world.journal.tail(1, "lost")[0]
    assert (lost["why"], lost["amount"]) == ("deposit rejected", "49.8")
    await conserved(admin)


async def test_plan_over_http(paper: PaperExchange, http: aiohttp.ClientSession, clients: Any) -> None:
    url = f"http://127.0.0.1:{paper.admin_port}/_paper/faults"
    plan = {
        "seed": 7,
        "rules": [{"kind": "lost_answer", "rate": 1, "venue": "binance", "route": "POST *"}],
        "scripted": [{"kind": "reset", "venue": "binance", "route": "POST *", "times": 2}],
    }
    async with http.put(url, json=plan) as response:
        assert response.status == 200
        shown = await response.json()
    assert shown["plan"]["seed"] == 7
    assert shown["waiting"][0]["times"] == 2
    for name in ("a", "b", "c", "d"):
        with pytest.raises(ccxt.ExchangeNotAvailable):
            await sell(clients["binance"], name)
    assert placed(paper) == ["c", "d"]
    await sell(clients["upbit"], "other venue")
    entry = paper.world.journal.tail(1, "fault")[0]
    assert (entry["venue"], entry["fault"], entry["route"], entry["seed"], entry["draw"]) == (
        "binance",
        "lost_answer",
        "POST /api/v3/order",
        7,
        2,
    )
    async with http.get(url) as response:
        assert (await response.json())["counts"] == {"reset": 2, "lost_answer": 2}
    async with http.delete(url) as response:
        cleared = await response.json()
    assert (cleared["plan"]["rules"], cleared["waiting"]) == ([], [])
    assert cleared["counts"] == {"reset": 2, "lost_answer": 2}
    await sell(clients["binance"], "e")


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        ({"rules": [{"kind": "reset", "rate": 1.5}]}, "rules.0.rate"),
        ({"rules": [{"kind": "nonsense", "rate": 1}]}, "rules.0.kind"),
        ({"rules": [{"kind": "clock_skew", "rate": 1, "venue": "upbit"}]}, "clock_skew exists on binance only"),
        ({"scripted": [{"kind": "late_execution", "seconds": 5}]}, "late_execution lasts at most 4 seconds"),
        ({"scripted": [{"kind": "reset", "seconds": 5}]}, "reset takes no seconds"),
    ],
)
async def test_plans_that_cannot_be(
    paper: PaperExchange, http: aiohttp.ClientSession, plan: dict[str, Any], text: str
) -> None:
    async with http.put(f"http://127.0.0.1:{paper.admin_port}/_paper/faults", json=plan) as response:
        assert response.status == 400
        assert text in await response.text()


async def fates(config: PaperConfig, seed: int, other_every: int) -> list[int]:
    """The status of fifty requests, with other requests in between that may meet faults too."""
    rules = [{"kind": kind, "rate": 0.2, "route": "GET *"} for kind in ("http_500", "http_502", "http_503")]
    faulty = PaperConfig.model_validate(config.model_dump() | {"faults": {"seed": seed, "rules": rules}})
    statuses: list[int] = []
    async with PaperExchange(faulty) as paper, aiohttp.ClientSession() as http:
        for number in range(50):
            async with http.get(f"http://127.0.0.1:{paper.binance_port}/api/v3/time") as response:
                statuses.append(response.status)
            if number % other_every == 0:
                await http.get(f"http://127.0.0.1:{paper.binance_port}/api/v3/ping")
    return statuses


async def test_same_seed_same_faults(config: PaperConfig) -> None:
    first, again, other = await fates(config, 1, 2), await fates(config, 1, 3), await fates(config, 2, 2)
    assert first == again != other
    assert set(first) == {200, 500, 502, 503}
    assert 20 <= sum(status != 200 for status in first) <= 40


def test_every_kind_has_a_family() -> None:
    assert set(FaultKind) == REQUEST | ORDER | SENDING | RECEIVING | STREAM
