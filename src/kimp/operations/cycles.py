"""One cycle, and what people may ask of it."""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from kimp.contracts.operators import OperatorRequest
from kimp.domain.errors import BadInput, KimpError
from kimp.domain.ledger import Entry, Held, holdings
from kimp.domain.venues import Direction
from kimp.ports.database import Database
from kimp.ports.operators import CycleRequests, NoSuchWorkflow
from kimp.ports.read_model import CycleRow


@dataclass(frozen=True, slots=True)
class Booked:
    """A cycle, and what it booked, in that order."""

    row: CycleRow
    entries: Sequence[Entry]


async def kept_elsewhere(database: Database, rows: Sequence[CycleRow]) -> dict[str, Held]:
    """By cycle that has a result, what it left on any account, but for the cash at home: with what returned less what
    was spent, that is all that it earned.
    """
    return {row.cycle_id: await _kept_elsewhere(database, row) for row in rows if row.profit_krw is not None}


async def _kept_elsewhere(database: Database, row: CycleRow) -> Held:
    home = (Direction(row.direction).source, row.home_asset)
    changes = holdings(await database.ledger.entries(row.cycle_id))
    return {where: amount for where, amount in changes.items() if amount and where != home}


def no_cycle(cycle_id: str) -> BadInput:
    """What is said of a cycle that nobody knows."""
    return BadInput(f"there is no cycle {cycle_id}; `kimp cycles list` shows which there are")


async def cycle(database: Database, cycle_id: str) -> Booked:
    """Raises BadInput if there is none."""
    row = await database.read_model.cycle(cycle_id)
    if row is None:
        raise no_cycle(cycle_id)
    return Booked(row, await database.ledger.entries(cycle_id))


async def send_request(
    cycles: CycleRequests,
    open_database: Callable[[], AbstractAsyncContextManager[Database]],
    cycle_id: str,
    request: str,
    details: OperatorRequest,
) -> str:
    """The cycle's status after it took the request: `retry`, `compensate`, `abort`, `write_off`.

    Raises BadInput if it refuses, or there is no such cycle: of those that ended long ago Temporal says as little as of
    none, so the database is asked then.
    """
    try:
        return await cycles.send(cycle_id, request, details)
    except NoSuchWorkflow as error:
        raise (no_cycle(cycle_id) if await _unheard_of(open_database, cycle_id) else BadInput(str(error))) from None


async def _unheard_of(open_database: Callable[[], AbstractAsyncContextManager[Database]], cycle_id: str) -> bool:
    try:
        async with open_database() as database:
            return await database.read_model.cycle(cycle_id) is None
    except KimpError:
        return False
