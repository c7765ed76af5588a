"""A Temporal server that answers is not yet one that kimp can work on: it needs a namespace with search attributes."""

from uuid import uuid4

import pytest
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import Client

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.bootstrap_namespace import prepare_namespace, require_namespace
from kimp.adapters.temporal.devserver import DevServer
from kimp.bootstrap.doctor import temporal_serves
from kimp.bootstrap.services import run_initiator, run_workers
from kimp.bootstrap.temporal import connect_temporal
from kimp.config import Settings
from kimp.contracts.queues import TaskQueue
from kimp.contracts.search_attributes import SEARCH_ATTRIBUTES
from kimp.domain.errors import BadConfig, TemporalUnavailable

NOWHERE = r"there is no namespace {} on Temporal at 127\.0\.0\.1:\d+; `kimp temporal bootstrap` makes it"


@pytest.fixture
async def client(temporal_server: DevServer) -> Client:
    """Of a namespace that is not there yet."""
    return await Client.connect(temporal_server.address, namespace=f"made-by-test-{uuid4().hex[:8]}")


async def test_no_process_starts_in_a_namespace_that_is_not_there(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", client.service_client.config.target_host)
    monkeypatch.setenv("TEMPORAL_NAMESPACE", client.namespace)
    text = NOWHERE.format(client.namespace)
    with pytest.raises(BadConfig, match=text):
        await run_workers(Settings(), [TaskQueue.OPS])
    with pytest.raises(BadConfig, match=text):
        await run_initiator(Settings())
    with pytest.raises(BadConfig, match=text):
        await temporal_serves(Settings())


async def test_a_namespace_without_the_attributes_is_told_from_one_that_has_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    await prepare_namespace(client)
    await require_namespace(client)
    strange = SEARCH_ATTRIBUTES[0].for_keyword("NobodyMadeThis")
    target = "kimp.adapters.temporal.bootstrap_namespace.SEARCH_ATTRIBUTES"
    monkeypatch.setattr(target, (*SEARCH_ATTRIBUTES, strange))
    with pytest.raises(BadConfig, match=r"lacks the search attributes NobodyMadeThis; `kimp temporal bootstrap` adds"):
        await require_namespace(client)


async def test_a_namespace_that_is_full_wants_another_namespace_and_no_other_credentials(client: Client) -> None:
    await prepare_namespace(client)
    others = {f"Team{number}": IndexedValueType.INDEXED_VALUE_TYPE_KEYWORD for number in range(6)}
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=client.namespace, search_attributes=others)
    )
    with pytest.MonkeyPatch.context() as patch:
        more = tuple(SEARCH_ATTRIBUTES[0].for_keyword(f"KimpMore{number}") for number in range(3))
        patch.setattr("kimp.adapters.temporal.bootstrap_namespace.SEARCH_ATTRIBUTES", (*SEARCH_ATTRIBUTES, *more))
        with pytest.raises(BadConfig, match=r"kimp needs 7 of type Keyword and 2 of type Int, and 10 of type") as error:
            await prepare_namespace(client)
    assert "use a namespace of kimp's own in TEMPORAL_NAMESPACE" in str(error.value)
    assert "credentials" not in str(error.value)


async def test_an_api_key_crosses_no_network_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "canary")
    monkeypatch.setenv("TEMPORAL_TLS", "false")
    monkeypatch.setenv("TEMPORAL_ADDRESS", "temporal.internal:7233")
    with pytest.raises(BadConfig, match=r"^TEMPORAL_API_KEY would cross the network in clear") as error:
        await connect_temporal(Settings())
    assert "canary" not in str(error.value)


async def test_an_api_key_for_a_server_without_tls_says_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_API_KEY", "canary")
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    with pytest.raises(TemporalUnavailable, match="TEMPORAL_API_KEY is set, which is sent over TLS only"):
        await connect_temporal(Settings())
