"""Records the histories that test_replay.py replays: `make histories`. One file per branch of the workflow.

The workflow id is part of the name, because a history does not contain it and client order ids are made from it.
"""

import asyncio
import sys
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from fakes.lab import Lab
from temporalio.client import Client, WorkflowHandle
from temporalio.contrib.pydantic import pydantic_data_converter

from kimp.adapters.embedded.process import free_port
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.devserver_binary import ensure_binary
from kimp.contracts.cycle import CycleResult
from kimp.contracts.operators import OperatorRequest
from kimp.contracts.status import CycleStatus
from kimp.domain.errors import OutcomeUnknown, Rejected
from kimp.domain.market import Direction
from kimp.domain.money import decimal
from workflows.arbitrage_cycle import ArbitrageCycle

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = Path(__file__).with_name("histories")
Handle = WorkflowHandle[ArbitrageCycle, CycleResult]


async def completed_to_upbit(lab: Lab) -> Handle:
    return await lab.start(await lab.plan())


async def completed_to_binance(lab: Lab) -> Handle:
    lab.upbit.prices[next(iter(lab.upbit.prices))] = (decimal(3150), decimal(3151))
    return await lab.start(await lab.plan(Direction.TO_BINANCE))


async def rejected_by_the_venue(lab: Lab) -> Handle:
    lab.binance.faults["place_order"] = deque([Rejected("balance too small", venue="binance", code="-2010")])
    return await lab.start(await lab.plan())


async def answer_lost_then_found(lab: Lab) -> Handle:
    lab.binance.after["place_order"] = deque([OutcomeUnknown("timeout", venue="binance")])
    return await lab.start(await lab.plan())


async def parked_then_retried(lab: Lab) -> Handle:
    lab.binance.faults["withdraw"] = deque([Rejected("locked", venue="binance", code="-4005")])
    handle = await lab.start(await lab.plan())
    await lab.records.until(lambda record: record.status is CycleStatus.DEAD_LETTER)
    await handle.execute_update(ArbitrageCycle.retry, OperatorRequest(by="ann"))
    return handle


BRANCHES: tuple[Callable[[Lab], Awaitable[Handle]], ...] = (
    completed_to_upbit,
    completed_to_binance,
    rejected_by_the_venue,
    answer_lost_then_found,
    parked_then_retried,
)


async def record_all(folder: Path) -> None:
    """Run every branch on a dev server of its own and write its history."""
    folder.mkdir(exist_ok=True)
    binary = await ensure_binary(print)
    with tempfile.TemporaryDirectory() as data:
        async with DevServer(binary.path, Path(data), port=free_port(), ui_port=free_port()) as server:
            client = await Client.connect(
                server.address,
                namespace=server.namespace,
                data_converter=pydantic_data_converter,
                identity="make-histories",  # not the recording machine's name
            )
            for branch in BRANCHES:
                lab = Lab(client)
                async with lab.workers():
                    handle = await branch(lab)
                    await handle.result()
                history = await handle.fetch_history()
                file = folder / f"{branch.__name__}__{handle.id}.json"
                file.write_text(history.to_json().replace(f"{ROOT}/", ""))  # stack traces name the checkout
                print(file.name, len(history.events), "events")  # noqa: T201 - a command speaks


if __name__ == "__main__":
    asyncio.run(record_all(Path(sys.argv[1]) if len(sys.argv) > 1 else HISTORIES))
