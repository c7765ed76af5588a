"""Upbit's trading and wallet rules, put together from the four endpoints that each tell a part. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from kimp.adapters.venue.rows import readable
from kimp.adapters.venue.shape import AnswerStruct, shaped, true
from kimp.contracts.ranges import instrument_problem, network_problem, turnover_problem
from kimp.domain.discovery import Listing
from kimp.domain.errors import BadMessage
from kimp.domain.market import Instrument, Network, Quote, TickBand, Turnover
from kimp.domain.money import CONTEXT, ZERO, Asset
from kimp.domain.tags import TAGGED_COINS
from kimp.domain.ticks import KRW_TICKS
from kimp.domain.venues import Venue

T = TypeVar("T")

LOT = Decimal("1e-8")
"""Upbit takes eight decimals of volume in every market."""
IN_STATES = frozenset({"working", "deposit_only"})
OUT_STATES = frozenset({"working", "withdraw_only"})


class _Listed(AnswerStruct):
    market: str


def listing(content: Any) -> frozenset[str]:
    """Names of all markets."""
    return frozenset(row.market for row in _rows(content, _Listed, "market/all", "market"))


class _Event(AnswerStruct):
    warning: bool = False
    caution: dict[str, bool] | None = None


class _Market(AnswerStruct):
    market: str
    market_event: _Event | None = None


def flagged_listing(content: Any) -> Listing:
    """Of the answer of `/market/all?is_details=true`: coins with a won market, and what Upbit warns of in each."""
    rows = _rows(content, _Market, "market/all", "market")
    won = f"{Venue.UPBIT.cash}-"
    return {Asset(row.market.removeprefix(won)): _flags(row.market_event) for row in rows if row.market.startswith(won)}


def _flags(event: _Event | None) -> str:
    if event is None:
        return ""
    cautions = [name.lower().replace("_", " ") for name, on in (event.caution or {}).items() if on]
    return ", ".join([*(["warning"] if event.warning else []), *(f"caution: {name}" for name in cautions)])


class _Ticks(AnswerStruct):
    market: str
    tick_size: Decimal


def tick_sizes(content: Any) -> dict[str, Decimal]:
    """Market name -> the tick at its present price."""
    return {row.market: row.tick_size for row in _rows(content, _Ticks, "instruments", "market")}


class _Day(AnswerStruct):
    market: str
    acc_trade_price_24h: Decimal


def turnovers(content: Any, names: Mapping[str, Asset]) -> tuple[Turnover, ...]:
    """Of the answer of `/ticker`, in won; one that can't be true counts as not told."""
    days = ((names.get(row.market), row) for row in _rows(content, _Day, "ticker", "market"))
    found = (Turnover(Venue.UPBIT, coin, row.acc_trade_price_24h) for coin, row in days if coin is not None)
    return tuple(turnover for turnover in found if turnover_problem(turnover) is None)


class _Minimum(AnswerStruct):
    min_total: Decimal


class _MarketTerms(AnswerStruct):
    bid: _Minimum
    ask: _Minimum
    max_total: Decimal


class OrderChance(AnswerStruct):
    """Answer of `/orders/chance`: what the account may order in one market, and at which fee."""

    bid_fee: Decimal
    ask_fee: Decimal
    market: _MarketTerms


def order_chance(content: Any) -> OrderChance:
    return shaped(content, OrderChance, "orders/chance")


def usual_chance(fee: Decimal, least_krw: Decimal, most_krw: Decimal) -> OrderChance:
    """Of an account that nothing is known of."""
    least = _Minimum(least_krw)
    return OrderChance(fee, fee, _MarketTerms(least, least, most_krw))


def instrument(coin: Asset, chance: OrderChance, tick: Decimal | None, top: Quote | None) -> Instrument:
    """Raises BadMessage for rules that can't be true."""
    read = Instrument(
        venue=Venue.UPBIT,
        coin=coin,
        tick_bands=tick_bands(tick, top.ask if top else None),
        lot=LOT,
        min_quantity=LOT,
        min_notional=max(chance.market.bid.min_total, chance.market.ask.min_total),
        max_notional=chance.market.max_total,
        taker_fee=max(chance.bid_fee, chance.ask_fee),
    )
    return true(read, instrument_problem)


def tick_bands(tick: Decimal | None, price: Decimal | None) -> tuple[TickBand, ...]:
    """The published table, with the market's own tick in the band of its present price.

    A tick that a neighbouring band publishes may only mean that the price has just crossed the border between the
    two readings: then the coarser of the two is taken, whose multiples are good on either side.
    """
    if tick is None or price is None or tick <= ZERO:
        return KRW_TICKS
    here = next((i for i, band in enumerate(KRW_TICKS) if price >= band.from_price), len(KRW_TICKS) - 1)
    band = KRW_TICKS[here]
    neighbours = {other.tick for other in KRW_TICKS[max(here - 1, 0) : here + 2]}
    own = max(tick, band.tick) if tick in neighbours else tick
    return (*KRW_TICKS[:here], TickBand(band.from_price, own), *KRW_TICKS[here + 1 :])


class Wallet(AnswerStruct):
    """A row of `/status/wallet`."""

    currency: str
    wallet_state: str
    net_type: str | None = None
    block_state: str | None = None


def wallets(content: Any) -> dict[tuple[str, str], Wallet]:
    """By coin and network."""
    return {(w.currency, w.net_type or ""): w for w in _rows(content, Wallet, "status/wallet", "currency")}


def _rows(content: Any, kind: type[T], what: str, name: str) -> list[T]:
    return readable(content, lambda row: shaped(row, kind, what), venue=Venue.UPBIT, what=what, name=name)


class _Member(AnswerStruct):
    wallet_locked: bool = False


class _Currency(AnswerStruct):
    withdraw_fee: Decimal


class _Limit(AnswerStruct):
    minimum: Decimal
    fixed: int
    can_withdraw: bool = True


class WithdrawChance(AnswerStruct):
    """Answer of `/withdraws/chance`: fee, minimum and decimals of one coin on one network."""

    currency: _Currency
    withdraw_limit: _Limit
    member_level: _Member | None = None

    def __post_init__(self) -> None:
        if self.withdraw_limit.fixed not in range(19):
            raise ValueError(f"withdraw_limit.fixed is {self.withdraw_limit.fixed}")


def withdraw_chance(content: Any) -> WithdrawChance:
    return shaped(content, WithdrawChance, "withdraws/chance")


def network(
    coin: Asset, name: str, rows: Mapping[tuple[str, str], Wallet], chance: WithdrawChance, *, tagged: bool
) -> Network:
    """`tagged`: Upbit's own deposit address of the coin has a second part. Raises BadMessage for an unlisted wallet,
    and for numbers that can't be true.
    """
    wallet = rows.get((coin, name))
    if wallet is None:
        raise BadMessage(f"status/wallet: no {coin} wallet on network {name!r}; mend upbit.networks.{coin}")
    alive = wallet.block_state != "inactive"
    locked = chance.member_level is not None and chance.member_level.wallet_locked
    allowed = chance.withdraw_limit.can_withdraw and not locked
    read = Network(
        venue=Venue.UPBIT,
        coin=coin,
        name=name,
        withdraw_fee=chance.currency.withdraw_fee,
        withdraw_min=chance.withdraw_limit.minimum,
        withdraw_step=CONTEXT.power(Decimal(10), -chance.withdraw_limit.fixed),
        withdraw_open=alive and allowed and wallet.wallet_state in OUT_STATES,
        deposit_open=alive and wallet.wallet_state in IN_STATES,
        tag_required=tagged or coin in TAGGED_COINS,
    )
    return true(read, network_problem)
