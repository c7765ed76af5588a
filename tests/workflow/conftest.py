"""A client of the shared dev server, and one whose workflows skip time."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from fakes.funded import funded_books
from fakes.lab import Lab
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError
from temporalio.testing import WorkflowEnvironment

from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.bootstrap_namespace import prepare_namespace
from kimp.adapters.temporal.devserver import DevServer


@pytest.fixture
async def temporal_client(temporal_server: DevServer) -> Client:
    return await Client.connect(
        temporal_server.address, namespace=temporal_server.namespace, data_converter=pydantic_data_converter
    )


@pytest.fixture
async def books(new_database: Callable[[], str]) -> AsyncIterator[SqlDatabase]:
    async with funded_books(new_database()) as books:
        yield books


@pytest.fixture
async def lab(temporal_client: Client) -> AsyncIterator[Lab]:
    """A cycle that a failed test left open does not fail the next one."""
    yield Lab(temporal_client)
    with suppress(RPCError):
        await temporal_client.get_workflow_handle("cycle-XRP-1").terminate("the test is over")


@pytest.fixture
async def skipping_client(temporal_binary: Path) -> AsyncIterator[Client]:
    """Hours of workflow time pass in about a second each skip; needs a server of its own."""
    async with _skipping(temporal_binary) as client:
        yield client


@pytest.fixture
async def paging_client(temporal_binary: Path) -> AsyncIterator[Client]:
    """Time is skipped as above; histories count as long from their sixtieth event on, not from the 4,096th."""
    async with _skipping(temporal_binary, "limit.historyCount.suggestContinueAsNew=60") as client:
        yield client


@asynccontextmanager
async def _skipping(binary: Path, *settings: str) -> AsyncIterator[Client]:
    values = ("frontend.WorkflowTimeSkippingEnabled=true", *settings)
    environment = await WorkflowEnvironment.start_time_skipping_v2(
        data_converter=pydantic_data_converter,
        dev_server_existing_path=str(binary),
        dev_server_extra_args=[part for value in values for part in ("--dynamic-config-value", value)],
    )
    async with environment:
        await prepare_namespace(environment.client)
        yield environment.client
