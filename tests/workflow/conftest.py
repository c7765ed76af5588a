import pytest
from collections.abc import AsyncIterator
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from kimp.contracts.search_attributes import SEARCH_ATTRIBUTES

@pytest.fixture
async def temporal_client() -> AsyncIterator[Client]:
    async with await WorkflowEnvironment.start_local(dev_server_existing_path=".tools/temporal", data_converter=pydantic_data_converter, search_attributes=SEARCH_ATTRIBUTES) as env:
        yield env.client
