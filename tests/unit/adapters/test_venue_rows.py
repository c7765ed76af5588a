"""A row that can't be read is left out, named once and counted; the others hold."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from fakes.telemetry import counted

from kimp.adapters.binance import parse as binance
from kimp.adapters.binance import rulebook as binance_rules
from kimp.adapters.upbit import parse as upbit
from kimp.adapters.upbit import rulebook as upbit_rules
from kimp.adapters.venue import rows
from kimp.adapters.venue.shape import same_txid
from kimp.domain.errors import BadMessage
from kimp.domain.money import Asset
from kimp.domain.venues import Venue
from kimp.ports.exchange import Balances

NETWORK = {
    "network": "XRP", "withdrawFee": "0.2", "withdrawMin": "2", "withdrawIntegerMultiple": "0.000001",
    "withdrawEnable": True, "depositEnable": True,
}  # fmt: skip
WITHDRAWN = {"uuid": "w", "currency": "XRP", "state": "DONE", "amount": "1", "created_at": "2026-11-23T09:00:01+09:00"}
LEVEL = {"bid_price": "1", "bid_size": "1", "ask_price": "2", "ask_size": "1"}
LISTS: list[tuple[Any, list[dict[str, Any]], str]] = [
    (upbit_rules.listing, [{"market": "KRW-XRP"}, {"market": None}], "market/all"),
    (upbit_rules.tick_sizes, [{"market": "KRW-XRP", "tick_size": 1}, {"market": "KRW-A", "tick_size": None}], "KRW-A"),
    (
        upbit_rules.wallets,
        [{"currency": "XRP", "wallet_state": "working"}, {"currency": "A", "wallet_state": None}],
        "A",
    ),
    (upbit.withdrawals, [WITHDRAWN, WITHDRAWN | {"uuid": "n", "amount": None}], "n"),
    (upbit.withdrawals, [WITHDRAWN, WITHDRAWN | {"uuid": "t", "created_at": "yesterday"}], "t"),
    (
        lambda content: upbit.deposits(content, "X"),
        [{"uuid": "d", "state": "ACCEPTED", "amount": "1", "txid": "X"}, {"uuid": "n", "state": None, "amount": None}],
        "n",
    ),
    (
        lambda content: upbit.tops(content, {"KRW-XRP": Asset("XRP"), "KRW-A": Asset("A")}, 0),
        [{"market": "KRW-XRP", "orderbook_units": [LEVEL]}, {"market": "KRW-A", "orderbook_units": None}],
        "KRW-A",
    ),
    (
        binance_rules.taker_fees,
        [{"symbol": "XRPUSDT", "takerCommission": "0.001"}, {"symbol": "AUSDT", "takerCommission": None}],
        "AUSDT",
    ),
    (
        lambda content: binance_rules.symbols({"symbols": content}),
        [
            {"symbol": "XRPUSDT", "status": "TRADING", "filters": []},
            {"symbol": "AUSDT", "status": None, "filters": None},
        ],
        "AUSDT",
    ),
    (
        binance_rules.networks,
        [{"coin": "XRP", "networkList": [NETWORK]}, {"coin": "A", "networkList": None}],
        "A",
    ),
    (
        binance_rules.networks,
        [{"coin": "XRP", "networkList": [NETWORK, NETWORK | {"network": "OLD", "withdrawFee": None}]}],
        "OLD",
    ),
    (
        lambda content: binance.registered_addresses(content, Asset("XRP"), "XRP"),
        [
            {"coin": "XRP", "network": "XRP", "address": "r", "whiteStatus": True},
            {"coin": "A", "network": None, "address": None, "whiteStatus": True},
        ],
        "A",
    ),
    (binance.withdrawals, [{"id": "w", "status": 6, "amount": "1"}, {"id": "n", "status": None, "amount": None}], "n"),
    (
        lambda content: binance.deposits(content, "X"),
        [{"id": "d", "amount": "1", "status": 1, "txId": "X"}, {"id": "n", "amount": None, "status": 1, "txId": "X"}],
        "n",
    ),
]


@pytest.mark.parametrize(("read", "content", "named"), LISTS)
def test_one_bad_row_is_left_out_and_named_once(
    caplog: pytest.LogCaptureFixture, read: Any, content: list[dict[str, Any]], named: str
) -> None:
    rows._reported.clear()
    with caplog.at_level(logging.WARNING), counted("kimp.venue.rows_left_out", 2):
        assert len(read(content)) == len(read(content)) == 1
    (line,) = caplog.messages
    assert named in line
    assert ", None" not in line, "the list has a name"
    assert "goes on without it" in line


def test_what_is_left_out_is_counted_by_venue_and_list() -> None:
    with counted("kimp.venue.rows_left_out", venue="upbit", list="withdraws"):
        rows.report_left_out(Venue.UPBIT, "withdraws", "u-1", "no amount")


@pytest.mark.parametrize(("read", "content", "_named"), LISTS)
def test_a_list_of_bad_rows_alone_has_another_form(read: Any, content: list[dict[str, Any]], _named: str) -> None:
    with pytest.raises(BadMessage):
        read([dict.fromkeys(content[-1])])
    with pytest.raises(BadMessage):
        read({"rows": content})


@pytest.mark.parametrize(
    ("listed", "same"),
    [
        ("0x" + "aB" * 32, True),
        ("AB" * 32, True),
        ("ab" * 32, True),
        ("ac" * 32, False),
        ("ab" * 31, False),
        (None, False),
    ],
)
def test_a_transaction_is_the_same_in_letters_of_either_case(listed: str | None, same: bool) -> None:  # noqa: FBT001
    assert same_txid(listed, "ab" * 32) is same


def test_a_transaction_whose_id_is_a_text_is_compared_to_the_letter() -> None:
    """Solana's, for one: there the case of a letter is part of it."""
    assert same_txid("4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ", "4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ")
    assert not same_txid("4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtz", "4sGjMW1sUnHzSxGspuhpqLDx6wiyjNtZ")


def upbit_balances(amounts: dict[str | None, str | None]) -> Balances:
    return upbit.balances([{"currency": coin, "balance": held, "locked": "0"} for coin, held in amounts.items()])


def binance_balances(amounts: dict[str | None, str | None]) -> Balances:
    rows_ = [{"asset": coin, "free": held, "locked": "0"} for coin, held in amounts.items()]
    return binance.balances({"balances": rows_})


@pytest.mark.parametrize("balances", [upbit_balances, binance_balances])
class TestBalances:
    def test_a_coin_that_cannot_be_read_is_unknown_and_the_others_hold(
        self, balances: Callable[[dict[str | None, str | None]], Balances]
    ) -> None:
        reported = balances({"XRP": "10", "OLD": None})
        assert {coin: held.total for coin, held in reported.items()} == {"XRP": 10}
        assert reported.unreadable == {"OLD"}

    def test_a_row_that_says_not_whose_it_is_spoils_the_list(
        self, balances: Callable[[dict[str | None, str | None]], Balances]
    ) -> None:
        """It may be any coin's."""
        with pytest.raises(BadMessage):
            balances({"XRP": "10", None: "3"})

    def test_a_list_of_which_nothing_can_be_read_has_another_form(
        self, balances: Callable[[dict[str | None, str | None]], Balances]
    ) -> None:
        with pytest.raises(BadMessage):
            balances({"XRP": None})
