"""The supervisor at work beside a run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from chaos.harness.supervisor import Supervisor


@asynccontextmanager
async def supervised(supervisor: Supervisor) -> AsyncIterator[None]:
    """A fault of the supervisor itself ends the run."""
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(supervisor.run())
        try:
            yield
        finally:
            watching.cancel()
