"""The venue's movements beside the ledger's entries, one by one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from chaos.auditor.books import Books, Entry, WithdrawalIntent, plain_id
from chaos.auditor.names import OrderName
from chaos.auditor.venue_truth import Fill, VenueTruth, Withdrawal, total

RECONCILED = "reconciled/"
Movement = Mapping[tuple[str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Unbooked:
    """Money that moved at the venue and that no entry tells of."""

    what: str
    n: int
    """Of its line in the venue's journal."""
    cycle_id: str | None
    """Whose it seems to be."""
    movement: Movement


@dataclass(slots=True)
class Reconciled:
    unbooked: list[Unbooked] = field(default_factory=list)
    phantoms: list[Entry] = field(default_factory=list)
    """Entries of movements that never happened at the venue, or not so."""
    write_offs: list[Entry] = field(default_factory=list)
    """What a person took out of the books."""


def reconcile(truth: VenueTruth, books: Books) -> Reconciled:
    result = Reconciled()
    entries = {entry.entry_id: entry for entry in books.entries}
    _trades(truth, entries, result)
    _transfers(truth, books, entries, result)
    for entry in entries.values():
        if "/write-off/" in entry.entry_id and _takes_out(entry):
            result.write_offs.append(entry)
        elif not _needs_no_venue(entry):
            result.phantoms.append(entry)
    return result


def owners(truth: VenueTruth, books: Books) -> dict[str, WithdrawalIntent]:
    """Uuid of a venue's withdrawal -> the intent it belongs to: by the bound id, the client id, or its looks."""
    bound = {intent.uuid: intent for intent in books.withdrawals.values() if intent.uuid is not None}
    found: dict[str, WithdrawalIntent] = {}
    for withdrawal in truth.withdrawals:
        intent = bound.get(plain_id(withdrawal.uuid)) or books.withdrawals.get(withdrawal.client_id or "")
        if intent is None:
            intent = next((i for i in books.withdrawals.values() if i.uuid is None and _alike(i, withdrawal)), None)
        if intent is not None:
            found[withdrawal.uuid] = intent
    return found


def _alike(intent: WithdrawalIntent, withdrawal: Withdrawal) -> bool:
    return (
        (intent.venue, intent.coin) == (withdrawal.venue, withdrawal.coin)
        and intent.first_asked_ms <= withdrawal.accepted_ms
        and intent.amount in {withdrawal.arrives, withdrawal.arrives + withdrawal.fee}
    )


def _trades(truth: VenueTruth, entries: dict[str, Entry], result: Reconciled) -> None:
    """A client id's fills and its entries are the same ones, as often as they come. Takes what it finds out."""
    booked: dict[str, list[Entry]] = {}
    for entry in list(entries.values()):
        client_id = entry.entry_id.partition("/")[0]
        if OrderName.of(client_id) is not None:
            booked.setdefault(client_id, []).append(entries.pop(entry.entry_id))
    missed: dict[str, list[Fill]] = {}
    for fill in truth.fills:
        movement, client_id = fill.movement(), fill.client_id or ""
        same = [entry for entry in booked.get(client_id, []) if entry.movement() == movement]
        if same:
            booked[client_id].remove(same[0])
        else:
            missed.setdefault(client_id, []).append(fill)
    for client_id, fills in missed.items():
        if fees_shared_otherwise(fills, booked.get(client_id, [])):
            booked[client_id] = []
            continue
        name = OrderName.of(client_id)
        result.unbooked += [
            Unbooked(f"fill of {fill.client_id}", fill.n, name.cycle if name else None, fill.movement())
            for fill in fills
        ]
    result.phantoms += [entry for left in booked.values() for entry in left]


def fees_shared_otherwise(fills: Sequence[Fill], entries: Sequence[Entry]) -> bool:
    """The same trades with the same fees in all: Upbit tells an order's fee in one sum, and not each fill's part."""
    if any(fill.venue != "upbit" for fill in fills):
        return False
    traded = Counter(_traded(fill.movement()) for fill in fills)
    booked = Counter(_traded(entry.movement()) for entry in entries)
    return traded == booked and _sum(fill.movement() for fill in fills) == _sum(entry.movement() for entry in entries)


def _traded(movement: Movement) -> frozenset[tuple[tuple[str, str], Decimal]]:
    """As if Upbit had taken no fee: that goes back to where it came from."""
    moved = movement.items()
    return frozenset(
        total(("upbit" if account == "fees" else account, asset, amount) for (account, asset), amount in moved).items()
    )


def _sum(movements: Iterable[Movement]) -> Movement:
    return total((account, asset, amount) for one in movements for (account, asset), amount in one.items())


def _transfers(truth: VenueTruth, books: Books, entries: dict[str, Entry], result: Reconciled) -> None:
    owner = owners(truth, books)
    sources = {withdrawal.uuid: withdrawal for withdrawal in truth.withdrawals}
    for withdrawal in truth.withdrawals:
        if withdrawal.taken:
            sent = owner.get(withdrawal.uuid)
            what = f"withdrawal {withdrawal.uuid}"
            _match(what, "out", sent, withdrawal.n, withdrawal.movement(), entries, result)
    for deposit in truth.credits:
        source = sources.get(deposit.withdrawal)
        sent = owner.get(source.uuid) if source is not None else None
        _match(f"deposit {deposit.uuid}", "in", sent, deposit.n, deposit.movement(), entries, result)
        if source is not None and (missing := source.arrives - deposit.amount) != 0:
            gone = total([("in_transit", deposit.coin, -missing), ("external", deposit.coin, missing)])
            _match(f"what deposit {deposit.uuid} lacks", "missing", sent, deposit.n, gone, entries, result)


def _match(
    what: str,
    way: str,
    intent: WithdrawalIntent | None,
    n: int,
    movement: Movement,
    entries: dict[str, Entry],
    result: Reconciled,
) -> None:
    name = "" if intent is None else f"{intent.transfer_id}/{way}"
    entry = entries.get(name)
    if entry is not None and entry.movement() == movement:
        del entries[name]
    else:
        result.unbooked.append(Unbooked(what, n, intent.cycle_id if intent else None, movement))


def _needs_no_venue(entry: Entry) -> bool:
    """What was there before, and what came from outside, which is judged by itself (`chaos.auditor.outside`)."""
    return entry.cycle_id is None and entry.entry_id.startswith(("opening/", RECONCILED))


def _takes_out(entry: Entry) -> bool:
    return all(amount > 0 for (account, _), amount in entry.movement().items() if account == "external")


def unfounded_write_offs(truth: VenueTruth, books: Books, write_offs: Iterable[Entry]) -> Iterator[tuple[str, Decimal]]:
    """Coin and amount that a cycle's people wrote off in transit, and that the venue does not know as lost."""
    owner = owners(truth, books)
    gone: dict[tuple[str, str], Decimal] = {}
    for lost in truth.lost:
        intent = owner.get(lost.withdrawal)
        if intent is not None:
            key = intent.cycle_id, lost.coin
            gone[key] = gone.get(key, Decimal(0)) + lost.amount
    for entry in write_offs:
        for (account, asset), amount in entry.movement().items():
            if account == "in_transit":
                key = entry.cycle_id or "", asset
                gone[key] = gone.get(key, Decimal(0)) + amount
    yield from ((f"{coin} of {cycle}", -left) for (cycle, coin), left in gone.items() if left < 0)


def net(parts: Iterable[Unbooked], accounts: Iterable[str]) -> dict[tuple[str, str], Decimal]:
    """What the unbooked movements change in these accounts."""
    wanted = set(accounts)
    changes: dict[tuple[str, str], Decimal] = {}
    for part in parts:
        for (account, asset), amount in part.movement.items():
            if account in wanted:
                changes[account, asset] = changes.get((account, asset), Decimal(0)) + amount
    return changes


def repeated(names: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Names that come more than once, and how often."""
    yield from ((name, times) for name, times in Counter(names).items() if times > 1)
