"""What the tests of faults share: orders and transfers through unmodified ccxt, and what the journal says of them."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

from kimp.domain.venues import Venue
from kimp.paper.server import PaperExchange

Script = Callable[..., Awaitable[Any]]
ORDERS = {"upbit": "POST /v1/orders", "binance": "POST /api/v3/order"}
SYMBOLS = {"upbit": "XRP/KRW", "binance": "XRP/USDT"}


async def sell(client: Any, client_id: str) -> Any:
    return await client.create_order(SYMBOLS[client.id], "market", "sell", "100", None, {"clientOrderId": client_id})


def placed(paper: PaperExchange) -> list[str]:
    return [entry["client_id"] for entry in paper.world.journal.tail(1_000, "order")]


def injected(paper: PaperExchange) -> list[tuple[str, str]]:
    return [(entry["venue"], entry["fault"]) for entry in paper.world.journal.tail(1_000, "fault")]


async def look_up(client: Any, client_id: str) -> Any:
    if client.id == "upbit":
        return await client.private_get_order({"identifier": client_id})
    return await client.private_get_order({"symbol": "XRPUSDT", "origClientOrderId": client_id})


async def conserved(admin: Any) -> None:
    """Every balance is exactly what the counterparties gave."""
    for assets in (await admin("balances")).values():
        for balance in assets.values():
            assert Decimal(balance["total"]) == sum(map(Decimal, balance["given"].values()))


async def send(clients: Any, venue: str) -> Any:
    """50 XRP to the other venue."""
    to_upbit = venue == "binance"
    target = await clients["upbit" if to_upbit else "binance"].fetch_deposit_address("XRP", {"network": "XRP"})
    params = {"network": "XRP", "tag": target["tag"]} | ({"walletType": "0"} if venue == "binance" else {})
    return await clients[venue].withdraw("XRP", "50", target["address"], params)


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
