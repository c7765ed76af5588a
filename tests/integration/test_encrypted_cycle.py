"""A whole cycle with encryption on a real server: what the server sees of it, and what new and lost keys do to it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from typing import Any

import pytest
from fakes.lab import Handle, Lab
from fakes.sealing import client_of, discreet_cycle, handle_of, new_key, parked, payloads_in, ring, stuck
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.query.v1 import WorkflowQuery
from temporalio.api.workflowservice.v1 import QueryWorkflowRequest
from temporalio.client import Client, WorkflowHistory
from temporalio.service import RPCError

from kimp.adapters.temporal.codec import is_sealed, key_id_of
from kimp.adapters.temporal.devserver import DevServer
from kimp.bootstrap.temporal import history_reader
from kimp.config import Settings
from kimp.contracts.cycle import CycleInput
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.search_attributes import KIMP_COIN, KIMP_DIRECTION, KIMP_REASON, KIMP_STATUS
from kimp.contracts.status import CycleStatus
from kimp.domain.ids import workflow_id
from workflows.arbitrage_cycle import ArbitrageCycle

ANN = OperatorRequest(by="ann", note="the venue's support says it never left")
SHORTEST = 6
"""Shorter texts may be in a ciphertext by chance."""
KEY, NEXT_KEY = new_key(), new_key()
NOTICED_WITHIN_S = 60


@pytest.fixture
async def client(temporal_server: DevServer) -> Client:
    return await client_of(temporal_server, ring(k1=KEY))


@pytest.fixture
async def lab(client: Client) -> Lab:
    return stuck(Lab(client))


@pytest.fixture
async def cycle(lab: Lab) -> AsyncIterator[CycleInput]:
    cycle = await discreet_cycle(lab)
    yield cycle
    with suppress(RPCError):  # it is closed, as it should be
        await lab.client.get_workflow_handle(workflow_id(cycle.cycle_id)).terminate("the test is over")


def texts(value: Any) -> Iterator[str]:
    """Every name and text of a JSON tree: amounts are texts too."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
    elif isinstance(value, str):
        yield value


def reported(history: WorkflowHistory) -> set[str]:
    """All that the cycle wrote, taken out of the payloads of its decrypted history, and the texts of its failures."""
    read = history_reader(Settings.model_validate({"history": ring(k1=KEY)}), plaintext_too=False)(history)
    found: set[str] = set()
    for event in read.events:
        for payload in payloads_in(event):
            if payload.metadata["encoding"] == b"json/plain":
                found.update(texts(json.loads(payload.data)))
        failure = event.activity_task_failed_event_attributes.failure
        found.update(text for text in (failure.message, failure.stack_trace) if text)
    return {text for text in found if len(text) >= SHORTEST}


async def raw_state(client: Client, cycle: CycleInput) -> bytes:
    """The answer to the query `state`, as the server sees it."""
    answer = await client.workflow_service.query_workflow(
        QueryWorkflowRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow_id(cycle.cycle_id)),
            query=WorkflowQuery(query_type="state"),
        )
    )
    return answer.query_result.SerializeToString()


async def test_the_server_sees_nothing_of_what_a_cycle_does(
    temporal_server: DevServer, lab: Lab, cycle: CycleInput
) -> None:
    async with lab.workers():
        handle = await parked(lab, cycle)
        while_parked = (await handle.describe()).raw_description.SerializeToString()
        state = await handle.query(ArbitrageCycle.state)
        answered = await raw_state(lab.client, cycle)
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        result = await handle.result()
    assert result.status is CycleStatus.COMPENSATED
    assert state.held == ("311.46822 XRP on binance",)

    stranger = (await client_of(temporal_server)).get_workflow_handle(handle.id)
    history = await stranger.fetch_history()
    described = (await stranger.describe()).raw_description.SerializeToString()
    seen = b"\n".join([*(event.SerializeToString() for event in history.events), while_parked, described, answered])
    secrets = reported(history)
    assert {"311.78", f"{cycle.cycle_id}-1B1-1", ANN.note, str(result.profit_krw)} <= secrets
    assert any("no answer, and binance lists none like it" in text for text in secrets)
    assert any("raise _nobody_knows" in text for text in secrets)
    run_id = (await handle.describe()).run_id
    assert {text for text in secrets if text.encode() in seen} == {
        cycle.cycle_id,
        run_id,
        "to_upbit",  # search attributes
        *(status.value for status in CycleStatus if status.value in secrets),
        "market",  # the start of an activity's name
        "reason",  # a field's name, which stands in the name of a patch too
    }
    assert all(is_sealed(payload) for event in history.events for payload in payloads_in(event))


async def test_search_attributes_find_an_encrypted_cycle_and_tell_neither_amount_nor_reason(
    lab: Lab, cycle: CycleInput
) -> None:
    async with lab.workers():
        handle = await parked(lab, cycle)
        found = (await handle.describe()).typed_search_attributes
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        await handle.result()
        at_the_end = (await handle.describe()).typed_search_attributes
    ours = {pair.key.name: pair.value for pair in found if pair.key.name.startswith("Kimp")}
    assert ours == {
        KIMP_STATUS.name: "DEAD_LETTER",
        KIMP_COIN.name: "XRP",
        KIMP_DIRECTION.name: "to_upbit",
        KIMP_REASON.name: "withheld",
    }
    assert {pair.key.name for pair in at_the_end if pair.key.name.startswith("Kimp")} == set(ours)
    async with asyncio.timeout(NOTICED_WITHIN_S):
        query = f"KimpStatus = 'COMPENSATED' AND KimpReason IS NOT NULL AND WorkflowId = '{handle.id}'"
        while (await lab.client.count_workflows(query)).count != 1:  # noqa: ASYNC110 - another process decides
            await asyncio.sleep(0.2)


async def test_a_cycle_lives_through_a_rotation_of_keys(
    temporal_server: DevServer, lab: Lab, cycle: CycleInput
) -> None:
    async with lab.workers():
        await parked(lab, cycle)
    lab.client = await client_of(temporal_server, ring("k2", k1=KEY, k2=NEXT_KEY))
    handle = handle_of(lab.client, cycle)
    async with lab.workers():
        await handle.execute_update(ArbitrageCycle.compensate, ANN)
        assert (await handle.result()).status is CycleStatus.COMPENSATED
    history = await handle.fetch_history()
    keys = [key_id_of(payload) for event in history.events for payload in payloads_in(event)]
    assert keys == sorted(keys, key=str)
    assert set(keys) == {"k1", "k2"}


async def test_a_key_taken_off_too_early_stops_the_cycle_until_it_is_back_and_is_named(
    temporal_server: DevServer, lab: Lab, cycle: CycleInput
) -> None:
    async with lab.workers():
        await parked(lab, cycle)
    lab.client = await client_of(temporal_server, ring("k2", k2=NEXT_KEY))
    async with lab.workers():
        failure = await task_failure(handle_of(lab.client, cycle))
    assert 'encrypted with key "k1", and history.keys has only k2: put that key back' in failure
    lab.client = await client_of(temporal_server, ring("k2", k1=KEY, k2=NEXT_KEY))
    async with lab.workers():
        await going_on(lab, cycle)


async def test_a_cycle_from_before_encryption_goes_on_while_plaintext_is_accepted(
    temporal_server: DevServer, lab: Lab, cycle: CycleInput
) -> None:
    lab.client = await client_of(temporal_server)
    async with lab.workers():
        await parked(lab, cycle)
    lab.client = await client_of(temporal_server, ring(k1=KEY))
    async with lab.workers():
        failure = await task_failure(handle_of(lab.client, cycle))
    assert "not encrypted" in failure
    assert "history.accept_plaintext_until" in failure
    lab.client = await client_of(
        temporal_server, {**ring(k1=KEY), "accept_plaintext_until": "2999-01-01T00:00:00+00:00"}
    )
    async with lab.workers():
        handle = await going_on(lab, cycle)
    history = await handle.fetch_history()
    sealed = [is_sealed(payload) for event in history.events for payload in payloads_in(event)]
    assert sealed == sorted(sealed)
    assert set(sealed) == {False, True}


async def going_on(lab: Lab, cycle: CycleInput) -> Handle:
    """To its end, as soon as the server has given the task that failed before to a worker once more."""
    handle = handle_of(lab.client, cycle)
    async with asyncio.timeout(NOTICED_WITHIN_S):
        while True:
            with suppress(RPCError):  # "Workflow Task in failed state"
                await handle.query(ArbitrageCycle.state)
                break
            await asyncio.sleep(0.2)
    await handle.execute_update(ArbitrageCycle.compensate, ANN)
    assert (await handle.result()).status is CycleStatus.COMPENSATED
    return handle


async def task_failure(handle: Handle) -> str:
    """Wakes the cycle up, and tells why its workflow task failed."""
    await handle.signal("wake up")
    async with asyncio.timeout(NOTICED_WITHIN_S):
        while True:
            events = (await handle.fetch_history()).events
            failed = [event for event in events if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED]
            if failed:
                failure = failed[-1].workflow_task_failed_event_attributes.failure
                error = await handle._client.data_converter.decode_failure(failure)
                return " ".join(str(part) for part in chain(error))
            await asyncio.sleep(0.1)


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__
