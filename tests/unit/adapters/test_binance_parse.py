"""Binance's REST answers: fills with their own fees, states by number, and BadMessage for other shapes."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.binance import parse, rulebook
from kimp.contracts.transfers import Address, TransferState
from kimp.domain.errors import BadMessage
from kimp.domain.market import Fill, Side, TickBand
from kimp.domain.money import ZERO, Asset
from kimp.ports.exchange import OrderTerms, VenueDeposit

XRP = Asset("XRP")
FILL = {"price": "0.55", "qty": "100", "commission": "0.1", "commissionAsset": "XRP", "tradeId": 7}
ORDER = {
    "symbol": "XRPUSDT", "orderId": 28, "clientOrderId": "a", "transactTime": 1, "price": "0.56", "origQty": "100",
    "executedQty": "100", "cummulativeQuoteQty": "55", "status": "FILLED", "timeInForce": "IOC", "fills": [FILL],
}  # fmt: skip


QUERIED = {key: value for key, value in ORDER.items() if key not in {"fills", "transactTime"}} | {
    "side": "BUY",
    "time": 1_795_392_001_000,
}


def test_a_filled_order() -> None:
    reported = parse.order(ORDER)
    assert reported.closed
    assert reported.venue_order_id == "28"
    assert reported.fills == (Fill("7", Decimal("0.55"), Decimal(100), Decimal("0.1"), XRP),)


@pytest.mark.parametrize(
    ("changes", "closed"),
    [
        ({"status": "EXPIRED", "executedQty": "0", "fills": []}, True),
        ({"status": "EXPIRED"}, True),
        ({"status": "NEW", "executedQty": "0", "fills": []}, False),
        ({"status": "PARTIALLY_FILLED"}, False),
        ({"executedQty": "150"}, False),
        ({"fills": []}, False),
    ],
)
def test_an_order_is_closed_when_its_fills_are_complete(changes: dict[str, Any], *, closed: bool) -> None:
    assert parse.order(ORDER | changes).closed is closed


@pytest.mark.parametrize("content", [{}, ORDER | {"orderId": None}, ORDER | {"orderId": 0}, ORDER | {"orderId": -1}])
def test_an_order_without_a_number_is_none(content: dict[str, Any]) -> None:
    with pytest.raises(BadMessage):
        parse.order(content)


def test_a_queried_order_gets_its_trades() -> None:
    trades = parse.trades([{"id": 7, "price": "0.55", "qty": "100", "commission": "0.001", "commissionAsset": "BNB"}])
    reported = parse.with_trades(QUERIED, trades)
    assert reported.closed
    assert reported.terms == OrderTerms("XRP", Side.BUY, Decimal(100), Decimal("0.56"), 1_795_392_001_000)
    assert (reported.fills[0].fee, reported.fills[0].fee_asset) == (Decimal("0.001"), "BNB")


@pytest.mark.parametrize("lacking", ["symbol", "side", "origQty", "price", "time"])
def test_a_queried_order_that_does_not_say_what_it_is_proves_nothing(lacking: str) -> None:
    """It was asked for by a name that somebody else may have used."""
    with pytest.raises(BadMessage, match="without symbol"):
        parse.with_trades({key: value for key, value in QUERIED.items() if key != lacking}, ())


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, TransferState.PENDING),
        (1, TransferState.FAILED),
        (2, TransferState.PENDING),
        (3, TransferState.FAILED),
        (4, TransferState.PENDING),
        (5, TransferState.FAILED),
        (6, TransferState.DONE),
        (99, TransferState.PENDING),
    ],
)
def test_states_of_a_withdrawal(status: int, state: TransferState) -> None:
    row = {"id": "w", "status": status, "amount": "8.91", "transactionFee": "0.25", "withdrawOrderId": "XRP-1"}
    own_id, found = parse.withdrawals([row, row])["w"]
    reported = found.report
    assert (own_id, found.asked, found.asked_ms) == ("XRP-1", Decimal("9.16"), None)
    assert (reported.state, reported.arrives, reported.fee, reported.txid) == (
        state,
        Decimal("8.91"),
        Decimal("0.25"),
        None,
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (0, TransferState.PENDING),
        (1, TransferState.DONE),
        (2, TransferState.FAILED),
        (6, TransferState.PENDING),  # credited, not free to withdraw
        (7, TransferState.FAILED),
        (8, TransferState.PENDING),
    ],
)
def test_states_of_a_deposit(status: int, state: TransferState) -> None:
    rows = [
        {"id": "1", "txId": "other", "amount": "1", "status": 1},
        {"id": "2", "txId": "X", "amount": "9.5", "status": status},
    ]
    assert parse.deposits(rows, "X") == (VenueDeposit("2", state, Decimal("9.5"), f"status {status}"),)


def test_what_is_in_the_funding_wallet_is_not_there_until_somebody_has_moved_it() -> None:
    rows = [{"id": str(n), "txId": "X", "amount": "5", "status": 1, "walletType": n % 2} for n in (0, 1, 3)]
    listed = parse.deposits(rows, "X")
    waits = VenueDeposit("1", TransferState.PENDING, Decimal(5), parse.IN_FUNDING)
    assert listed[1] == waits
    assert parse.moved(listed, Decimal("9.99")) == listed, "two of five are in it"
    assert [deposit.state for deposit in parse.moved(listed, Decimal(10))] == [TransferState.DONE] * 3
    assert parse.moved(listed[:1], ZERO) == listed[:1]
    rejected = {"id": "1", "txId": "X", "amount": "5", "status": 2, "walletType": 1}
    assert parse.deposits([rejected], "X")[0].state is TransferState.FAILED


def test_a_deposit_of_another_txid_is_not_told() -> None:
    assert parse.deposits([{"id": "1", "txId": "other", "amount": "1", "status": 1}], "X") == ()


def test_an_empty_tag_is_no_tag() -> None:
    assert parse.deposit_address({"coin": "SOL", "address": "a", "tag": "", "url": ""}, "SOL") == Address(
        network="SOL", address="a", tag=None
    )


REGISTERED = {
    "address": "r1", "addressTag": "7", "coin": "XRP", "name": "Satoshi", "network": "XRP", "origin": "bla",
    "originType": "others", "whiteStatus": True,
}  # fmt: skip


def test_registered_addresses_are_those_of_coin_and_network_on_the_whitelist() -> None:
    reported = [
        REGISTERED,
        REGISTERED | {"address": "r2", "addressTag": ""},
        REGISTERED | {"whiteStatus": False},
        REGISTERED | {"network": "BSC"},
        REGISTERED | {"coin": "XLM"},
    ]
    assert parse.registered_addresses(reported, XRP, "XRP") == (
        Address(network="XRP", address="r1", tag="7"),
        Address(network="XRP", address="r2", tag=None),
    )


@pytest.mark.parametrize("missing", ["address", "coin", "network", "whiteStatus"])
def test_a_registration_of_another_shape_is_a_bad_message(missing: str) -> None:
    with pytest.raises(BadMessage, match=missing):
        parse.registered_addresses([{k: v for k, v in REGISTERED.items() if k != missing}], XRP, "XRP")


FILTERS = [
    {"filterType": "PRICE_FILTER", "minPrice": "0.0001", "maxPrice": "1000", "tickSize": "0.0001"},
    {"filterType": "LOT_SIZE", "minQty": "0.1", "maxQty": "9000000", "stepSize": "0.1"},
    {"filterType": "NOTIONAL", "minNotional": "5.0", "maxNotional": "9000000", "applyMinToMarket": True},
    {"filterType": "SOMETHING_NEW", "limit": 5},
]


def info(status: str = "TRADING") -> dict[str, Any]:
    return {"symbols": [{"symbol": "XRPUSDT", "status": status, "orderTypes": ["LIMIT"], "filters": FILTERS}]}


def test_an_instrument_from_its_filters() -> None:
    found = rulebook.instrument(XRP, rulebook.symbols(info())["XRPUSDT"], {"XRPUSDT": Decimal("0.001")})
    assert found.tick_bands == (TickBand(ZERO, Decimal("0.0001")),)
    assert (found.lot, found.min_quantity) == (Decimal("0.1"), Decimal("0.1"))
    assert (found.min_notional, found.max_notional) == (Decimal(5), Decimal(9_000_000))
    assert found.taker_fee == Decimal("0.001")


def test_a_market_that_is_halted_is_left_out() -> None:
    assert rulebook.symbols(info("BREAK")) == {}


def test_a_market_without_a_fee_is_a_bad_message() -> None:
    with pytest.raises(BadMessage, match="XRPUSDT"):
        rulebook.instrument(XRP, rulebook.symbols(info())["XRPUSDT"], {})


NETWORK = {
    "network": "XRP", "withdrawFee": "0.2", "withdrawMin": "2", "withdrawIntegerMultiple": "0.000001",
    "withdrawEnable": True, "depositEnable": True, "busy": False, "withdrawTag": True,
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "opened", "tag"),
    [
        ({}, (True, True), True),
        ({"withdrawEnable": False}, (False, True), True),
        ({"depositEnable": False}, (True, False), True),
        ({"busy": True}, (False, False), True),
        ({"withdrawTag": False}, (True, True), False),
        ({"withdrawTag": None, "memoRegex": "^[0-9]+$"}, (True, True), True),
        ({"withdrawTag": None, "memoRegex": ""}, (True, True), False),
    ],
)
def test_a_network_is_as_open_as_its_flags_say(
    changes: dict[str, Any], opened: tuple[bool, bool], *, tag: bool
) -> None:
    rows = rulebook.networks([{"coin": "XRP", "networkList": [NETWORK | changes]}])
    found = rulebook.network(XRP, "XRP", rows)
    assert (found.withdraw_open, found.deposit_open, found.tag_required) == (*opened, tag)


def test_a_network_that_does_not_say_busy_is_not() -> None:
    rows = rulebook.networks([{"coin": "XRP", "networkList": [{k: v for k, v in NETWORK.items() if k != "busy"}]}])
    found = rulebook.network(XRP, "XRP", rows)
    assert found.withdraw_open
    assert found.deposit_open


def test_a_network_that_is_not_listed_is_named() -> None:
    with pytest.raises(BadMessage, match=r"binance\.networks\.XRP"):
        rulebook.network(XRP, "ETH", rulebook.networks([{"coin": "XRP", "networkList": [NETWORK]}]))


PARSERS: list[Callable[[Any], object]] = [
    parse.order, parse.trades, parse.executed, parse.balances, parse.applied, parse.withdrawals,
    lambda reported: parse.book(reported, XRP, 1), lambda reported: parse.deposits(reported, "X"),
    lambda reported: parse.deposit_address(reported, "XRP"),
    lambda reported: parse.registered_addresses(reported, XRP, "XRP"),
    rulebook.symbols, rulebook.taker_fees, rulebook.networks,
]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["NaN", "Infinity", "-1", "1e999999", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["orderId", "status", "amount", "fills", "executedQty", "id", "symbols", "txId"]),
            inner,
            max_size=6,
        )
    ),
    max_leaves=15,
)


@pytest.mark.parametrize("parser", PARSERS)
@given(content=values)
def test_any_other_shape_is_a_bad_message(parser: Callable[[Any], object], content: Any) -> None:
    with suppress(BadMessage):
        parser(content)


ROW = {"id": "w", "coin": "XRP", "amount": "9.9", "transactionFee": "0.1", "status": 6, "txId": "t"}


@pytest.mark.parametrize(
    ("reported", "detail"),
    [({}, "status 6"), ({"info": ""}, "status 6"), ({"info": None}, "status 6"), ({"info": "late"}, "status 6: late")],
)
def test_a_withdrawal_tells_its_status_and_what_binance_says_of_it(
    reported: dict[str, str | None], detail: str
) -> None:
    ((own_id, found),) = parse.withdrawals([ROW | reported]).values()
    assert found.report.detail == detail
    assert (own_id, found.report.txid, found.asked_ms, found.network, found.address) == (None, "t", None, None, None)
    assert (found.report.arrives, found.report.fee, found.asked) == (Decimal("9.9"), Decimal("0.1"), Decimal(10))
