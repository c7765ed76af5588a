"""Starts cycles on Temporal. The workflow id is the lock: only one start of an id ever succeeds."""

from datetime import timedelta

from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput
from kimp.contracts.queues import TaskQueue
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_DIRECTION, KIMP_NOTIONAL_KRW, KIMP_STATUS
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import StartFailed
from kimp.domain.ids import workflow_id
from kimp.domain.won import in_won
from kimp.domain.wording import exactly, money
from kimp.ports.starter import StartOutcome

RPC_S = 3
TASK_TIMEOUT_S = 5
"""How long a worker that died in the middle of a workflow task holds the cycle up."""


class TemporalCycleStarter:
    """With a worker on the same client in this process, the first task comes back with the start itself (eager)."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def start(self, cycle: CycleInput) -> StartOutcome:
        """Raises StartFailed when the server does not answer; the same id may be asked for again."""
        try:
            await self._client.start_workflow(
                ARBITRAGE_CYCLE,
                cycle,
                id=workflow_id(cycle.cycle_id),
                task_queue=TaskQueue.CYCLES,
                id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                request_eager_start=True,
                task_timeout=timedelta(seconds=TASK_TIMEOUT_S),
                rpc_timeout=timedelta(seconds=RPC_S),
                search_attributes=_search_attributes(cycle),
                static_summary=_summary(cycle),
                static_details=_details(cycle),
            )
        except WorkflowAlreadyStartedError:
            return await self._state(cycle)
        except RPCError as error:
            raise StartFailed(f"Temporal did not start {cycle.cycle_id}: {error.message}") from None
        return StartOutcome.STARTED

    async def _state(self, cycle: CycleInput) -> StartOutcome:
        try:
            found = await self._client.get_workflow_handle(workflow_id(cycle.cycle_id)).describe(
                rpc_timeout=timedelta(seconds=RPC_S)
            )
        except RPCError as error:
            raise StartFailed(f"Temporal did not tell of {cycle.cycle_id}: {error.message}") from None
        running = found.status is WorkflowExecutionStatus.RUNNING
        return StartOutcome.ALREADY_OPEN if running else StartOutcome.ALREADY_CLOSED


class TemporalCycleFates:
    """Whether the workflow of a cycle lives."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def fate(self, cycle_id: str) -> str | None:
        """Raises StartFailed when the server does not answer."""
        try:
            found = await self._client.get_workflow_handle(workflow_id(cycle_id)).describe(
                rpc_timeout=timedelta(seconds=RPC_S)
            )
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return "Temporal does not know its workflow"
            raise StartFailed(f"Temporal did not tell of {cycle_id}: {error.message}") from None
        if found.status is WorkflowExecutionStatus.RUNNING:
            return None
        return f"its workflow is {found.status.name.lower() if found.status else 'gone'}"


def _search_attributes(cycle: CycleInput) -> TypedSearchAttributes:
    amounts = [] if cycle.policy.discreet else [SearchAttributePair(KIMP_NOTIONAL_KRW, _notional_krw(cycle))]
    return TypedSearchAttributes(
        [
            SearchAttributePair(KIMP_STATUS, CycleStatus.STARTED.value),
            SearchAttributePair(KIMP_COIN, cycle.coin),
            SearchAttributePair(KIMP_DIRECTION, cycle.direction),
            *amounts,
        ]
    )


def _notional_krw(cycle: CycleInput) -> int:
    return int(in_won(cycle.expected.spent, cycle.krw_per_usdt))


def _summary(cycle: CycleInput) -> str:
    to = cycle.direction.destination.capitalize()
    return (
        f"{cycle.coin} to {to}, premium {cycle.premium * 100:+.2f} %, {_notional_krw(cycle):,} KRW,"
        f" home by {cycle.expected_route}, expected {cycle.expected_edge * 100:+.2f} %"
    )


def _details(cycle: CycleInput) -> str:
    leg = cycle.expected
    return "\n".join(
        [
            "| expected | |",
            "|---|---|",
            f"| buy | {exactly(cycle.buy_quantity)} {cycle.coin} on {cycle.direction.source} |",
            f"| at most | {exactly(cycle.buy_limit_price)} {cycle.direction.source.cash} |",
            f"| spend | {money(leg.spent.amount, leg.spent.asset)} |",
            f"| receive | {money(leg.proceeds.amount, leg.proceeds.asset)} on {cycle.direction.destination} |",
            f"| home by | {cycle.expected_route} |",
            f"| net edge | {cycle.expected_edge * 100:+.3f} % |",
        ]
    )
