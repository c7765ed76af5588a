"""Transfers that meet a fault: what both venues list, where the coins are, and that the books still add up."""

import time
from decimal import Decimal
from typing import Any

import pytest
from contract.paper.faulty import Script, conserved, deposit_state, held, injected, send, withdrawal_state

from kimp.domain.venues import PAIR, Venue
from kimp.paper.server import PaperExchange


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
    sender = PAIR.other(Venue(venue))
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


async def deposits(clients: Any, venue: str) -> list[dict[str, Any]]:
    if venue == "upbit":
        rows: list[dict[str, Any]] = await clients["upbit"].private_get_deposits({"currency": "XRP"})
    else:
        rows = await clients["binance"].sapi_get_capital_deposit_hisrec({"coin": "XRP"})
    return rows


SIDES = [("upbit", "49.8"), ("binance", "50")]
"""The receiver, and what arrives there."""


async def until_sent(clients: Any, receiver: str, eventually: Any) -> None:
    sender = PAIR.other(Venue(receiver))

    async def sent() -> bool:
        return await withdrawal_state(clients, sender) in ("DONE", "6")

    await eventually(sent)


async def until_credited(clients: Any, receiver: str, eventually: Any) -> None:
    async def credited() -> bool:
        return await deposit_state(clients, receiver) in ("ACCEPTED", "1")

    await eventually(credited)


@pytest.mark.parametrize(("venue", "state"), [("upbit", "WAITING"), ("binance", "2")])
async def test_a_withdrawal_that_waits_for_a_person(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, venue: str, state: str
) -> None:
    await script("withdrawal_unapproved", venue, seconds=0.7)
    started = time.monotonic()
    await send(clients, venue)
    assert await withdrawal_state(clients, venue) == state
    await until_sent(clients, PAIR.other(Venue(venue)), eventually)
    assert time.monotonic() - started > 0.6
    assert injected(paper) == [(venue, "withdrawal_unapproved")]


@pytest.mark.parametrize(("receiver", "arrives"), SIDES)
async def test_a_tag_that_is_lost_on_the_way(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, receiver: str, arrives: str
) -> None:
    """The sender is done, the coins are at the receiver, and in nobody's account."""
    await script("tag_lost", PAIR.other(Venue(receiver)))
    before = held(paper, receiver)
    await send(clients, PAIR.other(Venue(receiver)))
    await until_sent(clients, receiver, eventually)
    assert await deposits(clients, receiver) == []
    assert held(paper, receiver) == before
    (lost,) = paper.world.journal.tail(9, "lost")
    assert (lost["why"], lost["amount"]) == ("wrong or missing tag", arrives)
    first, *later = paper.world.journal.tail(9, "withdrawal")
    assert first["tag"] is not None
    assert {entry["tag"] for entry in later} == {None}
    await conserved(admin)


async def test_only_a_tag_that_is_there_can_be_lost(clients: Any, script: Script, paper: PaperExchange) -> None:
    await script("tag_lost", "binance")
    target = await clients["upbit"].fetch_deposit_address("SOL", {"network": "SOL"})
    await clients["binance"].withdraw("SOL", "1", target["address"], {"network": "SOL", "walletType": "0"})
    assert injected(paper) == []


@pytest.mark.parametrize(("receiver", "arrives"), SIDES)
async def test_a_deposit_that_nobody_ever_sees(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, receiver: str, arrives: str
) -> None:
    await script("deposit_lost", receiver)
    before = held(paper, receiver)
    await send(clients, PAIR.other(Venue(receiver)))
    await until_sent(clients, receiver, eventually)
    assert await deposits(clients, receiver) == []
    assert held(paper, receiver) == before
    (lost,) = paper.world.journal.tail(9, "lost")
    assert (lost["why"], lost["amount"]) == ("deposit never seen", arrives)
    assert injected(paper) == [(receiver, "deposit_lost")]
    await conserved(admin)


@pytest.mark.parametrize(("receiver", "credited"), [("upbit", "49.302"), ("binance", "49.5")])
async def test_a_deposit_of_less_than_was_sent(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, receiver: str, credited: str
) -> None:
    await script("deposit_short", receiver)
    before = held(paper, receiver)
    await send(clients, PAIR.other(Venue(receiver)))
    await until_credited(clients, receiver, eventually)
    (row,) = await deposits(clients, receiver)
    assert Decimal(row["amount"]) == Decimal(credited)
    assert held(paper, receiver) - before == Decimal(credited)
    (lost,) = paper.world.journal.tail(9, "lost")
    assert lost["why"] == "deposit short"
    (sent,) = paper.world.transfers.withdrawals.values()
    assert Decimal(lost["amount"]) == sent.amount - Decimal(credited)
    await conserved(admin)


@pytest.mark.parametrize(("receiver", "arrives"), SIDES)
async def test_a_deposit_that_is_credited_twice(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, receiver: str, arrives: str
) -> None:
    """Two entries of one txid, and twice the coins: given by mistake, not by the chain."""
    await script("deposit_twice", receiver, seconds=0.3)
    before = held(paper, receiver)
    await send(clients, PAIR.other(Venue(receiver)))

    async def twice() -> bool:
        return len(await deposits(clients, receiver)) == 2

    await eventually(twice)
    rows = await deposits(clients, receiver)
    assert len({row.get("txid") or row.get("txId") for row in rows}) == 1
    assert len({row.get("uuid") or row.get("id") for row in rows}) == 2
    assert {Decimal(row["amount"]) for row in rows} == {Decimal(arrives)}
    assert held(paper, receiver) - before == 2 * Decimal(arrives)
    given = (await admin("balances"))[receiver]["XRP"]["given"]
    assert given["mistake"] == arrives
    await conserved(admin)


@pytest.mark.parametrize(("receiver", "arrives"), SIDES)
async def test_a_deposit_that_a_reorganised_chain_takes_back_for_a_while(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any, receiver: str, arrives: str
) -> None:
    await script("deposit_reorg", receiver, seconds=1.0)
    before = held(paper, receiver)
    await send(clients, PAIR.other(Venue(receiver)))
    states: list[str | None] = []

    async def back() -> bool:
        state = await deposit_state(clients, receiver)
        if state != (states[-1] if states else ""):
            states.append(state)
        return state in ("ACCEPTED", "1")

    await eventually(back)
    seen = states.index(None, 1) if None in states[1:] else states.index(None)
    assert states[seen + 1 :], "it came back"
    assert any(deposit.txid for deposit in paper.world.transfers.deposits.values())
    assert held(paper, receiver) - before == Decimal(arrives)


async def test_credited_for_trading_and_for_long_not_for_withdrawals(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any
) -> None:
    await script("credit_locked", "binance", seconds=1.5)
    await send(clients, "upbit")

    async def credited() -> bool:
        return await deposit_state(clients, "binance") == "6"

    await eventually(credited)
    assert held(paper, "binance") == Decimal(10_050)
    assert paper.world.transfers.till.withdrawable(Venue.BINANCE, "XRP") == Decimal(10_000)
    started = time.monotonic()
    await until_credited(clients, "binance", eventually)
    assert time.monotonic() - started > 1.0
    assert paper.world.transfers.till.withdrawable(Venue.BINANCE, "XRP") == Decimal(10_050)


async def test_a_deposit_rejected_by_binance(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any
) -> None:
    await script("deposit_rejected", "binance")
    await send(clients, "upbit")

    async def rejected() -> bool:
        return await deposit_state(clients, "binance") == "2"

    await eventually(rejected)
    assert held(paper, "binance") == Decimal(10_000)


@pytest.mark.parametrize(("receiver", "arrives"), SIDES)
async def test_two_withdrawals_that_leave_in_one_transaction(
    clients: Any, script: Script, paper: PaperExchange, admin: Any, eventually: Any, receiver: str, arrives: str
) -> None:
    """The first waits for the next one of the coin; the third has a transaction of its own."""
    sender = PAIR.other(Venue(receiver))
    await script("shared_txid", sender, "WITHDRAW XRP")
    before = held(paper, receiver)
    for _ in range(2):
        await send(clients, sender)

    async def credited() -> bool:
        return held(paper, receiver) - before == 2 * Decimal(arrives)

    await eventually(credited)
    rows = await deposits(clients, receiver)
    assert len({row.get("txid") or row.get("txId") for row in rows}) == 1
    assert len({row.get("uuid") or row.get("id") for row in rows}) == 2
    await send(clients, sender)

    async def third() -> bool:
        return len(await deposits(clients, receiver)) == 3

    await eventually(third)
    assert len({row.get("txid") or row.get("txId") for row in await deposits(clients, receiver)}) == 2
    assert {deposit.withdrawal for deposit in paper.world.transfers.deposits.values()} == {
        *paper.world.transfers.withdrawals
    }
    await conserved(admin)


async def test_who_finds_no_company_leaves_alone(
    clients: Any, script: Script, paper: PaperExchange, eventually: Any
) -> None:
    await script("shared_txid", "upbit", seconds=0.3)
    await send(clients, "upbit")
    await until_credited(clients, "binance", eventually)
    assert injected(paper) == [("upbit", "shared_txid")]


async def test_a_person_s_withdrawal_of_the_same_amount(
    clients: Any, script: Script, paper: PaperExchange, admin: Any
) -> None:
    """Cancelled at once: it moves nothing, and only its id and its state tell it from ours."""
    await script("foreign_withdrawal", "upbit", "WITHDRAW XRP")
    sent = await send(clients, "upbit")
    rows = await clients["upbit"].private_get_withdraws({"currency": "XRP"})
    assert {row["uuid"] == sent["id"] for row in rows} == {True, False}
    assert [{row[name] for row in rows} for name in ("amount", "net_type", "fee")] == [
        {"50"},
        {"XRP"},
        {rows[0]["fee"]},
    ]
    assert {row["uuid"] for row in rows if row["state"] != "CANCELLED"} == {sent["id"]}
    assert paper.world.accounts[Venue.UPBIT]["XRP"].locked == Decimal(50) + Decimal(rows[0]["fee"])
    await conserved(admin)
