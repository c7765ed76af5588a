"""What every cycle's workflow has: its tracker, steps that may park, and what people may ask of it."""

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import CycleResult, CycleTerms, TakeOver
    from kimp.contracts.operators import CycleState, OperatorDecision, OperatorRequest, WriteOff
    from kimp.contracts.progress import Parked, Progress
    from kimp.contracts.status import CycleStatus
    from kimp.domain.compensation import positions
    from kimp.domain.ids import Leg
    from kimp.domain.ledger import Posting
    from kimp.domain.money import ZERO
    from kimp.domain.reasons import Reason, ReasonKind
    from kimp.observability.tracing import tracer

from workflows.compensation import Compensation
from workflows.continuing import ContinueAsNewNeeded, continue_as_new_if_long
from workflows.control import Control, Stopped
from workflows.execution import Execution
from workflows.steps import NeedsPerson, StepFailed
from workflows.tracker import CycleTracker, as_ms, as_time
from workflows.transfer import Transfer

R = TypeVar("R")
E = TypeVar("E", bound=Execution)


class CycleLife:
    """The saga's frame: whatever happens, a cycle ends with its cash at home, or is parked in plain sight."""

    def __init__(self, terms: CycleTerms, takes_over: TakeOver | None = None) -> None:
        self._terms = terms
        self._control = Control()
        self._tracker = CycleTracker(terms, self._control, takes_over)
        self._transfers: list[Transfer] = []
        self._executions: dict[str, Execution] = {}
        self._home_since: datetime | None = None
        self._undoing_because: Reason | None = None
        self._compensation = Compensation(self._tracker, self._transfers)
        self._parking: Parked | None = None
        self._writing_off = False
        self._traded = {one.step: one for one in terms.progress.traded} if terms.progress else {}
        if terms.progress is not None:
            self._restore(terms.progress)

    @abstractmethod
    async def _trade(self) -> CycleResult:
        """What the workflow is for. Raises StepFailed or Stopped if what was done is to be undone."""

    async def _run_to_end(self) -> CycleResult:
        """A cancellation stops nothing half way: `Control` tells the next safe point, which undoes the cycle."""
        life = asyncio.create_task(self._trade_or_undo())
        while not life.done():
            try:
                await asyncio.shield(life)
            except asyncio.CancelledError:
                _uncancel()
            except ContinueAsNewNeeded:
                await workflow.wait_condition(workflow.all_handlers_finished)
                workflow.continue_as_new(self._continued())
        result = life.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    def _continued(self) -> CycleTerms:
        """The workflow's input, and all that it has come to know since."""
        stop, received = self._control.asked
        progress = Progress(
            told=self._tracker.so_far(),
            stop=stop,
            stop_heard=received,
            undoing=self._undoing_because.text if self._undoing_because else None,
            undoing_kind=self._undoing_because.kind if self._undoing_because else None,
            parked=self._parking,
            traded=tuple(execution.so_far for execution in self._executions.values()),
            moved=tuple(transfer.so_far for transfer in self._transfers),
            home_since_ms=as_ms(self._home_since),
            dust=tuple(Posting(*key, amount) for key, amount in self._compensation.dust.items()),
            abroad_since_ms=as_ms(self._compensation.abroad_since),
        )
        return self._terms.model_copy(update={"progress": progress})

    def _restore(self, progress: Progress) -> None:
        """Where an earlier run of the workflow stopped, because its history had become long."""
        self._control.resume(progress.stop, noticed=progress.stop_heard, undoing=progress.undoing is not None)
        self._tracker.restore(progress.told)
        self._transfers += [Transfer.going_on(self._tracker, one) for one in progress.moved]
        self._home_since = as_time(progress.home_since_ms)
        if progress.undoing is not None:
            self._undoing_because = Reason(progress.undoing, progress.undoing_kind or ReasonKind.OTHER)
        self._compensation.restore(progress)
        self._parking = progress.parked

    def _trading(self, execution: E) -> E:
        """The same, as far as an earlier run of the workflow has come with it."""
        if (so_far := self._traded.pop(execution.name, None)) is not None:
            execution.restore(so_far)
        self._executions[execution.name] = execution
        return execution

    def _forget(self, execution: Execution) -> None:
        """Nothing came of it."""
        del self._executions[execution.name]

    def _moving(self, leg: Leg) -> Transfer | None:
        """The leg's transfer, if an earlier run of the workflow has begun it."""
        return next((transfer for transfer in self._transfers if transfer.leg is leg), None)

    async def _trade_or_undo(self) -> CycleResult:
        if self._undoing_because is not None:
            return await self._undo(self._undoing_because)
        try:
            return await self._trade()
        except StepFailed as failure:
            return await self._undo(failure.reason)
        except Stopped as stopped:
            return await self._undo(Reason(str(stopped)))

    async def _undo(self, reason: Reason) -> CycleResult:
        """From whatever is held back to cash at home. What was never begun is only rejected."""
        self._control.undoing = True
        if self._undoing_because is None:
            if not self._tracker.held:
                return await self._tracker.end(CycleStatus.REJECTED, reason)
            self._undoing_because = reason
            await self._tracker.undo(reason.text)
        await self._step("undoing", self._compensation.run)
        return await self._tracker.end(CycleStatus.COMPENSATED, reason)

    async def _step(self, name: str, action: Callable[[], Awaitable[R]]) -> R:
        """Run a step. What only a person can mend parks the cycle, and so does an undoing that fails."""
        if self._parking is not None:  # by an earlier run of the workflow
            await self._await_decision(self._parking)
        while True:
            try:
                with tracer.start_as_current_span(name, record_exception=False):
                    return await action()
            except NeedsPerson as doubt:
                await self._park(doubt.reason.at(name))
            except StepFailed as failure:
                if not self._control.undoing:
                    raise StepFailed(f"{name}; {failure}", failure.reason.kind) from failure
                await self._park(failure.reason.at(name))

    async def _park(self, reason: Reason) -> None:
        """Open and visible until a person decides. Raises Stopped if the cycle is to be undone."""
        self._control.forget_decisions()  # before anybody can see that it is parked, and decide
        self._parking = Parked(reason=reason.text, before=self._tracker.status, undoing_because=self._tracker.reason)
        await self._tracker.park(reason)
        await self._await_decision(self._parking)

    async def _await_decision(self, parked: Parked) -> None:
        """And carry it out."""
        decision = parked.decision
        if decision is None:
            if not self._control.decided:
                continue_as_new_if_long()
            decision = await self._control.decision()
            # Before what follows, which may be the last record, and sums the books up.
            await workflow.wait_condition(lambda: not self._writing_off)
            self._parking = parked.model_copy(update={"decision": decision})
            await self._tracker.resume(parked.before, parked.undoing_because)
        if decision is OperatorDecision.COMPENSATE:
            for transfer in self._transfers:
                await transfer.give_up()
        self._parking = None
        if decision is OperatorDecision.COMPENSATE and not self._control.undoing:
            raise Stopped(parked.reason)

    @workflow.query
    def state(self) -> CycleState:
        """Where the cycle stands and what it holds."""
        tracker = self._tracker
        return CycleState(
            status=tracker.status,
            waiting_reason=tracker.waiting_reason,
            reason=tracker.reason,
            held=tuple(str(position) for position in positions(tracker.held, self._terms.direction.source)),
        )

    @workflow.update
    async def retry(self, request: OperatorRequest) -> CycleStatus:
        """Try the parked step again, or look at once for what the cycle waits for."""
        self._report_request("retry", request)
        self._tracker.refused.clear()
        self._control.wake()
        return await self._decide(OperatorDecision.RETRY)

    @retry.validator
    def _parked_or_waiting(self, request: OperatorRequest) -> None:
        del request
        if self._tracker.status is CycleStatus.DEAD_LETTER:
            self._refuse_a_second_decision()
        elif self._tracker.waiting_reason is None:
            raise _refusal(f"cycle {self._terms.cycle_id} is {self._tracker.status}, neither parked nor waiting")

    @workflow.update
    async def compensate(self, request: OperatorRequest) -> CycleStatus:
        """Undo the parked cycle. An outcome that is unknown is taken for "it never happened": look before you ask."""
        self._report_request("compensate", request)
        return await self._decide(OperatorDecision.COMPENSATE)

    @compensate.validator
    def _parked(self, request: OperatorRequest) -> None:
        del request
        if self._tracker.status is not CycleStatus.DEAD_LETTER:
            raise _refusal(f"cycle {self._terms.cycle_id} is {self._tracker.status}, not parked")
        self._refuse_a_second_decision()

    @workflow.update
    async def write_off(self, request: WriteOff) -> CycleStatus:
        """Take out of the books what is lost or was settled by hand; the rest of the cycle is undone."""
        self._report_request(f"write off {request.amount:f} {request.asset} of {request.account}", request)
        self._control.decide(OperatorDecision.COMPENSATE)  # now, or another decision could come in between
        self._writing_off = True
        await self._tracker.write_off(request)
        self._writing_off = False
        return await self._carried_out()

    @write_off.validator
    def _held_and_parked(self, request: WriteOff) -> None:
        self._parked(request)
        held = self._tracker.held.get((request.account, request.asset), ZERO)
        if request.amount > held:
            raise _refusal(f"cycle {self._terms.cycle_id} holds {held:f} {request.asset} in {request.account}")

    @workflow.update
    async def abort(self, request: OperatorRequest) -> CycleStatus:
        """Stop earning and undo the cycle from the next safe point on; what travels arrives first."""
        self._report_request("abort", request)
        self._control.stop(f"aborted by {request.by}: {request.note}")
        return self._tracker.status

    @abort.validator
    def _still_earning(self, request: OperatorRequest) -> None:
        del request
        if self._tracker.status is CycleStatus.DEAD_LETTER:
            raise _refusal(f"cycle {self._terms.cycle_id} is parked; retry, compensate or write off")
        if self._control.undoing or self._tracker.status.terminal:
            raise _refusal(f"cycle {self._terms.cycle_id} is {self._tracker.status} already")

    def _refuse_a_second_decision(self) -> None:
        if self._control.decided:
            raise _refusal(
                f"somebody has just decided what to do with cycle {self._terms.cycle_id}; see what comes of it"
            )

    def _report_request(self, what: str, request: OperatorRequest) -> None:
        self._tracker.report(f"{request.by}: {what}; {request.note}")

    async def _decide(self, decision: OperatorDecision) -> CycleStatus:
        self._control.decide(decision)
        return await self._carried_out()

    async def _carried_out(self) -> CycleStatus:
        await workflow.wait_condition(lambda: self._tracker.status is not CycleStatus.DEAD_LETTER)
        return self._tracker.status


def _uncancel() -> None:
    """A task that was cancelled may not wait for anything until it says that it goes on."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _refusal(text: str) -> ApplicationError:
    return ApplicationError(text, type="NotNow")
