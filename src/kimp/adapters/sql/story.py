"""What journal and ledger know of one cycle, as lines of its story."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.amounts import checked_digits
from kimp.adapters.sql.ledger import entries_of
from kimp.adapters.sql.store import Store
from kimp.adapters.sql.tables import ledger_entries, order_intents, withdrawal_intents
from kimp.ports.story import StoryLine


class SqlStories:
    """Raises StoreUnavailable when the database does not serve."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def story(self, cycle_id: str) -> list[StoryLine]:
        """In no order."""

        async def work(connection: AsyncConnection) -> list[StoryLine]:
            o, w = order_intents, withdrawal_intents
            orders = await connection.execute(select(o).where(o.c.cycle_id == cycle_id))
            sent = await connection.execute(select(w).where(w.c.cycle_id == cycle_id))
            lines = [line for order in orders for line in _order(order)]
            lines += [_withdrawal(one) for one in sent]
            return lines + await _booked(connection, cycle_id)

        return await self._store.read(work)


def _order(row: Row[Any]) -> Iterator[StoryLine]:
    name = f"order {row.client_order_id}"
    quantity, limit = checked_digits(row.quantity), checked_digits(row.limit_price)
    what = f"{row.side} {quantity} {row.coin} on {row.venue} at {limit} or better"
    yield StoryLine(row.first_asked_ms, "journal", f"{name}: to be sent once, {what}")
    if row.outcome is None:
        return
    reported = [row.outcome]
    if row.filled_quantity:
        reported.append(f"{checked_digits(row.filled_quantity)} for {checked_digits(row.filled_funds)}")
    if row.venue_order_id:
        reported.append(f"{row.venue}'s id {row.venue_order_id}")
    if row.reason:
        reported.append(row.reason)
    yield StoryLine(row.closed_ms or row.first_asked_ms, "journal", f"{name}: {', '.join(reported)}")


def _withdrawal(row: Row[Any]) -> StoryLine:
    """Its later fate has no time of its own here; the history tells it."""
    known = f"{row.venue}'s id {row.venue_id}" if row.venue_id else row.reason or "no answer yet"
    what = f"{checked_digits(row.amount)} {row.coin} from {row.venue} by {row.network}"
    return StoryLine(row.first_asked_ms, "journal", f"withdrawal {row.transfer_id}: to be sent once, {what}; {known}")


async def _booked(connection: AsyncConnection, cycle_id: str) -> list[StoryLine]:
    e = ledger_entries.c
    rows = await connection.execute(select(e.entry_id, e.booked_ms).where(e.cycle_id == cycle_id))
    booked: dict[str, int] = {row.entry_id: row.booked_ms for row in rows}
    return [
        StoryLine(
            booked[entry.entry_id],
            "ledger",
            f"{entry.entry_id}: " + ", ".join(f"{p.account} {p.amount:+f} {p.asset}" for p in entry.postings),
        )
        for entry in await entries_of(connection, cycle_id)
    ]
