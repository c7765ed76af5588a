"""What a run that has just taken a cycle over reads of it: from now on nobody adds to that but itself."""

from dataclasses import dataclass

from temporalio import activity

from kimp.contracts.cycle import Journalled, JournalQuery
from kimp.contracts.status import CycleStatus
from kimp.observability.crash_points import crash_point
from kimp.ports.journal import UnfinishedCycles


@dataclass(frozen=True)
class TakeOverActivities:
    """Needs the database only."""

    unfinished_cycles: UnfinishedCycles

    @activity.defn
    async def read_journal(self, query: JournalQuery) -> Journalled:
        """What was booked, and what was sent and is not booked. Raises Superseded if another run has the cycle."""
        found = await self.unfinished_cycles.journalled(query)
        crash_point("journal-read", CycleStatus.COMPENSATING)
        return found
