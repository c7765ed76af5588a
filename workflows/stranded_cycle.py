"""A cycle whose workflow is gone: terminated, or lost with Temporal's store. Its books and its journal are not."""

from collections.abc import Sequence

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import STRANDED_CYCLE, CycleResult, StrandedInput
    from kimp.contracts.transfers import WithdrawalIntent
    from kimp.domain.ids import Leg, Step
    from kimp.domain.ledger import spent_on

from workflows.control import Stopped
from workflows.late_order import settle
from workflows.life import CycleLife
from workflows.steps import StepFailed
from workflows.transfer import Transfer


@workflow.defn(name=STRANDED_CYCLE)
class StrandedCycle(CycleLife):
    """Finds out what became of all that was sent, then waits for a person, or undoes it at once."""

    @workflow.init
    def __init__(self, cycle: StrandedInput) -> None:
        super().__init__(cycle, cycle.takes_over)
        self._cycle = cycle
        for used in cycle.numbers:
            self._story.use_number(used)

    @workflow.run
    async def run(self, cycle: StrandedInput) -> CycleResult:  # noqa: ARG002 - the SDK hands it to both
        return await self._live()

    async def _earn(self) -> CycleResult:
        """There is nothing to earn any more."""
        cycle = self._cycle
        await self._story.take_over(cycle.why, cycle.entries)
        for order in cycle.orders:
            await settle(self._story, order)
        await self._follow(cycle.withdrawals)
        self._story.spent = spent_on(self._story.entries, cycle.direction.source, f"{Leg.ONE}{Step.BUY}")
        if cycle.parked:
            await self._park(cycle.why)
        raise StepFailed(cycle.why)

    async def _follow(self, sent: Sequence[WithdrawalIntent]) -> None:
        """One after the other, because a person who gives one up means that one and none that nobody looked at yet."""
        left = [(intent.transfer_id, Transfer.of(self._story, intent)) for intent in sent]
        try:
            while left:
                name, transfer = left.pop(0)
                self._transfers.append(transfer)
                await self._step(f"following {name}", transfer.settle)
        except Stopped:
            self._transfers += [transfer for _, transfer in left]  # followed while the cycle is undone
            raise
