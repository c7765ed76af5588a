"""I1, further: what reached an account from outside of kimp's knowledge, beside what kimp booked as that.

kimp compares its ledger with the balances now and then and books any difference as external. Such an entry is right
only if the venue's journal tells where the difference came from: a transaction credited twice, or an order that was
executed after kimp had given it up, for as long as nobody had taken it in. Anything else would be a hole in the books
that kimp has papered over.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, combinations

from chaos.auditor.books import Books, Entry
from chaos.auditor.evidence import Violation, violation
from chaos.auditor.names import CASH
from chaos.auditor.orders import beyond_fence
from chaos.auditor.reconciliation import RECONCILED
from chaos.auditor.venue_truth import VenueTruth, total

READ_WITHIN_MS = 15_000
"""How long before its booking the balances of a difference may have been read."""
MANY = 10
Movement = Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Change:
    """Of the difference between balances and ledger."""

    ms: int
    movement: Movement


def check_outside(truth: VenueTruth, books: Books) -> Iterator[Violation]:
    """Each booked difference is explained, at its time, to the last digit; and in the end none is left."""
    changes = sorted(_changes(truth, books), key=lambda change: change.ms)
    booked: list[Movement] = []
    for entry in _reconciled(books):
        begun_ms = entry.booked_ms - READ_WITHIN_MS
        before = _sum([*(c.movement for c in changes if c.ms <= begun_ms), *map(_negative, booked)])
        around = [c.movement for c in changes if begun_ms < c.ms <= entry.booked_ms]
        difference = _on_venues(entry.movement())
        if not any(_sum([before, *some]) == difference for some in _choices(around)):
            yield violation("booked as external, and the venue knows no cause", entry=entry.entry_id, of=difference)
        booked.append(difference)
    if not books.open_cycles and not books.reserving:
        for (venue, asset), amount in outstanding(truth, books).items():
            yield violation("came from outside and was never booked", venue=venue, asset=asset, amount=amount)


def outstanding(truth: VenueTruth, books: Books) -> Movement:
    """What the accounts hold by mistakes of the venue and no entry tells of yet."""
    mistakes = (_on_venues(deposit.movement()) for deposit in truth.mistakes)
    return _sum([*mistakes, *(_negative(_on_venues(entry.movement())) for entry in _reconciled(books))])


def _changes(truth: VenueTruth, books: Books) -> Iterator[Change]:
    for deposit in truth.mistakes:
        yield Change(deposit.credited_ms or 0, _on_venues(deposit.movement()))
    late = {order.client_id for order in beyond_fence(truth, books)}
    for fill in truth.fills:
        if fill.client_id in late:
            yield Change(fill.ms, _on_venues(fill.movement()))
    for entry in books.entries:
        if entry.entry_id.partition("/")[0] in late:
            yield Change(entry.booked_ms, _negative(_on_venues(entry.movement())))


def _reconciled(books: Books) -> list[Entry]:
    found = [entry for entry in books.entries if entry.entry_id.startswith(RECONCILED)]
    return sorted(found, key=lambda entry: entry.booked_ms)


def _choices(around: Sequence[Movement]) -> Iterable[Sequence[Movement]]:
    """Any of them may have come before the balances were read, the others after."""
    return chain.from_iterable(combinations(around[-MANY:], count) for count in range(len(around[-MANY:]) + 1))


def _on_venues(movement: Movement) -> Movement:
    return {key: amount for key, amount in movement.items() if key[0] in CASH}


def _negative(movement: Movement) -> Movement:
    return {key: -amount for key, amount in movement.items()}


def _sum(movements: Iterable[Movement]) -> Movement:
    return total((account, asset, amount) for movement in movements for (account, asset), amount in movement.items())
