"""Whose a cycle is: of all workflow runs that it ever had, one may send.

`cycles.workflow_run_id` names the first run of the chain that has the cycle now: a run that continues as new, or was
reset, keeps that name, and one that takes the cycle over writes its own there.
"""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from kimp.adapters.sql.capital import lock_capital
from kimp.adapters.sql.tables import cycles
from kimp.domain.errors import Superseded


async def require_own(connection: AsyncConnection, cycle_id: str, run_id: str, *, admitted: bool = False) -> None:
    """Raises Superseded if another run has the cycle; until the caller's transaction ends none can take it over.

    The row is locked, and read as it is by now, whatever the transaction saw before: a takeover waits for this
    transaction, and finds in the journal what it wrote there; or this one waits for the takeover, and is refused. A
    cycle without a row, as before its first record, is nobody else's; there the rows of `capital` are the lock, which
    a takeover holds too. `admitted`: this transaction holds them.
    """
    query = select(cycles.c.workflow_run_id).where(cycles.c.cycle_id == cycle_id).with_for_update()
    owner = (await connection.execute(query)).scalar_one_or_none()
    if owner is None and not admitted:
        await lock_capital(connection)
        owner = (await connection.execute(query)).scalar_one_or_none()
    if owner not in {None, run_id}:
        raise Superseded(f"run {owner} has taken cycle {cycle_id} over; run {run_id} sends nothing, terminate it")
