"""The sweep, by a schedule: what no workflow looks after gets one."""

from temporalio import workflow
from temporalio.common import SearchAttributePair, TypedSearchAttributes, WorkflowIDReusePolicy
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError
from temporalio.workflow import ParentClosePolicy

with workflow.unsafe.imports_passed_through():
    from activities.reconcile import ReconcileActivities
    from activities.sweep import SweepActivities
    from kimp.contracts.cycle import StrandedInput
    from kimp.contracts.search_attributes import KIMP_COIN, KIMP_DIRECTION, KIMP_STATUS
    from kimp.contracts.status import CycleStatus
    from kimp.contracts.sweep import SWEEP, StrandedQuery, SweepQuery, SweepReport
    from kimp.domain.ids import workflow_id

from workflows.policies import LOOK_AROUND
from workflows.stranded_cycle import StrandedCycle


@workflow.defn(name=SWEEP)
class Sweep:
    """Adopts late orders, hands cycles without a workflow to `StrandedCycle`, compares the books with the venues."""

    @workflow.run
    async def run(self) -> SweepReport:
        late = await LOOK_AROUND.call(SweepActivities.adopt_late_orders, SweepQuery(), "orders that surfaced late")
        found = await LOOK_AROUND.call(SweepActivities.find_stranded, SweepQuery(), "cycles without a workflow")
        taken = [cycle.cycle_id for cycle in found.stranded if await _take_over(cycle)]
        left: list[str] = []
        for cycle_id in found.cycle_ids:
            try:
                taken += [cycle_id for cycle in await _described(cycle_id) if await _take_over(cycle)]
            except FailureError as failure:
                workflow.logger.error("cycle %s has no workflow and was given none: %s", cycle_id, failure.cause)
                left.append(cycle_id)
        books = await LOOK_AROUND.call(ReconcileActivities.reconcile_balances, SweepQuery(), "ledger against venues")
        return SweepReport(
            adopted=late.adopted,
            taken_over=tuple(taken),
            left=tuple(left),
            unexplained=books.differences,
            unknown=books.unknown,
        )


async def _described(cycle_id: str) -> tuple[StrandedInput, ...]:
    found = await LOOK_AROUND.call(
        SweepActivities.describe_stranded, StrandedQuery(cycle_id=cycle_id), f"what there is of {cycle_id}"
    )
    return found.stranded


async def _take_over(cycle: StrandedInput) -> bool:
    """Under the id that the cycle always had: it is the coin's lock."""
    try:
        await workflow.start_child_workflow(
            StrandedCycle.run,
            cycle,
            id=workflow_id(cycle.cycle_id),
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            parent_close_policy=ParentClosePolicy.ABANDON,
            search_attributes=TypedSearchAttributes(
                [
                    SearchAttributePair(KIMP_STATUS, CycleStatus.COMPENSATING.value),
                    SearchAttributePair(KIMP_COIN, cycle.coin),
                    SearchAttributePair(KIMP_DIRECTION, cycle.direction),
                ]
            ),
            static_summary=f"{cycle.cycle_id} taken over: {cycle.why}",
        )
    except WorkflowAlreadyStartedError:
        return False
    return True
