"""Encryption where Temporal itself hands payloads on: to child workflows, to the runs of a schedule, from strangers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from fakes.sealing import client_of, new_key, payloads_in, ring
from temporalio import workflow
from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleSpec,
    WorkflowUpdateFailedError,
)
from temporalio.common import SearchAttributePair, TypedSearchAttributes
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from kimp.adapters.temporal.codec import is_sealed
from kimp.adapters.temporal.devserver import DevServer
from kimp.bootstrap.temporal import history_reader
from kimp.config import Settings
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_NOTIONAL_KRW, KIMP_STATUS

KEY, STRANGE_KEY = new_key(), new_key()
QUEUE = "test-encrypted-relations"
AMOUNT = "311.78 XRP"
SEEN_WITHIN_S = 30
ATTRIBUTES = TypedSearchAttributes([SearchAttributePair(KIMP_COIN, "XRP"), SearchAttributePair(KIMP_NOTIONAL_KRW, 17)])


@workflow.defn
class Child:
    @workflow.run
    async def run(self, amount: str) -> str:
        workflow.upsert_search_attributes([KIMP_STATUS.value_set("COMPLETED")])
        return f"sold {amount}"


@workflow.defn
class Parent:
    @workflow.run
    async def run(self, amount: str) -> str:
        return await workflow.execute_child_workflow(
            Child.run,
            amount,
            id=f"{workflow.info().workflow_id}-child",
            search_attributes=ATTRIBUTES,
            static_summary=f"sells {amount}",
        )


@workflow.defn
class Counter:
    def __init__(self) -> None:
        self.total = 0
        self.over = False

    @workflow.run
    async def run(self) -> int:
        await workflow.wait_condition(lambda: self.over)
        return self.total

    @workflow.update
    async def add(self, number: int) -> int:
        self.total += number
        return self.total

    @workflow.signal
    def end(self, *, over: bool = True) -> None:
        self.over = over


@pytest.fixture
async def client(temporal_server: DevServer) -> Client:
    return await client_of(temporal_server, ring(k1=KEY))


@asynccontextmanager
async def working(client: Client) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Parent, Child, Counter],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


async def raw(client: Client, workflow_id: str) -> bytes:
    handle = client.get_workflow_handle(workflow_id)
    events = (await handle.fetch_history()).events
    assert all(is_sealed(payload) for event in events for payload in payloads_in(event))
    described = (await handle.describe()).raw_description
    return b"\n".join([described.SerializeToString(), *(event.SerializeToString() for event in events)])


async def test_a_childs_search_attributes_stay_readable_and_all_else_is_sealed(client: Client) -> None:
    """They went through the codec once (sdk-python 1129), and no search found the child."""
    name = f"parent-{uuid4().hex}"
    async with working(client):
        handle = await client.start_workflow(Parent.run, AMOUNT, id=name, task_queue=QUEUE)
        assert await handle.result() == f"sold {AMOUNT}"
    child = await client.get_workflow_handle(f"{name}-child").describe()
    found = child.typed_search_attributes
    assert (found[KIMP_COIN], found[KIMP_NOTIONAL_KRW], found[KIMP_STATUS]) == ("XRP", 17, "COMPLETED")
    read = history_reader(Settings.model_validate({"history": ring(k1=KEY)}), plaintext_too=False)
    begun = read(await client.get_workflow_handle(child.id).fetch_history()).events[0]
    assert begun.user_metadata.summary.data.decode() == f'"sells {AMOUNT}"'
    assert AMOUNT.encode() not in await raw(client, name) + await raw(client, child.id)


async def test_a_run_of_a_schedule_reads_the_input_that_was_sealed_for_the_schedule(client: Client) -> None:
    name = f"sweep-{uuid4().hex}"
    action = ScheduleActionStartWorkflow(Parent.run, AMOUNT, id=name, task_queue=QUEUE)
    schedule = await client.create_schedule(
        name, Schedule(action=action, spec=ScheduleSpec()), trigger_immediately=True
    )
    try:
        async with working(client), asyncio.timeout(SEEN_WITHIN_S):
            while not (recent := (await schedule.describe()).info.recent_actions):  # noqa: ASYNC110 - the server's
                await asyncio.sleep(0.1)
            run = recent[0].action.workflow_id  # type: ignore[attr-defined]  # it starts workflows only
            assert run.startswith(f"{name}-2")
            assert await client.get_workflow_handle(run).result() == f"sold {AMOUNT}"
        assert AMOUNT.encode() not in await raw(client, run)
    finally:
        await schedule.delete()


@pytest.mark.parametrize("key", [None, STRANGE_KEY], ids=["plaintext", "a strange key"])
async def test_what_a_stranger_sends_is_refused_and_stops_nothing(
    temporal_server: DevServer, client: Client, key: bytes | None
) -> None:
    """A codec that raised would fail the workflow's task again and again: no update would ever come through."""
    stranger = await client_of(temporal_server, None if key is None else ring(k1=key))
    name = f"counter-{uuid4().hex}"
    async with working(client):
        handle = await client.start_workflow(Counter.run, id=name, task_queue=QUEUE)
        assert await handle.execute_update(Counter.add, 1) == 1
        foreign = stranger.get_workflow_handle(name)
        with pytest.raises(WorkflowUpdateFailedError):
            await foreign.execute_update("add", 100)
        await foreign.signal("end", 100)
        assert await handle.execute_update(Counter.add, 1) == 2
        await handle.signal(Counter.end)
        assert await handle.result() == 2
