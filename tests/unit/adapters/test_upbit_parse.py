"""Upbit's REST answers: exact fees per trade, states by the venue's own words, and BadMessage for other shapes."""

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kimp.adapters.upbit import parse, rulebook
from kimp.contracts.transfers import Address, TransferState
from kimp.domain.errors import BadMessage
from kimp.domain.market import Quote, Side, TickBand
from kimp.domain.money import KRW, ZERO, Asset
from kimp.domain.ticks import KRW_TICKS
from kimp.domain.venues import Venue
from kimp.ports.exchange import Balance, OrderTerms, VenueDeposit

XRP = Asset("XRP")


def trade(number: int, price: str, volume: str) -> dict[str, str]:
    return {"market": "KRW-XRP", "uuid": f"t-{number}", "price": price, "volume": volume, "funds": "0", "trend": "up"}


def order(**changes: Any) -> dict[str, Any]:
    reported = {
        "uuid": "u-1", "side": "bid", "ord_type": "limit", "price": "800", "state": "done", "market": "KRW-XRP",
        "volume": "10", "remaining_volume": "0", "executed_volume": "10", "paid_fee": "4", "trades_count": 1,
        "trades": [trade(1, "800", "10")],
    }  # fmt: skip
    return reported | changes


CREATED = "2026-11-23T09:00:01+09:00"


def test_an_order_that_is_looked_up_says_what_it_is() -> None:
    reported = parse.looked_up(order(created_at=CREATED))
    assert reported.terms == OrderTerms("XRP", Side.BUY, Decimal(10), Decimal(800), 1_795_392_001_000)
    by_value = parse.looked_up(order(created_at=CREATED, volume=None, market="BTC-XRP", side="ask"))
    assert by_value.terms == OrderTerms("BTC-XRP", Side.SELL, ZERO, Decimal(800), 1_795_392_001_000)


@pytest.mark.parametrize("lacking", ["market", "side", "created_at"])
def test_an_order_that_does_not_say_what_it_is_proves_nothing(lacking: str) -> None:
    """It was asked for by a name that somebody else may have used."""
    reported = order(created_at=CREATED)
    del reported[lacking]
    with pytest.raises(BadMessage, match="without market"):
        parse.looked_up(reported)


def test_an_order_that_was_just_accepted_is_open() -> None:
    reported = order(state="wait", executed_volume="0", paid_fee="0", trades_count=0)
    del reported["trades"]
    assert parse.order(reported).closed is False
    assert parse.order(reported).fills == ()


def test_the_fee_of_the_order_is_shared_out_exactly() -> None:
    trades = [trade(1, "801", "1.5"), trade(2, "800", "0.33333333"), trade(3, "799", "7")]
    reported = parse.order(order(state="cancel", executed_volume="8.83333333", paid_fee="3.53083333", trades=trades))
    assert reported.closed
    assert sum(fill.fee for fill in reported.fills) == Decimal("3.53083333")
    assert {fill.fee_asset for fill in reported.fills} == {KRW}
    assert [fill.trade_id for fill in reported.fills] == ["t-1", "t-2", "t-3"]


def test_each_trade_bears_the_fee_of_its_own_funds() -> None:
    trades = [trade(1, "800", "1"), trade(2, "800", "3"), trade(3, "400", "2")]
    fills = parse.order(order(executed_volume="6", paid_fee="2", trades=trades)).fills
    assert [fill.fee for fill in fills] == [Decimal("0.4"), Decimal("1.2"), Decimal("0.4")]


@given(
    st.lists(st.tuples(st.decimals("0.1", "1e8", places=3), st.decimals("1e-8", "1e6", places=8)), min_size=1),
    st.decimals("0", "1e6", places=8),
)
def test_shares_of_a_fee_add_up_for_any_trades(trades: list[tuple[Decimal, Decimal]], fee: Decimal) -> None:
    rows = [trade(i, format(price, "f"), format(volume, "f")) for i, (price, volume) in enumerate(trades)]
    fills = parse.order(order(paid_fee=format(fee, "f"), trades=rows)).fills
    assert sum((fill.fee for fill in fills), ZERO) == fee
    assert all(fill.fee >= 0 for fill in fills)


def test_an_immediate_order_whose_rest_was_cancelled_is_closed_with_its_trades() -> None:
    reported = parse.order(
        order(state="cancel", remaining_volume="4", executed_volume="6", trades=[trade(1, "800", "6")])
    )
    assert reported.closed
    assert reported.fills[0].quantity == 6


def test_an_order_whose_trades_do_not_add_up_yet_is_open() -> None:
    assert not parse.order(order(executed_volume="10", trades=[trade(1, "800", "6")])).closed


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("WAITING", TransferState.PENDING),
        ("PROCESSING", TransferState.PENDING),
        ("DONE", TransferState.DONE),
        ("FAILED", TransferState.FAILED),
        ("CANCELLED", TransferState.FAILED),
        ("REJECTED", TransferState.FAILED),
        ("SOMETHING_NEW", TransferState.PENDING),
    ],
)
def test_states_of_a_withdrawal(word: str, state: TransferState) -> None:
    reported = parse.withdrawal(
        {"uuid": "w", "currency": "XRP", "state": word, "amount": "10", "fee": "1", "txid": None}
    )
    assert (reported.state, reported.detail, reported.txid) == (state, word, None)
    assert (reported.arrives, reported.fee) == (Decimal(10), Decimal(1))


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("PROCESSING", TransferState.PENDING),
        ("ACCEPTED", TransferState.DONE),
        ("CANCELLED", TransferState.FAILED),
        ("REJECTED", TransferState.FAILED),
        ("TRAVEL_RULE_SUSPECTED", TransferState.PENDING),
        ("REFUNDING", TransferState.PENDING),
        ("REFUNDED", TransferState.FAILED),
    ],
)
def test_states_of_a_deposit(word: str, state: TransferState) -> None:
    row = {"uuid": "d", "currency": "XRP", "state": word, "amount": "10.5", "txid": "X"}
    assert parse.deposits([{**row, "txid": "other"}, row], "X") == (VenueDeposit("d", state, Decimal("10.5"), word),)


def test_withdrawals_carry_their_time_of_creation() -> None:
    row = {"uuid": "w", "currency": "XRP", "state": "DONE", "amount": "1", "created_at": "2026-11-23T09:00:01+09:00"}
    assert parse.withdrawals([row])[0].asked_ms == 1_795_392_001_000


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-23T09:00:01"])
def test_a_time_without_zone_is_no_time(text: str) -> None:
    row = {"uuid": "w", "currency": "XRP", "state": "DONE", "amount": "1", "created_at": text}
    with pytest.raises(BadMessage):
        parse.withdrawals([row])


def test_an_absent_second_address_is_no_tag() -> None:
    reported = {"currency": "XRP", "net_type": "XRP", "deposit_address": "r1", "secondary_address": None}
    assert parse.deposit_address(reported) == Address(network="XRP", address="r1", tag=None)
    assert parse.deposit_address(reported | {"secondary_address": "7"}).tag == "7"


REGISTERED = {
    "currency": "XRP", "net_type": "XRP", "network_name": "XRP Ledger", "withdraw_address": "r1",
    "secondary_address": "7", "beneficiary_name": "kimp", "beneficiary_company_name": None,
    "beneficiary_type": "individual", "exchange_name": "Binance", "wallet_type": None,
}  # fmt: skip


def test_registered_addresses_are_those_of_coin_and_network() -> None:
    reported = [
        REGISTERED,
        REGISTERED | {"withdraw_address": "r2", "secondary_address": None},
        REGISTERED | {"net_type": None},
        REGISTERED | {"net_type": "ETH"},
        REGISTERED | {"currency": "XLM"},
    ]
    assert parse.registered_addresses(reported, XRP, "XRP") == (
        Address(network="XRP", address="r1", tag="7"),
        Address(network="XRP", address="r2", tag=None),
    )


@pytest.mark.parametrize("missing", ["currency", "withdraw_address"])
def test_a_registration_of_another_shape_is_a_bad_message(missing: str) -> None:
    with pytest.raises(BadMessage, match=missing):
        parse.registered_addresses([{k: v for k, v in REGISTERED.items() if k != missing}], XRP, "XRP")


def test_balances() -> None:
    reported = [
        {"currency": "KRW", "balance": "1000000.5", "locked": "0", "avg_buy_price": "0", "unit_currency": "KRW"}
    ]
    assert parse.balances(reported) == {KRW: Balance(Decimal("1000000.5"), ZERO)}


def test_the_top_of_a_book_is_its_first_unit() -> None:
    unit = {"ask_price": 801, "bid_price": 800, "ask_size": Decimal("5.5"), "bid_size": 4}
    reported = [{"market": "KRW-XRP", "orderbook_units": [unit]}, {"market": "KRW-SOL", "orderbook_units": []}]
    names = {"KRW-XRP": XRP, "KRW-SOL": Asset("SOL")}
    assert parse.tops(reported, names, 5) == {
        XRP: Quote(Venue.UPBIT, XRP, Decimal(800), Decimal(4), Decimal(801), Decimal("5.5"), 5)
    }


@pytest.mark.parametrize(
    ("price", "tick", "expected"),
    [
        ("801", "1", "1"),  # the table is right
        ("1400", "0.5", "0.5"),  # a market with a tick of its own
        ("9999", "10", "10"),  # crossed the border upwards between the readings: the coarser one
        ("10005", "5", "10"),  # downwards
    ],
)
def test_the_markets_own_tick_overrides_the_table(price: str, tick: str, expected: str) -> None:
    bands = rulebook.tick_bands(Decimal(tick), Decimal(price))
    band = next(band for band in bands if Decimal(price) >= band.from_price)
    assert band.tick == Decimal(expected)
    assert len(bands) == len(KRW_TICKS)
    assert sum(a != b for a, b in zip(bands, KRW_TICKS, strict=True)) <= 1


@pytest.mark.parametrize(
    ("price", "tick"),
    [
        ("2000000", "1000"), ("1000000", "1000"), ("999500", "500"), ("500000", "500"), ("499900", "100"),
        ("100000", "100"), ("99950", "50"), ("50000", "50"), ("49990", "10"), ("10000", "10"), ("9995", "5"),
        ("5000", "5"), ("4999", "1"), ("1000", "1"), ("999", "1"), ("100", "1"), ("99.9", "0.1"), ("10", "0.1"),
        ("9.99", "0.01"), ("1", "0.01"), ("0.999", "0.001"), ("0.1", "0.001"), ("0.0999", "0.0001"),
        ("0.01", "0.0001"), ("0.00999", "0.00001"), ("0.001", "0.00001"), ("0.000999", "0.000001"),
        ("0.0001", "0.000001"), ("0.0000999", "0.0000001"), ("0.00001", "0.0000001"), ("0.00000999", "0.00000001"),
    ],
)  # fmt: skip
def test_the_tick_of_each_price_is_the_one_that_upbit_documents(price: str, tick: str) -> None:
    """At both ends of every band: an order at another price than a whole tick is refused."""
    assert next(band for band in KRW_TICKS if Decimal(price) >= band.from_price).tick == Decimal(tick)


def test_without_a_price_the_table_is_all_there_is() -> None:
    assert rulebook.tick_bands(Decimal(1), None)[0] == TickBand(Decimal(1_000_000), Decimal(1000))


CHANCE = {
    "member_level": {"wallet_locked": False},
    "currency": {"code": "XRP", "withdraw_fee": "1.0", "wallet_state": "working"},
    "withdraw_limit": {"minimum": "2", "fixed": 6, "can_withdraw": True},
}


@pytest.mark.parametrize(
    ("state", "block", "locked", "opened"),
    [
        ("working", "normal", False, (True, True)),
        ("working", "delayed", False, (True, True)),
        ("withdraw_only", "normal", False, (True, False)),
        ("deposit_only", "normal", False, (False, True)),
        ("paused", "normal", False, (False, False)),
        ("unsupported", None, False, (False, False)),
        ("working", "inactive", False, (False, False)),
        ("working", "normal", True, (False, True)),
    ],
)
def test_a_wallet_is_as_open_as_its_state_says(
    state: str, block: str | None, *, locked: bool, opened: tuple[bool, bool]
) -> None:
    rows = rulebook.wallets([{"currency": "XRP", "wallet_state": state, "block_state": block, "net_type": "XRP"}])
    chance = rulebook.withdraw_chance(CHANCE | {"member_level": {"wallet_locked": locked}})
    network = rulebook.network(XRP, "XRP", rows, chance, tagged=False)
    assert (network.withdraw_open, network.deposit_open) == opened
    assert network.tag_required
    assert network.withdraw_step == Decimal("0.000001")


@pytest.mark.parametrize(
    ("reported", "opened"), [({}, True), ({"can_withdraw": True}, True), ({"can_withdraw": False}, False)]
)
def test_coins_may_leave_unless_upbit_says_that_they_may_not(reported: dict[str, bool], *, opened: bool) -> None:
    rows = rulebook.wallets([{"currency": "XRP", "wallet_state": "working", "net_type": "XRP"}])
    chance = rulebook.withdraw_chance(CHANCE | {"withdraw_limit": {"minimum": "2", "fixed": 6} | reported})
    assert rulebook.network(XRP, "XRP", rows, chance, tagged=False).withdraw_open == opened


@pytest.mark.parametrize("member", [None, {}, {"security_level": 3}])
def test_a_wallet_is_not_locked_where_upbit_does_not_say_so(member: dict[str, int] | None) -> None:
    rows = rulebook.wallets([{"currency": "XRP", "wallet_state": "working", "net_type": "XRP"}])
    chance = rulebook.withdraw_chance(CHANCE | {"member_level": member})
    assert rulebook.network(XRP, "XRP", rows, chance, tagged=False).withdraw_open
    without = {name: part for name, part in CHANCE.items() if name != "member_level"}
    assert rulebook.network(XRP, "XRP", rows, rulebook.withdraw_chance(without), tagged=False).withdraw_open


@pytest.mark.parametrize(("fixed", "fits"), [(-1, False), (0, True), (18, True), (19, False)])
def test_decimals_of_a_withdrawal_are_between_none_and_eighteen(fixed: int, *, fits: bool) -> None:
    content = CHANCE | {"withdraw_limit": {"minimum": "2", "fixed": fixed}}
    if not fits:
        with pytest.raises(BadMessage, match=r"withdraw_limit\.fixed is"):
            rulebook.withdraw_chance(content)
        return
    assert rulebook.withdraw_chance(content).withdraw_limit.fixed == fixed


def test_a_network_that_is_not_listed_is_named() -> None:
    with pytest.raises(BadMessage, match=r"upbit\.networks\.XRP"):
        rulebook.network(XRP, "ERC20", {}, rulebook.withdraw_chance(CHANCE), tagged=False)


PARSERS: list[Callable[[Any], object]] = [
    parse.order, parse.balances, parse.deposit_address, parse.withdrawal, parse.withdrawals,
    lambda reported: parse.deposits(reported, "X"),
    lambda reported: parse.tops(reported, {"KRW-XRP": XRP}, 1),
    lambda reported: parse.registered_addresses(reported, XRP, "XRP"),
    rulebook.tick_sizes, rulebook.order_chance, rulebook.wallets, rulebook.withdraw_chance, rulebook.listing,
]  # fmt: skip
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["NaN", "Infinity", "-1", "1e999999", "", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["uuid", "state", "amount", "trades", "executed_volume", "currency", "market", "fixed"]),
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


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "sNaN"])
def test_a_number_that_is_none_is_a_bad_message(number: str) -> None:
    with pytest.raises(BadMessage):
        parse.balances([{"currency": "KRW", "balance": number, "locked": "0"}])
