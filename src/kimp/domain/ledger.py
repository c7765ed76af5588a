"""The double-entry ledger: every movement sums to zero per asset, so nothing appears or vanishes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from kimp.domain.errors import UnbalancedEntry
from kimp.domain.ids import step_of
from kimp.domain.market import Fill, Side
from kimp.domain.money import ZERO, Asset, Money, exact
from kimp.domain.venues import Venue
from kimp.domain.won import CASH, krw_per

RECONCILED = "reconciled/"
"""What the ids of entries begin with that book what nobody could explain."""


class Account(StrEnum):
    """Where value is that no venue holds, or where it went. A venue is an account of its own name."""

    IN_TRANSIT = "in_transit"
    FEES = "fees"
    MARKET = "market"
    EXTERNAL = "external"


Holder = Venue | Account
Held = Mapping[tuple[Holder, Asset], Decimal]
"""How much of each asset is where."""
DEAREST_FEE = Decimal("0.0025")
"""Of a trade's cash: neither venue publishes a higher one for any spot market, and paid in another coin it is lower."""


def holder(name: str) -> Holder:
    """Of an account that is stored by its name. Raises ValueError if there is none such."""
    return Account(name) if name in set(Account) else Venue(name)


def is_held(account: Holder) -> bool:
    """Whether what is there can still be traded or sent, now or once it has arrived."""
    return isinstance(account, Venue) or account is Account.IN_TRANSIT


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of an entry: positive adds to the account."""

    account: Holder
    asset: Asset
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement. `entry_id` is unique for ever: booking it twice changes nothing.

    Raises UnbalancedEntry if the postings of any asset do not sum to zero.
    """

    entry_id: str
    cycle_id: str | None
    postings: tuple[Posting, ...]

    def __post_init__(self) -> None:
        for asset, total in _totals(self.postings).items():
            if total != ZERO:
                raise UnbalancedEntry(f"entry {self.entry_id}: {asset} is off by {total:f}")

    def __str__(self) -> str:
        moved = ", ".join(f"{p.amount:+f} {p.asset} on {p.account}" for p in self.postings)
        return f"{self.entry_id}: {moved}"


@exact
def _totals(postings: Iterable[Posting]) -> dict[Asset, Decimal]:
    totals: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
    for posting in postings:
        totals[posting.asset] += posting.amount
    return dict(totals)


def _entry(entry_id: str, cycle_id: str | None, *postings: Posting) -> Entry:
    return Entry(entry_id, cycle_id, tuple(p for p in postings if p.amount != ZERO))


@exact
def fill_entry(order_id: str, cycle_id: str, venue: Venue, coin: Asset, side: Side, fill: Fill) -> Entry:
    """One trade: the venue's account swaps cash and coins with the market and pays the fee."""
    sign = 1 if side is Side.BUY else -1
    funds = fill.price * fill.quantity
    return _entry(
        f"{order_id}/{fill.trade_id}",
        cycle_id,
        Posting(venue, coin, sign * fill.quantity),
        Posting(Account.MARKET, coin, -sign * fill.quantity),
        Posting(venue, venue.cash, -sign * funds),
        Posting(Account.MARKET, venue.cash, sign * funds),
        Posting(venue, fill.fee_asset, -fill.fee),
        Posting(Account.FEES, fill.fee_asset, fill.fee),
    )


@exact
def withdrawal_entry(
    transfer_id: str, cycle_id: str, venue: Venue, coin: Asset, arrives: Decimal, fee: Decimal
) -> Entry:
    """Coins that left the venue: what will arrive is in transit, the network fee is spent."""
    return _entry(
        f"{transfer_id}/out",
        cycle_id,
        Posting(venue, coin, -(arrives + fee)),
        Posting(Account.IN_TRANSIT, coin, arrives),
        Posting(Account.FEES, coin, fee),
    )


@exact
def deposit_entry(transfer_id: str, cycle_id: str, venue: Venue, coin: Asset, amount: Decimal) -> Entry:
    """Coins that reached the venue."""
    return _entry(
        f"{transfer_id}/in",
        cycle_id,
        Posting(Account.IN_TRANSIT, coin, -amount),
        Posting(venue, coin, amount),
    )


@exact
def write_off_entry(name: str, cycle_id: str, account: Holder, asset: Asset, amount: Decimal) -> Entry:
    """What a person declared lost, or took out of kimp's hands."""
    return _entry(name, cycle_id, Posting(account, asset, -amount), Posting(Account.EXTERNAL, asset, amount))


@exact
def opening_entry(venue: Venue, balances: Mapping[Asset, Decimal]) -> Entry:
    """All that the account held when kimp first looked. One entry, so that it can be booked only once."""
    postings = [
        Posting(side, asset, sign * amount)
        for asset, amount in balances.items()
        for side, sign in ((Account.EXTERNAL, -1), (venue, 1))
    ]
    return _entry(opening_id(venue), None, *postings)


def opening_id(venue: Venue) -> str:
    """Of the one entry that says what an account held at first."""
    return f"opening/{venue}"


@exact
def unexplained_differences(ledger: Held, held: Held) -> dict[tuple[Holder, Asset], Decimal]:
    """What each venue holds beyond its account in the ledger; negative where it holds less."""
    keys = {key for key in (*ledger, *held) if isinstance(key[0], Venue)}
    differences = {key: held.get(key, ZERO) - ledger.get(key, ZERO) for key in sorted(keys)}
    return {key: difference for key, difference in differences.items() if difference != ZERO}


@exact
def unexplained_entry(entry_id: str, differences: Held) -> Entry:
    """The ledger follows the venues; nobody knows why."""
    postings = [
        posting
        for (account, asset), amount in differences.items()
        for posting in (Posting(account, asset, amount), Posting(Account.EXTERNAL, asset, -amount))
    ]
    return _entry(entry_id, None, *postings)


@exact
def holdings(entries: Iterable[Entry], before: Held | None = None) -> dict[tuple[Holder, Asset], Decimal]:
    """Net change of what is held, per account and asset, without the zero ones. `before`: what to begin with."""
    changes: defaultdict[tuple[Holder, Asset], Decimal] = defaultdict(lambda: ZERO, before or {})
    for entry in entries:
        for posting in entry.postings:
            if is_held(posting.account):
                changes[posting.account, posting.asset] += posting.amount
    return {key: change for key, change in changes.items() if change != ZERO}


@exact
def spent_on(entries: Iterable[Entry], venue: Venue, step: str) -> Money | None:
    """Cash of `venue` that the orders of a step took, by the books; None if none of them filled."""
    postings = [
        posting.amount
        for entry in entries
        if step_of(entry.entry_id) == step
        for posting in entry.postings
        if (posting.account, posting.asset) == (venue, venue.cash)
    ]
    return Money(-sum(postings, ZERO), venue.cash) if postings else None


@exact
def value_krw(changes: Held, krw_per_usdt: Decimal, prices_krw: Mapping[Asset, Decimal]) -> Decimal:
    """What the changes are worth in won. `prices_krw` holds each of the coins; cash is valued at `krw_per_usdt`."""
    price = {**_cash_krw(krw_per_usdt), **prices_krw}
    return sum((change * price[asset] for (_, asset), change in changes.items()), ZERO)


@exact
def fees_elsewhere_krw(entries: Iterable[Entry], krw_per_usdt: Decimal) -> dict[Asset, Decimal]:
    """By asset, the most in won that fees in neither the coin nor the cash of their trades (BNB) can have come to."""
    most: defaultdict[Asset, Decimal] = defaultdict(lambda: ZERO)
    price = _cash_krw(krw_per_usdt)
    for entry in entries:
        traded = {p.asset: abs(p.amount) for p in entry.postings if p.account is Account.MARKET}
        funds_krw = max((traded[asset] * price[asset] for asset in traded if asset in price), default=ZERO)
        for posting in entry.postings:
            if posting.account is Account.FEES and traded and posting.asset not in traded:
                most[posting.asset] += funds_krw * DEAREST_FEE
    return dict(most)


def _cash_krw(krw_per_usdt: Decimal) -> dict[Asset, Decimal]:
    return {cash: krw_per(cash, krw_per_usdt) for cash in CASH}
