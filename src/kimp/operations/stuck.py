"""What is stuck where, and what it is worth: by the books and the last prices, so also when no workflow answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from kimp.contracts.status import CycleStatus
from kimp.domain.compensation import positions
from kimp.domain.ledger import holdings, value_krw
from kimp.domain.market import Quotes
from kimp.domain.money import Asset
from kimp.domain.venues import Direction
from kimp.domain.won import krw_per_usdt
from kimp.operations.market import last_quotes
from kimp.ports.database import Database
from kimp.ports.ledger import Ledger
from kimp.ports.read_model import CycleRow
from kimp.ports.ticks import TickBus

MANY = 1_000


@dataclass(frozen=True, slots=True)
class Stuck:
    """One parked cycle."""

    cycle_id: str
    since_ms: int
    reason: str | None
    holds: tuple[str, ...]
    """What is not cash at home."""
    worth_krw: Decimal | None
    """By the bids of the venue in won; None while a price is missing."""


async def stuck_cycles(database: Database, bus: TickBus, coins: Sequence[Asset]) -> list[Stuck]:
    """Latest first."""
    quotes = await last_quotes(bus, coins)
    rows = await database.read_model.cycles(limit=MANY, status=CycleStatus.DEAD_LETTER)
    return [await _stuck(row, database.ledger, quotes) for row in rows]


async def _stuck(row: CycleRow, ledger: Ledger, quotes: Quotes) -> Stuck:
    direction = Direction(row.direction)
    won = direction.pair.won
    held = positions(holdings(await ledger.entries(row.cycle_id)), direction.source)
    prices = {coin: quote.bid for (venue, coin), quote in quotes.items() if venue is won}
    rate = krw_per_usdt(quotes, won)
    priced = all(position.asset in {*prices, won.cash} for position in held)
    changes = {(position.account, position.asset): position.amount for position in held}
    return Stuck(
        cycle_id=row.cycle_id,
        since_ms=row.updated_ms,
        reason=row.reason,
        holds=tuple(str(position) for position in held),
        worth_krw=value_krw(changes, rate, prices) if priced and rate is not None else None,
    )
