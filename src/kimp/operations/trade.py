"""A cycle as a trade: each order and transfer that the ledger has entries of, and what stayed where."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from kimp.domain.ledger import Account, Entry, Held, Holder, holdings, is_held
from kimp.domain.market import Side
from kimp.domain.money import ZERO, Asset, exact


@dataclass(slots=True)
class Traded:
    """An order: the sum of its fills."""

    name: str
    side: Side
    account: Holder
    coin: Asset
    cash: Asset
    quantity: Decimal = ZERO
    funds: Decimal = ZERO
    fees: dict[Asset, Decimal] = field(default_factory=dict)

    @property
    def price(self) -> Decimal:
        """The average of its fills, before fees."""
        return self.funds / self.quantity


@dataclass(frozen=True, slots=True)
class Moved:
    """Coins that left a venue or reached one, or an entry of another kind, e.g. a write-off."""

    name: str
    changes: Held
    fee: Decimal


@dataclass(frozen=True, slots=True)
class CycleTrades:
    steps: Sequence[Traded | Moved]
    left: Held
    """What the cycle changed in all, on each account: what it earned, in the assets that it earned it in."""


@exact
def trade_of(entries: Sequence[Entry]) -> CycleTrades:
    """In the order that it was booked."""
    orders: dict[str, Traded] = {}
    steps: dict[str, Traded | Moved] = {}
    for entry in entries:
        own = {(p.account, p.asset): p.amount for p in entry.postings if is_held(p.account)}
        market = {p.asset: p.amount for p in entry.postings if p.account is Account.MARKET}
        fees = {p.asset: p.amount for p in entry.postings if p.account is Account.FEES}
        if len(market) == 2:  # noqa: PLR2004 - a coin against cash
            name = entry.entry_id.partition("/")[0]
            steps[name] = orders[name] = _with_fill(orders.get(name), name, next(iter(own))[0], market, fees)
        else:
            steps[entry.entry_id] = Moved(entry.entry_id, own, sum(fees.values(), ZERO))
    return CycleTrades(tuple(steps.values()), {key: amount for key, amount in holdings(entries).items() if amount})


def _with_fill(
    traded: Traded | None, name: str, account: Holder, market: Mapping[Asset, Decimal], fees: Mapping[Asset, Decimal]
) -> Traded:
    """The order with one more fill; `market` is the other side of it."""
    coin, cash = market  # the coin's posting comes first
    if traded is None:
        traded = Traded(name, Side.BUY if market[coin] < ZERO else Side.SELL, account, coin, cash)
    traded.quantity += abs(market[coin])
    traded.funds += abs(market[cash])
    for asset, fee in fees.items():
        traded.fees[asset] = traded.fees.get(asset, ZERO) + fee
    return traded
