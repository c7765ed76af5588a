"""The read model and the ledger follow the workflow."""

from dataclasses import dataclass

from temporalio import activity

from kimp.contracts.cycle import CycleRecord
from kimp.ports.books import ReadModel


@dataclass(frozen=True)
class RecordActivities:
    """Needs the database only."""

    read_model: ReadModel

    @activity.defn
    async def record(self, record: CycleRecord) -> None:
        """Write the cycle's row and its ledger entries in one transaction; repeating it changes nothing."""
        await self.read_model.record(record)
