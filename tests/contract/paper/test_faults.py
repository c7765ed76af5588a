"""Faults on request: what the client sees, and what the journal says was executed."""

import asyncio
import time
from typing import Any

import aiohttp
import ccxt
import pytest
from contract.paper.faulty import (
    ORDERS,
    Script,
    conserved,
    injected,
    look_up,
    placed,
    sell,
)

from kimp.domain.venues import Venue
from kimp.paper.config import PaperConfig
from kimp.paper.faults.kinds import ORDER, RECEIVING, REQUEST, SENDING, STREAM, FaultKind
from kimp.paper.faults.plan import ScriptedFault
from kimp.paper.server import PaperExchange

NOT_EXECUTED = [
    ("reset", "upbit", ccxt.ExchangeNotAvailable),
    ("reset", "binance", ccxt.ExchangeNotAvailable),
    ("http_500", "binance", ccxt.ExchangeNotAvailable),
    ("http_502", "upbit", ccxt.ExchangeNotAvailable),
    ("http_503", "upbit", ccxt.ExchangeNotAvailable),
    ("waf_403", "upbit", ccxt.ExchangeNotAvailable),
    ("waf_403", "binance", ccxt.ExchangeNotAvailable),
    ("rate_limit", "upbit", ccxt.ExchangeError),
    ("rate_limit", "binance", ccxt.DDoSProtection),
    ("rate_limit_text", "upbit", ccxt.RateLimitExceeded),
    ("internal_error", "upbit", ccxt.ExchangeError),
    ("internal_error", "binance", ccxt.OperationFailed),
    ("disconnected", "binance", ccxt.OperationFailed),
    ("overloaded", "binance", ccxt.OperationFailed),
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
    ("unexpected_response", "binance", ccxt.OperationFailed),
    ("nonce_used", "upbit", ccxt.ExchangeError),
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


@pytest.mark.parametrize("kind", ["empty_answer", "garbled_answer"])
async def test_an_answer_that_says_nothing_is_no_error_and_no_order(
    clients: Any, script: Script, paper: PaperExchange, kind: str
) -> None:
    await script(kind, "upbit", ORDERS["upbit"])
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


async def test_what_waits_longer_than_its_time_window_was_let_in_before(
    clients: Any, paper: PaperExchange, eventually: Any
) -> None:
    """Binance looks at a request's age at its edge; behind that an order may wait as long as it likes."""
    binance = clients["binance"]
    binance.options["recvWindow"], binance.timeout = 500, 200
    late = ScriptedFault.model_construct(
        kind=FaultKind.BEYOND_THE_FENCE, venue=Venue.BINANCE, route=ORDERS["binance"], seconds=1.0, times=1
    )
    paper.world.faults.injector.script((late,))
    with pytest.raises(ccxt.RequestTimeout):
        await sell(binance, "one")
    assert placed(paper) == []

    async def found() -> Any:
        return placed(paper)

    assert await eventually(found) == ["one"]


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
            await asyncio.sleep(0.05)  # a fast machine would meet the venue's limit instead
        else:
            break
    assert misses
    assert time.monotonic() - started >= 0.4
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
        ({"scripted": [{"kind": "beyond_the_fence", "seconds": 5}]}, "beyond_the_fence lasts at least 25 seconds"),
        ({"scripted": [{"kind": "nonce_used", "venue": "binance"}]}, "nonce_used exists on upbit only"),
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
    """But for the one that only a plan that means it may name."""
    assert set(FaultKind) - {FaultKind.BEYOND_THE_FENCE} == REQUEST | ORDER | SENDING | RECEIVING | STREAM


async def test_a_row_without_values(clients: Any, script: Script) -> None:
    """The first of a list, or the rules of one coin; the next answer is whole again."""
    upbit, binance = clients["upbit"], clients["binance"]
    wallet = {"currency": "XRP", "net_type": "XRP"}
    for kind_venue in ("upbit", "binance"):
        await script("null_row", kind_venue)
    first, *others = await upbit.private_get_accounts()
    assert (first["balance"], first["currency"]) == (None, "KRW")
    assert all(row["balance"] for row in others)
    assert (await binance.private_get_account())["balances"][0]["free"] is None
    await script("null_row", "upbit")
    chance = await upbit.private_get_withdraws_chance(wallet)
    assert (chance["withdraw_limit"]["minimum"], chance["withdraw_limit"]["fixed"]) == (None, None)
    assert (await upbit.private_get_withdraws_chance(wallet))["withdraw_limit"]["minimum"]
