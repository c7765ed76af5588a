"""Upbit's REST answers as kimp's own types. Pure; every function raises BadMessage for any other shape."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from kimp.adapters.venue import rows
from kimp.adapters.venue.rows import readable
from kimp.adapters.venue.shape import AnswerStruct, check_time, same_txid, shaped
from kimp.contracts.transfers import Address, TransferState, WithdrawalReport
from kimp.domain.depth import levels_text
from kimp.domain.errors import BadMessage
from kimp.domain.market import Fill, Quote, Side
from kimp.domain.money import KRW, ZERO, Asset, exact, round_down
from kimp.domain.venues import Venue
from kimp.ports.exchange import Balance, Balances, ListedWithdrawal, OrderTerms, VenueDeposit, VenueOrder

T = TypeVar("T")

CLOSED_STATES = frozenset({"done", "cancel"})
"""An immediate order whose rest was not filled ends in `cancel`, with its trades."""
ORDER_SIDES = {"bid": Side.BUY, "ask": Side.SELL}
WITHDRAWAL_STATES = {
    "DONE": TransferState.DONE,
    "FAILED": TransferState.FAILED,
    "CANCELLED": TransferState.FAILED,
    "REJECTED": TransferState.FAILED,
}
DEPOSIT_STATES = {
    "ACCEPTED": TransferState.DONE,
    "CANCELLED": TransferState.FAILED,
    "REJECTED": TransferState.FAILED,
    "REFUNDED": TransferState.FAILED,
}
"""TRAVEL_RULE_SUSPECTED and REFUNDING are pending, as is every word that Upbit may add."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FEE_STEP = Decimal("1e-8")


class _Trade(AnswerStruct):
    uuid: str
    price: Decimal
    volume: Decimal


class _Order(AnswerStruct):
    uuid: str
    state: str
    market: str | None = None
    side: str | None = None
    volume: Decimal | None = None
    price: Decimal | None = None
    created_at: str | None = None
    executed_volume: Decimal = ZERO
    paid_fee: Decimal = ZERO
    trades: tuple[_Trade, ...] = ()


def order(content: Any) -> VenueOrder:
    """An order and its trades. `closed` only once the trades add up to what was executed."""
    reported = shaped(content, _Order, "order")
    if not reported.uuid:
        raise BadMessage("order: without uuid")
    fills = _fills(reported)
    complete = exact(lambda: sum((fill.quantity for fill in fills), ZERO))() == reported.executed_volume
    return VenueOrder(reported.uuid, reported.state in CLOSED_STATES and complete, fills, _terms(reported))


def looked_up(content: Any) -> VenueOrder:
    """The same of one that was asked for by its name: it must say what it is. Of no volume or price: zero."""
    found = order(content)
    terms = found.terms
    if terms.coin is None or terms.side is None or terms.placed_ms is None:
        raise BadMessage("order: without market, side or created_at")
    reported = replace(terms, quantity=terms.quantity or ZERO, limit_price=terms.limit_price or ZERO)
    return replace(found, terms=reported)


def _terms(reported: _Order) -> OrderTerms:
    return OrderTerms(
        coin=None if reported.market is None else reported.market.removeprefix(f"{KRW}-"),
        side=ORDER_SIDES.get(reported.side or ""),
        quantity=reported.volume,
        limit_price=reported.price,
        placed_ms=None if reported.created_at is None else _epoch_ms(reported.created_at, "order"),
    )


@exact
def _fills(reported: _Order) -> tuple[Fill, ...]:
    """Upbit tells the fee of the whole order only: each trade gets its share, the last one what is left."""
    funds = [trade.price * trade.volume for trade in reported.trades]
    total, left = sum(funds, ZERO), reported.paid_fee
    fills: list[Fill] = []
    for trade, part in zip(reported.trades, funds, strict=True):
        last = len(fills) == len(reported.trades) - 1
        share = round_down(reported.paid_fee * part / total, FEE_STEP) if part else ZERO
        fee = left if last else share
        left -= fee
        fills.append(Fill(trade.uuid, trade.price, trade.volume, fee, KRW))
    return tuple(fills)


class _Unit(AnswerStruct):
    bid_price: Decimal
    bid_size: Decimal
    ask_price: Decimal
    ask_size: Decimal


class _Book(AnswerStruct):
    market: str
    orderbook_units: list[_Unit]


def market(coin: Asset) -> str:
    """The name of the coin's won market."""
    return f"{KRW}-{coin}"


def tops(content: Any, coins: Mapping[str, Asset], received_ms: int) -> dict[Asset, Quote]:
    """Books by coin; `coins` maps market names."""
    quotes = {}
    for book in _rows(content, _Book, "orderbook", "market"):
        coin = coins.get(book.market)
        if coin is None or not book.orderbook_units:
            continue
        top, *behind = book.orderbook_units
        bids = levels_text((unit.bid_price, unit.bid_size) for unit in behind)
        asks = levels_text((unit.ask_price, unit.ask_size) for unit in behind)
        quotes[coin] = Quote(
            Venue.UPBIT, coin, top.bid_price, top.bid_size, top.ask_price, top.ask_size, received_ms, bids, asks
        )  # fmt: skip
    return quotes


class _Account(AnswerStruct):
    signed: ClassVar = True

    currency: str
    balance: Decimal
    locked: Decimal


def _balance(row: Any) -> Balance:
    reported = shaped(row, _Account, "accounts")
    return Balance(reported.balance, reported.locked)


def balances(content: Any) -> Balances:
    return rows.read_balances(content, _balance, venue=Venue.UPBIT, name="currency")


class _DepositAddress(AnswerStruct):
    net_type: str
    deposit_address: str
    secondary_address: str | None = None


def deposit_address(content: Any) -> Address:
    """Upbit creates addresses on request and in its own time; without one this raises BadMessage."""
    reported = shaped(content, _DepositAddress, "deposit address")
    if not reported.deposit_address:
        raise BadMessage("deposit address: none yet; create it on the venue's web page")
    return Address(network=reported.net_type, address=reported.deposit_address, tag=reported.secondary_address or None)


class _Registered(AnswerStruct):
    currency: str
    withdraw_address: str
    net_type: str | None = None
    secondary_address: str | None = None


def registered_addresses(content: Any, coin: Asset, network: str) -> tuple[Address, ...]:
    """Those of the coin on that network."""
    return tuple(
        Address(network=network, address=row.withdraw_address, tag=row.secondary_address or None)
        for row in _rows(content, _Registered, "withdraws/coin_addresses", "currency")
        if (row.currency, row.net_type) == (coin, network)
    )


class _Withdrawal(AnswerStruct):
    uuid: str
    currency: str
    state: str
    amount: Decimal
    fee: Decimal = ZERO
    txid: str | None = None
    net_type: str | None = None
    created_at: str = ""


def withdrawal(content: Any) -> WithdrawalReport:
    """Upbit takes its fee on top, so all of the amount arrives."""
    return _withdrawal(shaped(content, _Withdrawal, "withdrawal"))


def _withdrawal(reported: _Withdrawal) -> WithdrawalReport:
    if not reported.uuid:
        raise BadMessage("withdrawal: without uuid")
    return WithdrawalReport(
        venue_id=reported.uuid,
        state=WITHDRAWAL_STATES.get(reported.state.upper(), TransferState.PENDING),
        txid=reported.txid or None,
        arrives=reported.amount,
        fee=reported.fee,
        detail=reported.state,
    )


def withdrawals(content: Any) -> list[ListedWithdrawal]:
    """Upbit tells whole seconds, no address, and nothing that kimp could have named it by."""
    return readable(content, _listed, venue=Venue.UPBIT, what="withdrawals", name="uuid")


def _listed(row: Any) -> ListedWithdrawal:
    reported = shaped(row, _Withdrawal, "withdrawals")
    return ListedWithdrawal(
        report=_withdrawal(reported),
        asked=reported.amount,
        network=reported.net_type,
        address=None,
        asked_ms=_epoch_ms(reported.created_at, "withdrawals"),
        named=False,
    )


def _epoch_ms(text: str, what: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadMessage(f"{what}: {text[:40]!r} is not an ISO time") from None
    if moment.tzinfo is None:
        raise BadMessage(f"{what}: {text[:40]!r} has no time zone")
    return check_time((moment - EPOCH) // timedelta(milliseconds=1), what)


class _Deposit(AnswerStruct):
    uuid: str
    state: str
    amount: Decimal
    txid: str | None = None


def deposits(content: Any, txid: str) -> tuple[VenueDeposit, ...]:
    """Those of that txid. ACCEPTED means credited and free; a travel-rule hold is pending."""
    return tuple(
        _deposit(reported)
        for reported in _rows(content, _Deposit, "deposits", "uuid")
        if same_txid(reported.txid, txid)
    )


def _rows(content: Any, kind: type[T], what: str, name: str) -> list[T]:
    return readable(content, lambda row: shaped(row, kind, what), venue=Venue.UPBIT, what=what, name=name)


def _deposit(reported: _Deposit) -> VenueDeposit:
    if not reported.uuid:
        raise BadMessage("deposits: one without uuid")
    state = DEPOSIT_STATES.get(reported.state.upper(), TransferState.PENDING)
    return VenueDeposit(reported.uuid, state, reported.amount, reported.state)
