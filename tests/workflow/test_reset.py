"""A cycle that somebody resets in the Temporal Web UI goes through its steps again; the money does not."""

from decimal import Decimal
from uuid import uuid4

import pytest
from fakes.funded import fund
from fakes.lab import TRX, Handle, Lab
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.workflowservice.v1 import ResetWorkflowExecutionRequest
from temporalio.client import Client

from kimp.adapters.sql.database import SqlDatabase
from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle


@pytest.fixture
async def lab(temporal_client: Client, books: SqlDatabase) -> Lab:
    return fund(Lab(temporal_client, books=books))


async def reset(handle: Handle, to: int) -> Handle:
    """To its `to`-th finished workflow task, as the Web UI does it."""
    history = await handle.fetch_history()
    finished = [e.event_id for e in history.events if e.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED]
    client = handle._client
    await client.workflow_service.reset_workflow_execution(
        ResetWorkflowExecutionRequest(
            namespace=client.namespace,
            workflow_execution=WorkflowExecution(workflow_id=handle.id),
            reason="somebody clicked Reset",
            workflow_task_finish_event_id=finished[to],
            request_id=str(uuid4()),
        )
    )
    return client.get_workflow_handle_for(ArbitrageCycle.run, handle.id)


async def sent(lab: Lab) -> list[str]:
    return [intent.client_order_id for venue in lab.venues.values() for intent in venue.sent] + [
        name for venue in lab.venues.values() for name in venue.withdrawals
    ]


@pytest.mark.parametrize("to", [0, 3, 8, -1])
async def test_a_cycle_that_ended_comes_to_the_same_end(lab: Lab, books: SqlDatabase, to: int) -> None:
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        first = await handle.result()
        orders, entries = await sent(lab), await books.ledger.entries("XRP-1")
        again: CycleResult = await (await reset(handle, to)).result()
    assert again == first
    assert await sent(lab) == orders
    assert await books.ledger.entries("XRP-1") == entries
    assert await books.unfinished_cycles.unfinished() == []


async def test_a_cycle_that_waits_sends_nothing_new_and_is_taken_over_once_terminated(
    lab: Lab, books: SqlDatabase
) -> None:
    cycle = await lab.plan()
    lab.binance.wallets_open = False
    async with lab.workers():
        handle = await lab.start(cycle)
        await lab.seen(handle, lambda state: state.waiting_reason is not None)
        again = await reset(handle, 0)
        lab.binance.wallets_open = True
        await lab.seen(again, lambda state: "was reset" in (state.waiting_reason or ""))
        assert not lab.binance.withdrawals
        await again.terminate("as the reason says")
        assert (await lab.sweep()).taken_over == ("XRP-1",)
        await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
        stranded = lab.taken_over()
        await stranded.execute_update(StrandedCycle.compensate, OperatorRequest(by="ann", note="undo it"))
        result = await stranded.result()
    assert result.status is CycleStatus.COMPENSATED
    assert len(await sent(lab)) == len(set(await sent(lab)))
    assert await books.unfinished_cycles.unfinished() == []


async def test_another_way_home_than_before_is_not_taken(lab: Lab, books: SqlDatabase) -> None:
    """USDT took the cash home; now TRX would, under the id of the order that bought USDT."""
    async with lab.workers():
        handle = await lab.start(await lab.plan())
        await handle.result()
        orders, entries = await sent(lab), await books.ledger.entries("XRP-1")
        lab.upbit.prices[TRX] = (Decimal(400), Decimal("400.1"))
        again = await reset(handle, 0)
        await lab.seen(again, lambda state: "was reset" in (state.waiting_reason or ""))
        await again.terminate()
        assert (await lab.sweep()).taken_over == ()
    assert await sent(lab) == orders
    assert await books.ledger.entries("XRP-1") == entries
