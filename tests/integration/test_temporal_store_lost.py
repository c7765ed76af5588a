"""Temporal's store is gone, with cycles under way: kimp rebuilds from ledger, journal and venues."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from fakes.funded import (
    all_clear,
    at_rest,
    complete,
    connected,
    equal,
    fund,
    funded_books,
    numbers,
    two_under_way,
)
from fakes.lab import TRX, XRP, Lab
from temporalio.client import WorkflowHandle

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.devserver import DevServer
from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SweepReport
from workflows.stranded_cycle import StrandedCycle

ANN = OperatorRequest(by="ann", note="Temporal's disk died")


@pytest.fixture
async def books(new_database: Callable[[], str]) -> AsyncIterator[SqlDatabase]:
    async with funded_books(new_database()) as books:
        yield books


async def test_kimp_rebuilds_without_temporals_store(temporal_binary: Path, tmp_path: Path, books: SqlDatabase) -> None:
    first = DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port())
    await first.start()
    lab = fund(Lab(await connected(first), books=books))
    async with lab.workers():
        await complete(lab, coin=XRP, number=1)
        await two_under_way(lab, xrp=2)
    first._process.kill()
    for file in tmp_path.glob("temporal.db*"):
        file.unlink()
    all_clear(lab)

    async with DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port()) as second:
        lab.client = await connected(second)
        assert await numbers(books) == {XRP: (2, True), TRX: (1, True)}, "both coins stay closed until all is home"
        async with lab.workers():
            assert await lab.sweep() == SweepReport(adopted=(), taken_over=("TRX-1", "XRP-2"))
            for cycle_id in ("TRX-1", "XRP-2"):
                await brought_home(lab, books, cycle_id)
            await at_rest(books, "XRP-1", "XRP-2", "TRX-1")
            assert await lab.sweep() == SweepReport(adopted=(), taken_over=()), "nothing is left to find or explain"
            assert await numbers(books) == {XRP: (2, False), TRX: (1, False)}
            await complete(lab, coin=XRP, number=3)
            await complete(lab, coin=TRX, number=2)
    await equal(lab, books)
    assert len(lab.names) == len(set(lab.names)), "a name was given twice"


async def brought_home(lab: Lab, books: SqlDatabase, cycle_id: str) -> None:
    """A person sees it parked, and has it undone."""
    await lab.records.until(lambda r: r.cycle_id == cycle_id and r.status is CycleStatus.DEAD_LETTER)
    row = await books.read_model.cycle(cycle_id)
    assert row is not None
    assert row.reason == "Temporal does not know its workflow"
    handle: WorkflowHandle[Any, CycleResult] = lab.client.get_workflow_handle(
        f"cycle-{cycle_id}", result_type=CycleResult
    )
    await handle.execute_update(StrandedCycle.compensate, ANN)
    assert (await handle.result()).status is CycleStatus.COMPENSATED
