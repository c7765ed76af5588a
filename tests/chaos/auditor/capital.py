"""I1, further: cash that is set aside is there, for no cycle twice, and free again once the cycle has ended."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from chaos.auditor.books import TERMINAL, Books
from chaos.auditor.evidence import Row, Violation, number, violation
from chaos.auditor.names import CASH, OrderName
from chaos.auditor.venue_truth import VenueTruth

ZERO = Decimal(0)
OPENING = "1"
"""The leg that starts from the reserved cash."""
Spendings = Mapping[tuple[str, str], Sequence[tuple[int, Decimal]]]
"""Cycle and venue -> when its orders took how much cash."""


def check_capital(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """Where kimp reserves capital: never more than there was, and none for a cycle that ended."""
    yield from _released(books)
    yield from _covered(truth, books)
    yield from _within(truth, books)
    if books.open_cycles or books.reserving:
        return
    ledger = books.balances()
    for row in books.capital or ():
        free, there = number(row["free"]), ledger.get((row["venue"], row["asset"]), ZERO)
        if free != there:
            yield violation(
                "free capital is not the balance", venue=row["venue"], asset=row["asset"], free=free, ledger=there
            )
    for row in books.stock or ():
        free, there = number(row["free"]), ledger.get((row["venue"], row["coin"]), ZERO)
        if free != there:
            yield violation(
                "free stock is not the balance", venue=row["venue"], asset=row["coin"], free=free, ledger=there
            )


def _released(books: Books) -> Iterator[Violation]:
    for row in books.reservations or ():
        cycle = books.cycles.get(row["cycle_id"])
        if row["released_ms"] is None and cycle is not None and cycle["status"] in TERMINAL:
            yield violation("a cycle that ended still reserves capital", cycle=row["cycle_id"], amount=row["amount"])
    for row in books.stock_reservations:
        if row["cycle_id"] not in books.reserving:
            yield violation("coins are set aside for a cycle that is over", cycle=row["cycle_id"], coin=row["coin"])


def _covered(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """Whenever cash was set aside: all that was reserved and not spent yet is in the venue's account."""
    spendings = _spendings(truth)
    for venue, asset in CASH.items():
        history = [(now.ms, now.balance) for now in truth.balance_lines if (now.venue, now.asset) == (venue, asset)]
        rows = [row for row in books.reservations or () if row["venue"] == venue]
        for row in rows:
            at_ms = row["made_ms"]
            unspent = sum((_unspent(other, at_ms, spendings) for other in rows), ZERO)
            there = history[bisect_right(history, at_ms, key=lambda now: now[0]) - 1][1] if history else ZERO
            if unspent > there:
                yield violation(
                    "more is reserved than there is", cycle=row["cycle_id"], venue=venue, reserved=unspent, there=there
                )


def _within(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """A cycle opens with no more cash than was set aside for it, all its first orders together."""
    reserved = {(row["cycle_id"], row["venue"]): number(row["amount"]) for row in books.reservations or ()}
    spent: dict[tuple[str, str], Decimal] = {}
    for fill in truth.fills:
        name = OrderName.of(fill.client_id or "")
        if name is not None and name.leg == OPENING and fill.side == "buy":
            key = name.cycle, fill.venue
            spent[key] = spent.get(key, ZERO) - fill.movement().get((fill.venue, CASH[fill.venue]), ZERO)
    for key, cash in spent.items():
        if reserved.get(key) and cash > reserved[key]:  # one that was taken up again after its end reserves nothing
            yield violation(
                "spent more than was reserved", cycle=key[0], venue=key[1], spent=cash, reserved=reserved[key]
            )


def _unspent(row: Row, at_ms: int, spendings: Spendings) -> Decimal:
    """Of a reservation that was open then."""
    if row["made_ms"] > at_ms or (row["released_ms"] is not None and row["released_ms"] <= at_ms):
        return ZERO
    spent = sum((cash for ms, cash in spendings.get((row["cycle_id"], row["venue"]), ()) if ms <= at_ms), ZERO)
    return max(number(row["amount"]) - spent, ZERO)


def _spendings(truth: VenueTruth) -> Spendings:
    found: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}
    for fill in truth.fills:
        name = OrderName.of(fill.client_id or "")
        if name is not None and fill.side == "buy":
            cash = -fill.movement().get((fill.venue, CASH[fill.venue]), ZERO)
            found.setdefault((name.cycle, fill.venue), []).append((fill.ms, cash))
    return found
