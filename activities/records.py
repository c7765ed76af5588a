"""The read model and the ledger follow the workflow."""

from dataclasses import dataclass

from temporalio import activity

from activities.crash_points import crash_point
from kimp.contracts.cycle import CycleRecord
from kimp.ports.books import ReadModel


@dataclass(frozen=True)
class RecordActivities:
    """Needs the database only."""

    read_model: ReadModel

    @activity.defn
    async def record(self, record: CycleRecord) -> None:
        """Write the cycle's row and its ledger entries in one transaction; repeating it changes nothing."""
        crash_point("record-asked", record.status)
        if record.takes_over is not None:
            crash_point("takeover-asked", record.status)
        await self.read_model.record(record)
        crash_point("record-written", record.status)
        if record.takes_over is not None:
            crash_point("takeover-written", record.status)
