"""A request that no workflow takes: is the cycle over, or was there never one?"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from kimp.contracts.operators import OperatorRequest
from kimp.domain.errors import BadInput, KimpError, StoreUnavailable
from kimp.operations.cycles import send_request
from kimp.ports.operators import NoSuchWorkflow

REQUEST = OperatorRequest(by="alice", note="looked")


class Cycles:
    def __init__(self, answer: str | KimpError) -> None:
        self._answer = answer

    async def send(self, cycle_id: str, request: str, details: OperatorRequest) -> str:
        assert (cycle_id, request, details) == ("XRP-1", "retry", REQUEST)
        if isinstance(self._answer, KimpError):
            raise self._answer
        return self._answer


@asynccontextmanager
async def database(row: object, away: KimpError | None = None) -> AsyncIterator[Any]:
    async def cycle(cycle_id: str) -> object:
        assert cycle_id == "XRP-1"
        return row

    if away is not None:
        raise away
    yield SimpleNamespace(read_model=SimpleNamespace(cycle=cycle))


async def test_the_status_that_follows() -> None:
    assert await send_request(Cycles("STARTED"), lambda: database(None), "XRP-1", "retry", REQUEST) == "STARTED"


@pytest.mark.parametrize(
    ("row", "away", "reported"),
    [
        (None, None, "there is no cycle XRP-1"),
        ("a row", None, "takes no requests"),
        (None, StoreUnavailable("away"), "takes no requests"),
    ],
)
async def test_a_workflow_that_is_gone(row: object, away: KimpError | None, reported: str) -> None:
    gone = Cycles(NoSuchWorkflow("cycle XRP-1 takes no requests: not found"))
    with pytest.raises(BadInput, match=reported):
        await send_request(gone, lambda: database(row, away), "XRP-1", "retry", REQUEST)


async def test_a_refusal_is_the_cycles_own() -> None:
    with pytest.raises(BadInput, match="not parked"):
        await send_request(
            Cycles(BadInput("cycle XRP-1 is STARTED, not parked")), lambda: database(None), "XRP-1", "retry", REQUEST
        )
