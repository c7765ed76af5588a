"""By itself, as the sandbox loads the whole module of a workflow."""

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult


@workflow.defn(name=ARBITRAGE_CYCLE)
class HurriedCycle:
    """A changed workflow that sleeps before it trades."""

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:
        await workflow.sleep(1)
        raise NotImplementedError
