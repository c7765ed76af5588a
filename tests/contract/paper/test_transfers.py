"""Withdrawals, and the deposits they become, through ccxt on both sides."""

from decimal import Decimal
from typing import Any

import ccxt
import pytest

from kimp.domain.venues import Venue
from kimp.paper.server import PaperExchange
from kimp.paper.transfer import TransferVerdict


async def addresses(binance: Any, upbit: Any, coin: str, network: str) -> tuple[Any, Any]:
    theirs = await binance.sapi_get_capital_deposit_address({"coin": coin, "network": network})
    ours = await upbit.private_get_deposits_coin_address({"currency": coin, "net_type": network})
    return theirs, ours


async def test_upbit_to_binance_with_a_tag(upbit: Any, binance: Any, paper: PaperExchange, eventually: Any) -> None:
    target = await binance.fetch_deposit_address("XRP", {"network": "XRP"})
    assert target["tag"].isdecimal()
    made = await upbit.withdraw("XRP", "100.5", target["address"], {"tag": target["tag"], "network": "XRP"})
    assert made["info"]["state"] == "WAITING"
    assert made["info"]["is_cancelable"] is True
    assert (made["info"]["amount"], made["info"]["fee"], made["info"]["txid"]) == ("100.5", "1", None)
    states: set[int] = set()

    async def arrived() -> Any:
        rows = await binance.sapi_get_capital_deposit_hisrec({"coin": "XRP"})
        states.update(int(row["status"]) for row in rows)
        return rows and int(rows[0]["status"]) == 1 and rows[0]

    deposit = await eventually(arrived)
    sent = (await upbit.fetch_withdrawal(made["id"]))["info"]
    assert (sent["state"], sent["txid"]) == ("DONE", deposit["txId"])
    assert deposit["amount"] == "100.5"
    assert states <= {0, 6, 1}
    assert paper.world.accounts[Venue.UPBIT]["XRP"].total == Decimal(10_000) - Decimal("101.5")
    assert paper.world.accounts[Venue.BINANCE]["XRP"].total == Decimal("10100.5")


async def test_binance_to_upbit_takes_the_fee_out(upbit: Any, binance: Any, eventually: Any) -> None:
    target = await upbit.fetch_deposit_address("SOL", {"network": "SOL"})
    assert target["tag"] is None
    made = await binance.withdraw(
        "SOL", "10", target["address"], {"network": "SOL", "walletType": "0", "withdrawOrderId": "w-1"}
    )

    async def arrived() -> Any:
        rows = await upbit.fetch_deposits("SOL")
        return rows and rows[0]["info"]["state"] == "ACCEPTED" and rows[0]["info"]

    deposit = await eventually(arrived)
    sent = await binance.sapi_get_capital_withdraw_history({"withdrawOrderId": "w-1"})
    assert [(w["id"], w["amount"], w["transactionFee"], int(w["status"])) for w in sent] == [
        (made["id"], "9.999", "0.001", 6)
    ]
    assert (deposit["amount"], deposit["txid"]) == ("9.999", sent[0]["txId"])
    assert await upbit.private_get_deposit({"txid": deposit["txid"]}) == deposit
    accounts = {row["currency"]: row["balance"] for row in await upbit.private_get_accounts()}
    assert accounts["SOL"] == "9.999"


async def test_usdt_travels_on_tron_both_ways(upbit: Any, binance: Any, eventually: Any) -> None:
    theirs, ours = await addresses(binance, upbit, "USDT", "TRX")
    await binance.withdraw("USDT", "1000", ours["deposit_address"], {"network": "TRX", "walletType": "0"})

    async def landed() -> Any:
        rows = await upbit.fetch_deposits("USDT")
        return rows and rows[0]["info"]["state"] == "ACCEPTED"

    await eventually(landed)
    sent = await upbit.withdraw("USDT", "500", theirs["address"], {"network": "TRX"})

    async def back() -> Any:
        rows = await binance.fetch_deposits("USDT")
        return rows and int(rows[0]["info"]["status"]) == 1 and rows[0]["info"]

    assert (await eventually(back))["amount"] == "500"
    assert sent["info"]["currency"] == "USDT"


async def test_the_same_withdrawal_sent_twice_is_two(binance: Any, upbit: Any) -> None:
    _, ours = await addresses(binance, upbit, "XRP", "XRP")
    params = {"network": "XRP", "tag": ours["secondary_address"], "withdrawOrderId": "twice", "walletType": "0"}
    first, second = [await binance.withdraw("XRP", "50", ours["deposit_address"], params) for _ in range(2)]
    found = await binance.sapi_get_capital_withdraw_history({"withdrawOrderId": "twice"})
    assert {w["id"] for w in found} == {first["id"], second["id"]}


async def test_missing_tag_is_lost(binance: Any, upbit: Any, paper: PaperExchange, eventually: Any) -> None:
    _, ours = await addresses(binance, upbit, "XRP", "XRP")
    # ccxt itself refuses; others do not.
    request = {"coin": "XRP", "network": "XRP", "amount": "50", "address": ours["deposit_address"], "walletType": "0"}
    await binance.sapi_post_capital_withdraw_apply(request)

    async def gone() -> Any:
        rows = await binance.sapi_get_capital_withdraw_history({"coin": "XRP"})
        return int(rows[0]["status"]) == 6

    await eventually(gone)
    assert not paper.world.transfers.deposits
    assert paper.world.journal.tail(1, "lost")[0]["why"] == "wrong or missing tag"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"address": "rUnknownAddress"}, "withdraw_address_not_registered"),
        ({"secondary_address": "1"}, "withdraw_address_not_registered"),
        ({"secondary_address": None}, "withdraw_address_not_registered"),
        ({"amount": "1.9"}, "withdraw_minimum_not_met"),
        ({"amount": "100.1234567"}, "validation_error"),
        ({"amount": "9999.5"}, "withdraw_insufficient_balance"),
        ({"net_type": "ETH"}, "validation_error"),
    ],
)
async def test_upbit_refusals(
    upbit: Any, binance: Any, paper: PaperExchange, change: dict[str, str | None], error: str
) -> None:
    theirs, _ = await addresses(binance, upbit, "XRP", "XRP")
    request = {
        "currency": "XRP",
        "net_type": "XRP",
        "amount": "100",
        "address": theirs["address"],
        "secondary_address": theirs["tag"],
    } | change
    with pytest.raises(ccxt.ExchangeError, match=error):
        await upbit.private_post_withdraws_coin({k: v for k, v in request.items() if v is not None})
    assert not paper.world.transfers.withdrawals


@pytest.mark.parametrize(
    ("coin", "change", "code"),
    [
        ("XRP", {"amount": "20000"}, "-4026"),
        ("XRP", {"amount": "1"}, "-4022"),
        ("XRP", {"amount": "10.1234567"}, "-4021"),
        ("XRP", {"network": "ETH"}, "-4019"),
        ("NOPE", {}, "-4018"),
        ("SOL", {"addressTag": "1"}, "-4106"),
    ],
)
async def test_binance_refusals(
    binance: Any, paper: PaperExchange, coin: str, change: dict[str, str], code: str
) -> None:
    request = {"coin": coin, "network": coin, "amount": "10", "address": "rAnywhere", "walletType": "0"} | change
    with pytest.raises(ccxt.ExchangeError, match=code):
        await binance.sapi_post_capital_withdraw_apply(request)
    assert not paper.world.transfers.withdrawals


async def test_suspended_wallet_shows_and_refuses(upbit: Any, binance: Any, admin: Any) -> None:
    theirs, ours = await addresses(binance, upbit, "TRX", "TRX")
    for venue in ("upbit", "binance"):
        await admin("wallet", {"venue": venue, "coin": "TRX", "state": "deposit_only"})
    status = {row["currency"]: row["wallet_state"] for row in await upbit.private_get_status_wallet()}
    assert (status["TRX"], status["XRP"]) == ("deposit_only", "working")
    chance = await upbit.private_get_withdraws_chance({"currency": "TRX", "net_type": "TRX"})
    assert chance["withdraw_limit"]["can_withdraw"] is False
    with pytest.raises(ccxt.ExchangeError, match="wallet_not_working"):
        await upbit.withdraw("TRX", "100", theirs["address"], {"network": "TRX"})
    coins = {row["coin"]: row for row in await binance.sapi_get_capital_config_getall()}
    assert coins["TRX"]["networkList"][0]["withdrawEnable"] is False
    assert coins["TRX"]["networkList"][0]["depositEnable"] is True
    with pytest.raises(ccxt.ExchangeError, match="-4019"):
        await binance.withdraw("TRX", "100", ours["deposit_address"], {"network": "TRX", "walletType": "0"})


async def test_deposit_waits_for_a_wallet_that_closed_on_the_way(
    upbit: Any, binance: Any, admin: Any, eventually: Any, paper: PaperExchange
) -> None:
    theirs, _ = await addresses(binance, upbit, "TRX", "TRX")
    await admin("wallet", {"venue": "binance", "coin": "TRX", "state": "paused"})
    made = await upbit.withdraw("TRX", "100", theirs["address"], {"network": "TRX"})

    async def sent() -> Any:
        return (await upbit.fetch_withdrawal(made["id"]))["info"]["state"] == "DONE"

    await eventually(sent)
    assert paper.world.accounts[Venue.BINANCE]["TRX"].total == 0
    rows = await binance.sapi_get_capital_deposit_hisrec({"coin": "TRX"})
    assert [int(row["status"]) for row in rows] == [0]
    await admin("wallet", {"venue": "binance", "coin": "TRX", "state": "working"})

    async def credited() -> Any:
        return paper.world.accounts[Venue.BINANCE]["TRX"].total == 100

    await eventually(credited)


async def test_withdrawal_lock_of_the_key(upbit: Any, binance: Any, admin: Any) -> None:
    theirs, _ = await addresses(binance, upbit, "TRX", "TRX")
    await admin("withdraw_lock", {"locked": True})
    with pytest.raises(ccxt.ExchangeError, match="open_api_withdraw_locked"):
        await upbit.withdraw("TRX", "100", theirs["address"], {"network": "TRX"})


async def test_cancel_before_it_leaves(upbit: Any, binance: Any, paper: PaperExchange) -> None:
    class Held:
        def accept(self, withdrawal: Any) -> None:
            pass

        def before(self, withdrawal: Any, step: Any) -> TransferVerdict:
            return TransferVerdict(wait_ms=60_000)

    paper.world.transfers.hook = Held()
    theirs, _ = await addresses(binance, upbit, "TRX", "TRX")
    made = await upbit.withdraw("TRX", "100", theirs["address"], {"network": "TRX"})
    accounts = paper.world.accounts[Venue.UPBIT]
    assert accounts["TRX"].locked == 101
    cancelled = await upbit.private_delete_withdraws_coin({"uuid": made["id"]})
    assert cancelled["state"] == "CANCELLED"
    assert (accounts["TRX"].free, accounts["TRX"].locked) == (Decimal(10_000), Decimal(0))
    with pytest.raises(ccxt.ExchangeError, match="withdraw_not_found"):
        await upbit.private_delete_withdraws_coin({"uuid": made["id"]})


async def test_addresses_and_key(upbit: Any, binance: Any, admin: Any) -> None:
    allowed = await upbit.private_get_withdraws_coin_addresses()
    theirs, ours = await addresses(binance, upbit, "XLM", "XLM")
    row = next(a for a in allowed if a["currency"] == "XLM")
    assert (row["withdraw_address"], row["secondary_address"]) == (theirs["address"], theirs["tag"])
    assert ours in await upbit.private_get_deposits_coin_addresses()
    assert (await upbit.create_deposit_address("XLM", {"net_type": "XLM"}))["address"] == ours["deposit_address"]
    keys = await upbit.private_get_api_keys()
    assert keys[0]["access_key"] == "paper-upbit"
    assert keys[0]["expire_at"].endswith("+09:00")
    reported = await admin("addresses")
    assert {"coin": "XLM", "network": "XLM", "address": theirs["address"], "tag": theirs["tag"]} in reported["binance"]
    fee = await upbit.fetch_currency("XRP", {"net_type": "XRP"})
    assert fee["fee"] == 1
