"""The read model and the ledger follow the workflow."""

from dataclasses import dataclass

from temporalio import activity

from kimp.contracts.cycle import CycleRecord
from kimp.observability import metrics
from kimp.observability.crash_points import crash_point
from kimp.ports.read_model import ReadModel


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
        if record.status.terminal:
            # A repetition after a lost answer counts again: figures are for looking, not for books.
            ended = {"status": record.status.value}
            metrics.cycle_ends.add(1, ended)
            metrics.cycle_duration.record((record.at_ms - record.detected_at_ms) / 1000, ended)
