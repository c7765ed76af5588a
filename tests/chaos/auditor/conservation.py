"""I1: nothing appears, nothing vanishes. I5: nothing lies around that belongs to nobody."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from chaos.auditor.books import TERMINAL, Books
from chaos.auditor.capital import check_capital
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.names import CASH, OrderName
from chaos.auditor.outside import check_outside, outstanding
from chaos.auditor.parked import check_parked
from chaos.auditor.reconciliation import net, reconcile, unfounded_write_offs
from chaos.auditor.venue_truth import VenueTruth, total

ZERO = Decimal(0)
FEE_COIN = "BNB"
"""Binance may take its fees in it."""
DUST_KRW = Decimal(10_000)
"""Below this value neither venue takes an order: lots and least orders leave so much behind."""


def check_conservation(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """Every entry sums to zero, every movement of the venue is booked once, every balance is the ledger's, exactly.

    What a cycle that is still open has moved and not booked yet is allowed for, to the last digit.
    """
    for entry in books.entries:
        for asset, off in _off_balance(entry.movement()).items():
            yield violation("an entry does not sum to zero", entry=entry.entry_id, asset=asset, off=off)
    for asset, off in _off_balance(books.balances()).items():
        yield violation("the ledger does not sum to zero", asset=asset, off=off)
    found = reconcile(truth, books)
    for part in found.unbooked:
        if part.cycle_id not in books.open_cycles:
            yield violation("moved at the venue, not in the ledger", of=part.what, journal=part.n, cycle=part.cycle_id)
    yield from check_parked(truth, books, found.unbooked)
    for entry in found.phantoms:
        yield violation("in the ledger, but it never happened so at the venue", entry=entry.entry_id)
    for what, amount in unfounded_write_offs(truth, books, found.write_offs):
        yield violation("written off, and the venue does not know it as lost", what=what, amount=amount)
    yield from check_outside(truth, books)
    ledger, pending, by_mistake = books.balances(), net(found.unbooked, CASH), outstanding(truth, books)
    for key in sorted({key for key in ledger if key[0] in CASH} | truth.balances.keys()):
        ours = ledger.get(key, ZERO) + pending.get(key, ZERO) + by_mistake.get(key, ZERO)
        theirs = truth.balances.get(key, ZERO)
        if ours != theirs:
            yield violation(
                "the ledger is not the venue's balance", venue=key[0], asset=key[1], ledger=ours, balance=theirs
            )
    yield from check_capital(truth, books)


def _off_balance(movement: Mapping[tuple[str, str], Decimal]) -> dict[str, Decimal]:
    """Assets whose changes over all accounts do not cancel out."""
    sums = total(("", asset, amount) for (_, asset), amount in movement.items())
    return {asset: off for (_, asset), off in sums.items()}


def check_inventory(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """A cycle that ended holds nothing but cash, except for dust, and never took coins that were not its own."""
    for cycle, held in books.holdings().items():
        row = books.cycles.get(cycle)
        if row is None:
            yield violation("holdings of a cycle that has no row", cycle=cycle, held=_reported(held))
        elif row["status"] in TERMINAL:
            owes = str(row["coin"]) if cycle in books.paired else None
            yield from _left_over(cycle, str(row["direction"]), held, truth, owes)
    for asset, amount in sorted(_by_account(books, "in_transit").items()):
        owned = sum((held.get(("in_transit", asset), ZERO) for held in _open(books)), ZERO)
        if amount != owned:
            yield violation("in transit, and no open cycle knows of it", asset=asset, amount=amount - owned)


def _left_over(
    cycle: str, direction: str, held: dict[tuple[str, str], Decimal], truth: VenueTruth, owes: str | None
) -> Iterator[Violation]:
    """`owes`: a coin of the stock that it sold, and gave back but for what is too little to trade: no leg is open."""
    home = "binance" if direction == "to_upbit" else "upbit"
    for (account, asset), amount in held.items():
        if (account, asset) == (home, CASH[home]):
            continue
        facts = {"cycle": cycle, "account": account, "asset": asset, "amount": amount}
        if asset == FEE_COIN:
            if amount != -_fees(cycle, asset, truth):
                yield violation("other fees than the venue took", **facts)
        elif account == "in_transit":
            yield violation("a cycle that ended has something in transit", **facts)
        elif amount < -(DUST_KRW / truth.prices_krw[asset] if asset in (CASH[account], owes) else ZERO):
            # Of cash a buy may take a little more than was counted on: its price may move within the limit.
            yield violation("a cycle gave away what it never had", **facts)
        elif asset not in truth.prices_krw or amount * truth.prices_krw[asset] > DUST_KRW:
            yield violation("a cycle that ended still holds something", **facts)


def _fees(cycle: str, asset: str, truth: VenueTruth) -> Decimal:
    """What the venue took of this for the cycle's trades."""
    fills = (fill for fill in truth.fills if fill.fee_asset == asset)
    own = (fill.fee for fill in fills if (name := OrderName.of(fill.client_id or "")) and name.cycle == cycle)
    return sum(own, ZERO)


def _open(books: Books) -> list[dict[tuple[str, str], Decimal]]:
    return [held for cycle, held in books.holdings().items() if cycle in books.open_cycles]


def _by_account(books: Books, account: str) -> dict[str, Decimal]:
    return {asset: amount for (where, asset), amount in books.balances().items() if where == account}


def _reported(held: dict[tuple[str, str], Decimal]) -> str:
    return "; ".join(f"{amount:f} {asset} {account}" for (account, asset), amount in held.items())
