"""Binance's trading and wallet rules, from exchangeInfo, tradeFee and the wallet's configuration. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from kimp.adapters.venue.rows import readable
from kimp.adapters.venue.shape import AnswerStruct, shaped, true
from kimp.contracts.ranges import instrument_problem, network_problem, turnover_problem
from kimp.domain.discovery import Listing
from kimp.domain.errors import BadMessage
from kimp.domain.market import Instrument, Network, TickBand, Turnover
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import Venue

T = TypeVar("T")

TRADING = "TRADING"
WALLETS = "capital/config/getall"
NO_QUESTIONNAIRE = "NIL"
NO_MAXIMUM = Decimal("1e15")
"""Where a market publishes no greatest notional: more USDT than there are."""


class _Filter(AnswerStruct, rename="camel"):
    filter_type: str
    tick_size: Decimal = ZERO
    min_qty: Decimal = ZERO
    step_size: Decimal = ZERO
    min_notional: Decimal = ZERO
    max_notional: Decimal = NO_MAXIMUM


class Symbol(AnswerStruct):
    """One market of exchangeInfo."""

    symbol: str
    status: str
    filters: list[_Filter]


class _Pair(AnswerStruct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    is_spot_trading_allowed: bool = True


class _Info(AnswerStruct):
    symbols: list[Any]


def symbols(content: Any) -> dict[str, Symbol]:
    """By name, those that are trading now."""
    listed = _rows(shaped(content, _Info, "exchangeInfo").symbols, Symbol, "exchangeInfo", "symbol")
    return {s.symbol: s for s in listed if s.status == TRADING}


def flagged_listing(content: Any) -> Listing:
    """Coins with a USDT market, and what keeps each from being traded now."""
    pairs = _rows(shaped(content, _Info, "exchangeInfo").symbols, _Pair, "exchangeInfo", "symbol")
    cash = Venue.BINANCE.cash
    return {Asset(pair.base_asset): _closed(pair) for pair in pairs if pair.quote_asset == cash}


def _closed(pair: _Pair) -> str:
    if pair.status != TRADING:
        return f"status {pair.status}"
    return "" if pair.is_spot_trading_allowed else "no spot market"


class _Fee(AnswerStruct, rename="camel"):
    symbol: str
    taker_commission: Decimal


def taker_fees(content: Any) -> dict[str, Decimal]:
    """Symbol -> the account's taker fee, a ratio."""
    return {fee.symbol: fee.taker_commission for fee in _rows(content, _Fee, "tradeFee", "symbol")}


def instrument(coin: Asset, symbol: Symbol, fees: Mapping[str, Decimal]) -> Instrument:
    """Raises BadMessage if a filter or the fee that an order depends on is missing, or can't be true."""
    by_type = {f.filter_type: f for f in symbol.filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    notional = by_type.get("NOTIONAL") or by_type.get("MIN_NOTIONAL")
    fee = fees.get(symbol.symbol)
    if price is None or lot is None or notional is None or fee is None:
        raise BadMessage(f"exchangeInfo: {symbol.symbol} lacks PRICE_FILTER, LOT_SIZE, NOTIONAL or a fee")
    read = Instrument(
        venue=Venue.BINANCE,
        coin=coin,
        tick_bands=(TickBand(ZERO, price.tick_size),),
        lot=lot.step_size,
        min_quantity=lot.min_qty,
        min_notional=notional.min_notional,
        max_notional=notional.max_notional,
        taker_fee=fee,
    )
    return true(read, instrument_problem)


class _Day(AnswerStruct, rename="camel"):
    symbol: str
    quote_volume: Decimal


def turnovers(content: Any, names: Mapping[str, Asset]) -> tuple[Turnover, ...]:
    """Of the answer of `ticker/24hr`, in USDT; one that can't be true counts as not told."""
    days = ((names.get(row.symbol), row) for row in _rows(content, _Day, "ticker/24hr", "symbol"))
    found = (Turnover(Venue.BINANCE, coin, row.quote_volume) for coin, row in days if coin is not None)
    return tuple(turnover for turnover in found if turnover_problem(turnover) is None)


class _Last(AnswerStruct, rename="camel"):
    symbol: str
    last_price: Decimal


def last_prices(content: Any, names: Mapping[str, Asset]) -> dict[Asset, Decimal]:
    """Of the answer of `ticker/24hr`, in USDT."""
    rows = _rows(content, _Last, "ticker/24hr", "symbol")
    return {coin: row.last_price for row in rows if (coin := names.get(row.symbol)) is not None}


class _Network(AnswerStruct, rename="camel"):
    network: str
    withdraw_fee: Decimal
    withdraw_min: Decimal
    withdraw_integer_multiple: Decimal
    withdraw_enable: bool
    deposit_enable: bool
    busy: bool = False
    withdraw_tag: bool | None = None
    memo_regex: str = ""


class _Coin(AnswerStruct, rename="camel"):
    coin: str
    network_list: list[Any]


def networks(content: Any) -> dict[tuple[str, str], _Network]:
    """By coin and network."""
    coins = readable(content, _networks, venue=Venue.BINANCE, what=WALLETS, name="coin")
    return {(coin, network.network): network for coin, listed in coins for network in listed}


def _networks(row: Any) -> tuple[str, list[_Network]]:
    coin = shaped(row, _Coin, WALLETS)
    return coin.coin, _rows(coin.network_list, _Network, f"{WALLETS} of {coin.coin}", "network")


def _rows(content: Any, kind: type[T], what: str, name: str) -> list[T]:
    return readable(content, lambda row: shaped(row, kind, what), venue=Venue.BINANCE, what=what, name=name)


class _Questionnaire(AnswerStruct, rename="camel"):
    questionnaire_country_code: str


def asks_who_receives(content: Any) -> bool:
    """Whether the account's region demands answers with each withdrawal, without which Binance refuses it (-4104)."""
    return shaped(content, _Questionnaire, "questionnaire-requirements").questionnaire_country_code != NO_QUESTIONNAIRE


def network(coin: Asset, name: str, rows: Mapping[tuple[str, str], _Network], *, asks: bool = False) -> Network:
    """Raises BadMessage for a network that Binance does not list, or whose numbers can't be true.

    `asks`: of the account `asks_who_receives`; then nothing leaves, as kimp does not answer for its owner.
    """
    row = rows.get((coin, name))
    if row is None:
        raise BadMessage(f"capital/config/getall: no network {name!r} of {coin}; mend binance.networks.{coin}")
    read = Network(
        venue=Venue.BINANCE,
        coin=coin,
        name=name,
        withdraw_fee=row.withdraw_fee,
        withdraw_min=row.withdraw_min,
        withdraw_step=row.withdraw_integer_multiple,
        withdraw_open=row.withdraw_enable and not row.busy and not asks,
        deposit_open=row.deposit_enable and not row.busy,
        tag_required=bool(row.memo_regex) if row.withdraw_tag is None else row.withdraw_tag,
    )
    return true(read, network_problem)
