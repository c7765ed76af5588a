"""A cycle whose workflow is gone: terminated, or lost with Temporal's store. Its books and its journal are not."""

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.takeovers import TakeOverActivities
    from kimp.contracts.cycle import STRANDED_CYCLE, CycleResult, Journalled, JournalQuery, StrandedInput
    from kimp.contracts.status import CycleStatus
    from kimp.domain.errors import Superseded
    from kimp.domain.ids import Leg, Step
    from kimp.domain.ledger import spent_on
    from kimp.domain.money import Money
    from kimp.domain.reasons import Reason

from workflows.control import Stopped
from workflows.late_order import book_late_order
from workflows.life import CycleLife
from workflows.policies import READ_JOURNAL
from workflows.steps import StepFailed
from workflows.transfer import Transfer

READS_JOURNAL = "the-journal-is-read-after-the-takeover"


@workflow.defn(name=STRANDED_CYCLE)
class StrandedCycle(CycleLife):
    """Finds out what became of all that was sent, then waits for a person, or undoes it at once."""

    @workflow.init
    def __init__(self, cycle: StrandedInput) -> None:
        super().__init__(cycle, cycle.takes_over)
        self._cycle = cycle
        self._orders = list(cycle.orders)
        self._withdrawals = list(cycle.withdrawals)

    @workflow.run
    async def run(self, cycle: StrandedInput) -> CycleResult:  # noqa: ARG002 - the SDK hands it to both
        return await self._run_to_end()

    async def _trade(self) -> CycleResult:
        """There is nothing to earn any more."""
        cycle = self._cycle
        if self._parking is not None and self._parking.reason == cycle.why:  # by an earlier run of the workflow
            await self._await_decision(self._parking)
            raise StepFailed(cycle.why)
        if cycle.progress is None:
            await self._tracker.take_over(cycle.why)
            # Only now: until the row was this run's, the one before could still be let send something.
            left = await self._journal() if workflow.patched(READS_JOURNAL) else cycle
            if left is None:
                return await self._tracker.end(CycleStatus.REJECTED, Reason("another run has taken the cycle over"))
            self._tracker.add_earlier(left.entries, left.numbers)
            self._orders, self._withdrawals = list(left.orders), list(left.withdrawals)
        while self._orders:
            await book_late_order(self._tracker, self._orders[0])
            del self._orders[0]
        await self._follow()
        self._tracker.spent = self._spent()
        if cycle.parked:
            await self._park(Reason(cycle.why))
        raise StepFailed(cycle.why)

    async def _journal(self) -> Journalled | None:
        """What books and journal know of the cycle; None if it is another run's by now."""
        found: list[Journalled] = []
        while not found or found[-1].more:
            skip = sum(len(some.entries) for some in found)
            query = JournalQuery(cycle_id=self._cycle.cycle_id, run_id=self._tracker.run_id, skip=skip)
            try:
                some = await READ_JOURNAL.call(TakeOverActivities.read_journal, query, "what was sent and booked")
            except ActivityError as failure:
                if isinstance(failure.cause, ApplicationError) and failure.cause.type == Superseded.__name__:
                    return None
                raise
            found.append(some)
        entries = tuple(entry for some in found for entry in some.entries)
        return found[0].model_copy(update={"entries": entries})

    def _spent(self) -> Money | None:
        return self._tracker.spent or spent_on(
            self._tracker.entries, self._cycle.direction.source, f"{Leg.ONE}{Step.BUY}"
        )

    def _continued(self) -> StrandedInput:
        self._tracker.spent = self._spent()
        left = {"entries": (), "orders": tuple(self._orders), "withdrawals": tuple(self._withdrawals)}
        return StrandedInput.model_validate({**dict(super()._continued()), **left})

    async def _follow(self) -> None:
        """One after the other, because a person who gives one up means that one and none that nobody looked at yet."""
        try:
            for transfer in self._transfers:  # begun by an earlier run of the workflow
                await self._step("following what was sent", transfer.settle)
            while self._withdrawals:
                intent = self._withdrawals.pop(0)
                transfer = Transfer.of(self._tracker, intent)
                self._transfers.append(transfer)
                await self._step(f"following {intent.transfer_id}", transfer.settle)
        except Stopped:
            # Followed while the cycle is undone.
            self._transfers += [Transfer.of(self._tracker, intent) for intent in self._withdrawals]
            raise
