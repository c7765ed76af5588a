"""Binance's REST answers as kimp's own types. Pure; every function raises BadMessage for any other shape."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from kimp.adapters.venue import rows
from kimp.adapters.venue.rows import readable
from kimp.adapters.venue.shape import AnswerStruct, check_time, same_txid, shaped
from kimp.contracts.transfers import Address, TransferState, WithdrawalReport
from kimp.domain.depth import levels_text
from kimp.domain.errors import BadMessage
from kimp.domain.market import Fill, Quote, Side
from kimp.domain.money import CONTEXT, ZERO, Asset, exact
from kimp.domain.venues import Venue
from kimp.ports.exchange import Balance, Balances, ListedWithdrawal, OrderTerms, VenueDeposit, VenueOrder

T = TypeVar("T")

OPEN_STATES = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW", "PENDING_CANCEL"})
ORDER_SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
WITHDRAWAL_STATES = {
    1: TransferState.FAILED,  # cancelled
    3: TransferState.FAILED,  # rejected
    5: TransferState.FAILED,
    6: TransferState.DONE,
}
DEPOSIT_STATES = {
    1: TransferState.DONE,
    2: TransferState.FAILED,  # rejected
    7: TransferState.FAILED,  # wrong deposit
}
"""6, credited but not free to withdraw, is pending here (ccxt calls it ok), as is every number that may be added."""


def symbol(coin: Asset) -> str:
    """The name of the coin's USDT market."""
    return f"{coin}{Venue.BINANCE.cash}"


class _Fill(
    AnswerStruct, rename={"quantity": "qty", "fee": "commission", "fee_asset": "commissionAsset", "number": "tradeId"}
):
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str
    number: int


class _Order(AnswerStruct, rename="camel"):
    order_id: int
    status: str
    executed_qty: Decimal
    fills: tuple[_Fill, ...] = ()
    symbol: str | None = None
    side: str | None = None
    orig_qty: Decimal | None = None
    price: Decimal | None = None
    time: int | None = None
    transact_time: int | None = None


class _Trade(
    AnswerStruct, rename={"number": "id", "quantity": "qty", "fee": "commission", "fee_asset": "commissionAsset"}
):
    number: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    fee_asset: str


def order(content: Any) -> VenueOrder:
    """An order with the fills that this answer carries; only the answer to a placement carries them."""
    reported = shaped(content, _Order, "order")
    return _order(reported, _fills(reported.fills))


def with_trades(content: Any, trades: Sequence[Fill]) -> VenueOrder:
    """A queried order and its trades. It was asked for by its name, so it must say what it is."""
    found = _order(shaped(content, _Order, "order"), tuple(trades))
    terms = found.terms
    if None in (terms.coin, terms.side, terms.quantity, terms.limit_price, terms.placed_ms):
        raise BadMessage("order: without symbol, side, origQty, price or time")
    return found


def executed(content: Any) -> tuple[str, Decimal]:
    """Number and executed quantity of a queried order."""
    reported = shaped(content, _Order, "order")
    return str(reported.order_id), reported.executed_qty


def trades(content: Any, first: int = 0) -> tuple[Fill, ...]:
    """Asked for from the number `first` on: one of an earlier page would be booked twice, or read for ever."""
    reported = shaped(content, list[_Trade], "trades")
    if any(trade.number < first for trade in reported):
        raise BadMessage(f"trades: some before {first}, from which on they were asked for")
    return _fills(reported)


def _fills(reported: Sequence[_Fill | _Trade]) -> tuple[Fill, ...]:
    return tuple(Fill(str(t.number), t.price, t.quantity, t.fee, Asset(t.fee_asset)) for t in reported)


def _order(reported: _Order, fills: tuple[Fill, ...]) -> VenueOrder:
    if reported.order_id <= 0:
        raise BadMessage(f"order: orderId is {reported.order_id}")
    complete = exact(lambda: sum((fill.quantity for fill in fills), ZERO))() == reported.executed_qty
    return VenueOrder(str(reported.order_id), reported.status not in OPEN_STATES and complete, fills, _terms(reported))


def _terms(reported: _Order) -> OrderTerms:
    placed_ms = reported.transact_time if reported.time is None else reported.time
    return OrderTerms(
        coin=None if reported.symbol is None else reported.symbol.removesuffix(Venue.BINANCE.cash),
        side=ORDER_SIDES.get(reported.side or ""),
        quantity=reported.orig_qty,
        limit_price=reported.price,
        placed_ms=None if placed_ms is None else check_time(placed_ms, "order"),
    )


class _Level(AnswerStruct, array_like=True):
    price: Decimal
    size: Decimal


class _Depth(AnswerStruct):
    bids: list[_Level]
    asks: list[_Level]


NOBODY = _Level(ZERO, ZERO)
"""An empty side of a book."""


def book(content: Any, coin: Asset, received_ms: int) -> Quote:
    reported = shaped(content, _Depth, "depth")
    bid, *bids = reported.bids or [NOBODY]
    ask, *asks = reported.asks or [NOBODY]
    behind = [levels_text((level.price, level.size) for level in side) for side in (bids, asks)]
    return Quote(Venue.BINANCE, coin, bid.price, bid.size, ask.price, ask.size, received_ms, *behind)


class _Balance(AnswerStruct):
    signed: ClassVar = True

    asset: str
    free: Decimal
    locked: Decimal


class _Account(AnswerStruct):
    balances: list[Any]


def _balance(row: Any) -> Balance:
    reported = shaped(row, _Balance, "account")
    return Balance(reported.free, reported.locked)


def balances(content: Any) -> Balances:
    reported = shaped(content, _Account, "account")
    return rows.read_balances(reported.balances, _balance, venue=Venue.BINANCE, name="asset")


class _DepositAddress(AnswerStruct):
    address: str
    tag: str | None = None


def deposit_address(content: Any, network: str) -> Address:
    """Binance's answer does not name the network that it was asked for."""
    reported = shaped(content, _DepositAddress, "deposit address")
    if not reported.address:
        raise BadMessage("deposit address: empty")
    return Address(network=network, address=reported.address, tag=reported.tag or None)


class _Registered(AnswerStruct, rename="camel"):
    coin: str
    network: str
    address: str
    white_status: bool
    address_tag: str | None = None


def registered_addresses(content: Any, coin: Asset, network: str) -> tuple[Address, ...]:
    """Those of the coin on that network, if whitelisted: an entry of the address book alone allows nothing."""
    return tuple(
        Address(network=network, address=row.address, tag=row.address_tag or None)
        for row in _rows(content, _Registered, "withdraw/address/list", "coin")
        if (row.coin, row.network) == (coin, network) and row.white_status
    )


class _Applied(AnswerStruct):
    id: str


def applied(content: Any) -> str:
    """The venue's id of a withdrawal that was just asked for: all that Binance answers."""
    reported = shaped(content, _Applied, "withdrawal")
    if not reported.id:
        raise BadMessage("withdrawal: without id")
    return reported.id


class _Withdrawal(AnswerStruct, rename="camel"):
    id: str
    status: int
    amount: Decimal
    transaction_fee: Decimal = ZERO
    tx_id: str | None = None
    withdraw_order_id: str | None = None
    info: str | None = None
    network: str | None = None
    address: str | None = None
    apply_time: str | None = None


def withdrawals(content: Any) -> dict[str, tuple[str | None, ListedWithdrawal]]:
    """By venue id: our own id of it and what is listed. The same one may be listed twice."""
    found = readable(content, _listed, venue=Venue.BINANCE, what="withdraw/history", name="id")
    return {listed.report.venue_id: (own_id, listed) for own_id, listed in found}


def _listed(row: Any) -> tuple[str | None, ListedWithdrawal]:
    reported = shaped(row, _Withdrawal, "withdraw/history")
    report = _withdrawal(reported)
    return reported.withdraw_order_id, ListedWithdrawal(
        report=report,
        asked=CONTEXT.add(report.arrives, report.fee),
        network=reported.network or None,
        address=reported.address or None,
        asked_ms=None if reported.apply_time is None else _epoch_ms(reported.apply_time),
        named=True,
    )


def _epoch_ms(text: str) -> int:
    """Of `2026-01-31 08:00:00`, which is UTC."""
    try:
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        raise BadMessage(f"withdraw/history: {text[:40]!r} is no applyTime") from None
    return check_time(int(moment.timestamp()) * 1000, "withdraw/history")


def _withdrawal(reported: _Withdrawal) -> WithdrawalReport:
    """Binance lists the amount that arrives, its fee already taken out."""
    return WithdrawalReport(
        venue_id=reported.id,
        state=WITHDRAWAL_STATES.get(reported.status, TransferState.PENDING),
        txid=reported.tx_id or None,
        arrives=reported.amount,
        fee=reported.transaction_fee,
        detail=f"status {reported.status}" + (f": {reported.info}" if reported.info else ""),
    )


FUNDING_WALLET = 1
IN_FUNDING = "credited to the funding wallet, where it can't be traded; move it to the spot wallet on Binance's page"


class _Deposit(AnswerStruct, rename="camel"):
    id: str
    amount: Decimal
    status: int
    tx_id: str = ""
    wallet_type: int = 0


def deposits(content: Any, txid: str) -> tuple[VenueDeposit, ...]:
    """Those of that txid. What was credited to the funding wallet is pending until `moved` finds it elsewhere."""
    listed = _rows(content, _Deposit, "deposit/hisrec", "id")
    return tuple(_deposit(reported) for reported in listed if same_txid(reported.tx_id, txid))


def _rows(content: Any, kind: type[T], what: str, name: str) -> list[T]:
    return readable(content, lambda row: shaped(row, kind, what), venue=Venue.BINANCE, what=what, name=name)


def _deposit(reported: _Deposit) -> VenueDeposit:
    if not reported.id:
        raise BadMessage("deposit/hisrec: one without id")
    state = DEPOSIT_STATES.get(reported.status, TransferState.PENDING)
    if state is TransferState.DONE and reported.wallet_type == FUNDING_WALLET:
        return VenueDeposit(reported.id, TransferState.PENDING, reported.amount, IN_FUNDING)
    return VenueDeposit(reported.id, state, reported.amount, f"status {reported.status}")


def moved(listed: Sequence[VenueDeposit], spot: Decimal) -> tuple[VenueDeposit, ...]:
    """The same, where the spot wallet has as many free coins as the funding wallet was credited: a person moved them.

    The list goes on to name the wallet that was credited.
    """
    funded = [deposit for deposit in listed if deposit.detail == IN_FUNDING]
    if not funded or spot < exact(lambda: sum((deposit.amount for deposit in funded), ZERO))():
        return tuple(listed)
    return tuple(
        replace(one, state=TransferState.DONE, detail="moved to the spot wallet") if one in funded else one
        for one in listed
    )
