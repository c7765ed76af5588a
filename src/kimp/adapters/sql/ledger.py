"""The double-entry ledger in tables."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import WIDE
from kimp.adapters.sql.capital import take_in
from kimp.adapters.sql.instant import Instant
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import ledger_entries, ledger_postings
from kimp.domain.ledger import Entry, Held, Holder, Posting, holder, opening_id
from kimp.domain.money import ZERO, Asset
from kimp.domain.venues import PAIR, Venue


async def book_entries(connection: AsyncConnection, entries: Iterable[Entry], booked_ms: Instant | int) -> None:
    """Book each entry once, within the caller's transaction.

    If another process books one of them at the same moment, the database refuses the key; the transaction is then
    repeated and finds it there.
    """
    wanted = {entry.entry_id: entry for entry in entries}
    if not wanted:
        return
    ids = ledger_entries.c.entry_id
    there = set((await connection.execute(select(ids).where(ids.in_(wanted)))).scalars())
    new = [entry for entry_id, entry in wanted.items() if entry_id not in there]
    lines = [
        {"entry_id": entry.entry_id, "line": line, "account": str(p.account), "asset": p.asset, "amount": p.amount}
        for entry in new
        for line, p in enumerate(entry.postings)
    ]
    if new:
        heads = [{"entry_id": e.entry_id, "cycle_id": e.cycle_id, "booked_ms": booked_ms} for e in new]
        await connection.execute(insert(ledger_entries).values(heads))
    if lines:
        await connection.execute(insert(ledger_postings), lines)
    await take_in(connection, new)


class SqlLedger:
    """The port `Ledger`.

    Balances are summed when asked for. A table of running balances would be quicker to read, but every booking of
    every cycle would queue for the same few rows, and it could come to differ from the postings it stands for.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def book(self, entries: Sequence[Entry]) -> None:
        """Book each entry once, all of them or none; one already there is left as it is.

        Raises BadAmount if the database can't hold an amount exactly, StoreUnavailable if it does not serve.
        """
        await self._store.write(lambda connection: book_entries(connection, entries, self._store.now))

    async def opened(self) -> frozenset[Venue]:
        """Venues whose opening balance is booked."""
        venues = {opening_id(venue): venue for venue in PAIR}
        query = select(ledger_entries.c.entry_id).where(ledger_entries.c.entry_id.in_(venues))

        async def work(connection: AsyncConnection) -> frozenset[Venue]:
            return frozenset(venues[entry_id] for entry_id in (await connection.execute(query)).scalars())

        return await self._store.read(work)

    async def balances(self) -> Held:
        """Exact sums per account and asset, zero ones left out."""
        sums = await self._store.read(_sum_here if self._store.is_sqlite else _sum_there)
        return {key: total for key, total in sums.items() if total != ZERO}

    async def entries(self, cycle_id: str) -> list[Entry]:
        """What the cycle booked, in the order it was booked."""

        async def work(connection: AsyncConnection) -> list[Entry]:
            return await entries_of(connection, cycle_id)

        return await self._store.read(work)


async def entries_of(connection: AsyncConnection, cycle_id: str) -> list[Entry]:
    """Within the caller's transaction; see `SqlLedger.entries`."""
    e, p = ledger_entries.c, ledger_postings.c
    query = (
        select(e.entry_id, p.account, p.asset, p.amount)
        .join(ledger_postings, e.entry_id == p.entry_id)
        .where(e.cycle_id == cycle_id)
        .order_by(e.booked_ms, e.entry_id, p.line)
    )
    postings: defaultdict[str, list[Posting]] = defaultdict(list)
    for entry_id, account, asset, amount in await connection.execute(query):
        postings[entry_id].append(Posting(holder(account), Asset(asset), amount))
    return [Entry(entry_id, cycle_id, tuple(lines)) for entry_id, lines in postings.items()]


async def _sum_there(connection: AsyncConnection) -> Held:
    """MySQL adds NUMERIC columns exactly, to 65 digits."""
    p = ledger_postings.c
    query = select(p.account, p.asset, func.sum(p.amount)).group_by(p.account, p.asset)
    return {(holder(account), Asset(asset)): total for account, asset, total in await connection.execute(query)}


async def _sum_here(connection: AsyncConnection) -> Held:
    """SQLite would add as floats, so the postings are fetched, piece by piece, and added here."""
    p = ledger_postings.c
    sums: defaultdict[tuple[Holder, Asset], Decimal] = defaultdict(lambda: ZERO)
    rows = await connection.stream(select(p.account, p.asset, p.amount))
    async for piece in rows.partitions(1000):
        for account, asset, amount in piece:
            key = holder(account), Asset(asset)
            sums[key] = WIDE.add(sums[key], amount)
    return sums
