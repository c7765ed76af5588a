"""Hours of waiting, in seconds: a real server that skips time."""

from decimal import Decimal

from fakes.lab import Lab
from temporalio.client import Client

from kimp.contracts.cycle import CycleInput
from kimp.contracts.status import CycleStatus


def _choosy(cycle: CycleInput, *, floor: str, loss_limit: str) -> CycleInput:
    policy = cycle.policy.model_copy(
        update={
            "rebalance_floor": Decimal(floor),
            "rebalance_loss_limit": Decimal(loss_limit),
            "rebalance_poll_s": 3600,
        }
    )
    return cycle.model_copy(update={"policy": policy})


async def test_after_six_hours_a_bearable_loss_is_taken(skipping_client: Client) -> None:
    lab = Lab(skipping_client)
    cycle = _choosy(await lab.plan(), floor="0.05", loss_limit="-0.02")
    async with lab.workers():
        handle = await lab.start(cycle)
        result = await handle.result()
        described = await handle.describe()
    assert result.status is CycleStatus.COMPLETED
    assert described.close_time is not None
    assert described.execution_time is not None
    assert lab.records.records[2].waiting_reason is None
    waits = [record.waiting_reason for record in lab.records.records if record.waiting_reason]
    assert waits[0] == "a way home that keeps 5.00%"
