"""Temporal's store is gone, with cycles under way: kimp rebuilds from ledger, journal and venues."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from fakes.funded import at_rest, equal, fund, funded_books
from fakes.lab import TRX, XRP, Lab
from temporalio.client import Client

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.books import SqlBooks
from kimp.adapters.temporal.devserver import DevServer
from kimp.bootstrap.temporal import history_converter
from kimp.config import load
from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.contracts.sweep import SweepReport
from kimp.domain.errors import OutcomeUnknown
from kimp.domain.money import Asset
from workflows.stranded_cycle import StrandedCycle

ANN = OperatorRequest(by="ann", note="Temporal's disk died")


@pytest.fixture
async def books(new_database: Callable[[], str]) -> AsyncIterator[SqlBooks]:
    async with funded_books(new_database()) as books:
        yield books


async def connected(server: DevServer) -> Client:
    return await Client.connect(
        server.address, namespace=server.namespace, data_converter=history_converter(load())
    )


async def numbers(books: SqlBooks) -> dict[Asset, tuple[int, bool]]:
    """What an initiator knows of each coin: its last number, and whether that cycle is open."""
    return {coin: (state.last_number, state.open) for coin, state in (await books.read_model.coin_states()).items()}


def dear(lab: Lab) -> None:
    """TRX pays as well as XRP."""
    bid, ask = lab.upbit.prices[TRX]
    lab.upbit.prices[TRX] = (bid * 102 / 100, ask * 102 / 100)


async def under_way(lab: Lab) -> None:
    """One cycle done, one whose coins are on the way, one whose first order was executed and has no answer."""
    async with lab.workers():
        done = await (await lab.start(await lab.plan())).result()
        assert done.status is CycleStatus.COMPLETED
        lab.upbit.credit_after = 10**6
        await lab.start(await lab.plan(number=2))
        await lab.records.until(lambda r: r.cycle_id == "XRP-2" and any("W-1/out" in e.entry_id for e in r.entries))
        lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
        lab.binance.faults["find_order"] = deque(OutcomeUnknown("timeout", venue="binance") for _ in range(10**4))
        await lab.start(await lab.plan(coin=TRX))
        while lab.binance.sent[-1].coin != TRX:
            await asyncio.sleep(0.02)


async def test_kimp_rebuilds_without_temporals_store(
    temporal_binary: Path, tmp_path: Path, books: SqlBooks
) -> None:
    first = DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port())
    await first.start()
    lab = fund(Lab(await connected(first), books=books))
    dear(lab)
    await under_way(lab)
    first._process.kill()
    for file in tmp_path.glob("temporal.db*"):
        file.unlink()
    lab.upbit.credit_after = 0
    lab.binance.faults.clear()

    async with DevServer(temporal_binary, tmp_path, port=free_port(), ui_port=free_port()) as second:
        lab.client = await connected(second)
        assert await numbers(books) == {XRP: (2, True), TRX: (1, True)}, "both coins stay closed until they are at rest"
        async with lab.workers():
            assert (await lab.sweep()) == SweepReport(adopted=(), taken_over=("TRX-1", "XRP-2"))
            for cycle_id in ("TRX-1", "XRP-2"):
                stranded = lab.client.get_workflow_handle_for(StrandedCycle.run, f"cycle-{cycle_id}")
                await lab.records.until(
                    lambda r, cycle_id=cycle_id: r.cycle_id == cycle_id and r.status is CycleStatus.DEAD_LETTER  # type: ignore[misc]
                )
                row = await books.read_model.cycle(cycle_id)
                assert row is not None
                assert row.reason == "Temporal does not know its workflow"
                await stranded.execute_update(StrandedCycle.compensate, ANN)
                result: CycleResult = await stranded.result()
                assert result.status is CycleStatus.COMPENSATED
            await at_rest(books, "XRP-1", "XRP-2", "TRX-1")
            assert (await lab.sweep()) == SweepReport(adopted=(), taken_over=()), "nothing is left to find or to explain"
            assert await numbers(books) == {XRP: (2, False), TRX: (1, False)}
            for coin, number in ((XRP, 3), (TRX, 2)):
                assert (await (await lab.start(await lab.plan(coin=coin, number=number))).result()).status is (
                    CycleStatus.COMPLETED
                )
    await equal(lab, books)
    assert len(lab.names) == len(set(lab.names)), "a name was given twice"
