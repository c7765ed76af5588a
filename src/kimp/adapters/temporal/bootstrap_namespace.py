"""Makes a Temporal namespace ready for kimp, on any server: how long histories stay, and what cycles are searched by.

Every step looks first, so it may run at each start, on a namespace that somebody else made, and in several processes.
Each tells what it changed.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
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

NAMESPACE = "kimp"
"""Where nothing names another."""
RETENTION = timedelta(days=30)
"""A closed cycle's id is refused by Temporal only while its history stays; dev servers default to one day."""

REGISTRY_REFRESH_S = 60
"""A server's parts learn of a new namespace one after another; more than any of their refresh intervals."""


async def prepare_namespace(client: Client, retention: timedelta = RETENTION) -> list[str]:
    """Create or mend the client's namespace. Raises BadConfig where an attribute exists with another type.

    `retention` is the least: a namespace that keeps its histories longer is left so.
    """
    done = await _lengthen(client, retention)
    if done is None:
        done = await _register(client, retention)
    return done + await _prepare_search_attributes(client)


async def _lengthen(client: Client, retention: timedelta) -> list[str] | None:
    """None where there is no such namespace."""
    try:
        found = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return None
        raise
    have = found.config.workflow_execution_retention_ttl.ToTimedelta()
    if have >= retention:
        return []
    await client.workflow_service.update_namespace(
        UpdateNamespaceRequest(
            namespace=client.namespace, config=NamespaceConfig(workflow_execution_retention_ttl=_duration(retention))
        )
    )
    return [f"histories are kept for {retention.days} days, before {have / timedelta(days=1):g}"]


async def _register(client: Client, retention: timedelta) -> list[str]:
    try:
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace, workflow_execution_retention_period=_duration(retention)
            )
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.ALREADY_EXISTS:  # another process was faster
            raise
    await _until_all_know(client, [])
    return [f"namespace {client.namespace} is made, histories are kept for {retention.days} days"]


async def _until_all_know(client: Client, attributes: Iterable[str]) -> None:
    """Until the server answers for the namespace, and lists these attributes. Raises TimeoutError."""
    async with asyncio.timeout(REGISTRY_REFRESH_S):
        while not await _knows(client, set(attributes)):  # noqa: ASYNC110 - the event is the server's
            await asyncio.sleep(0.2)


async def _knows(client: Client, attributes: set[str]) -> bool:
    try:
        return attributes <= set(await _search_attributes(client))
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise


async def require_namespace(client: Client) -> None:
    """What workers and initiators need before they start. Raises BadConfig where it is not there.

    Some servers list no search attributes to those who only work there: then nothing is known against them.
    """
    try:
        await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=client.namespace))
        existing = await _search_attributes(client)
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            raise BadConfig(
                f"there is no namespace {client.namespace} on Temporal at {_place(client)};"
                f" `kimp temporal bootstrap` makes it, or name another in TEMPORAL_NAMESPACE"
            ) from None
        if error.status in (RPCStatusCode.PERMISSION_DENIED, RPCStatusCode.UNIMPLEMENTED):
            return
        raise
    if missing := _missing(client, existing):
        raise BadConfig(
            f"namespace {client.namespace} on Temporal at {_place(client)} lacks the search attributes"
            f" {', '.join(missing)}; `kimp temporal bootstrap` adds them"
        )


def _place(client: Client) -> str:
    return client.service_client.config.target_host


def _missing(
    client: Client, existing: Mapping[str, IndexedValueType.ValueType]
) -> dict[str, IndexedValueType.ValueType]:
    """Raises BadConfig for one of another type."""
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
    return missing


async def _prepare_search_attributes(client: Client) -> list[str]:
    existing = await _search_attributes(client)
    missing = _missing(client, existing)
    if not missing:
        return []
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status in (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.RESOURCE_EXHAUSTED):
            raise BadConfig(_no_room(client, missing, existing, error.message)) from None
        if error.status is not RPCStatusCode.ALREADY_EXISTS:
            raise
    await _until_all_know(client, missing)
    return [f"search attribute {name} is added" for name in missing]


def _no_room(
    client: Client,
    missing: Mapping[str, IndexedValueType.ValueType],
    existing: Mapping[str, IndexedValueType.ValueType],
    reported: str,
) -> str:
    """A server has room for a few attributes of each type in a namespace; credentials don't help."""
    kinds = Counter(_indexed_type(key.indexed_value_type) for key in SEARCH_ATTRIBUTES)
    needs = " and ".join(f"{count} of type {_type_name(kind)}" for kind, count in kinds.items())
    taken = ", ".join(f"{list(existing.values()).count(kind)} of type {_type_name(kind)}" for kind in kinds)
    return (
        f"namespace {client.namespace} on Temporal at {_place(client)} does not take the search attributes"
        f" {', '.join(missing)} ({reported}); kimp needs {needs}, and {taken} are there already: use a namespace of"
        " kimp's own in TEMPORAL_NAMESPACE, or remove some that nobody uses"
    )


def _type_name(kind: IndexedValueType.ValueType) -> str:
    return IndexedValueType.Name(kind).removeprefix("INDEXED_VALUE_TYPE_").title()


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
