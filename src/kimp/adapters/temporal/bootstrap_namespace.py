"""Makes a Temporal namespace ready for kimp, on any server: how long histories stay, and what cycles are searched by.

Every step looks first, so it may run at each start, and on a namespace that somebody else made.
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.common import SearchAttributeIndexedValueType
from temporalio.service import RPCError, RPCStatusCode

from kimp.contracts.search_attributes import SEARCH_ATTRIBUTES
from kimp.domain.errors import BadConfig

RETENTION = timedelta(days=30)
"""A closed cycle's id is refused by Temporal only while its history stays; dev servers default to one day."""

REGISTRY_REFRESH_S = 60
"""A server's parts learn of a new namespace one after another; more than any of their refresh intervals."""


async def prepare_namespace(client: Client) -> None:
    """Create or mend the client's namespace. Raises BadConfig where an attribute exists with another type."""
    if not await _known(client):
        await _register(client)
    await _prepare_search_attributes(client)


async def _known(client: Client) -> bool:
    """False where there is no such namespace. Lengthens the retention of one that is there."""
    try:
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    if found.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:  # longer is the operator's choice
        await client.workflow_service.update_namespace(
            UpdateNamespaceRequest(
                namespace=client.namespace,
                config=NamespaceConfig(workflow_execution_retention_ttl=_duration(RETENTION)),
            )
        )
    return True


async def _register(client: Client) -> None:
    await client.workflow_service.register_namespace(
        RegisterNamespaceRequest(namespace=client.namespace, workflow_execution_retention_period=_duration(RETENTION))
    )
    async with asyncio.timeout(REGISTRY_REFRESH_S):
        while not await _answers_for(client):  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.2)


async def _answers_for(client: Client) -> bool:
    try:
        await _search_attributes(client)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    return True


async def _prepare_search_attributes(client: Client) -> None:
    existing = await _search_attributes(client)
    missing: dict[str, IndexedValueType.ValueType] = {}
    for key in SEARCH_ATTRIBUTES:
        wanted = _indexed_type(key.indexed_value_type)
        have = existing.get(key.name)
        if have is None:
            missing[key.name] = wanted
        elif have != wanted:
            raise BadConfig(
                f"search attribute {key.name} of namespace {client.namespace} is {IndexedValueType.Name(have)},"
                f" kimp needs {IndexedValueType.Name(wanted)}; remove it or use another namespace"
            )
    if missing:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )


async def _search_attributes(client: Client) -> Mapping[str, IndexedValueType.ValueType]:
    listed = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    return listed.custom_attributes


def _duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def _indexed_type(kind: SearchAttributeIndexedValueType) -> IndexedValueType.ValueType:
    return IndexedValueType.ValueType(kind.value)
