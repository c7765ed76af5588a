"""Records the histories that test_replay.py replays: `make histories`. One file per branch of the workflow.

The workflow id is part of the name, because a history does not contain it and client order ids are made from it.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fakes.funded import fund, funded_books
from fakes.lab import Lab
from replay.branches import BRANCHES, Branch, late_order, parked_for_long, sold_in_many_parts, stranded
from replay.pair_branches import pair_taken_over
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from kimp.adapters.embedded.process import free_port
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.devserver import DevServer
from kimp.adapters.temporal.devserver_binary import ensure_binary
from kimp.observability.logs import configure_logging

ROOT = Path(__file__).resolve().parents[2]
HISTORIES = Path(__file__).with_name("histories")
SWEPT = (stranded, late_order, pair_taken_over)
PAGED = (sold_in_many_parts, parked_for_long)
"""Their histories continue as new: on a server that calls one long at its fortieth event."""


async def record_all(folder: Path, wanted: set[str]) -> None:
    """Run every branch, or the wanted ones, on dev servers of their own and write their histories."""
    folder.mkdir(exist_ok=True)
    branches = [one for one in BRANCHES if not wanted or one.__name__ in wanted]
    await _record(folder, [one for one in branches if one not in PAGED])
    await _record(folder, [one for one in branches if one in PAGED], "limit.historyCount.suggestContinueAsNew=40")


async def _record(folder: Path, branches: Sequence[Branch], *dynamic: str) -> None:
    binary = await ensure_binary(print)
    with tempfile.TemporaryDirectory() as data:
        async with DevServer(
            binary.path, Path(data), port=free_port(), ui_port=free_port(), dynamic_config=dynamic
        ) as server:
            client = await Client.connect(
                server.address,
                namespace=server.namespace,
                data_converter=pydantic_data_converter,
                identity="make-histories",  # not the recording machine's name
            )
            for branch in branches:
                async with _books(Path(data) / f"{branch.__name__}.db", branch) as books:
                    lab = fund(Lab(client, books=books))
                    async with lab.workers():
                        handle = await branch(lab)
                        await handle.result()
                history = await handle.fetch_history()
                file = folder / f"{branch.__name__}__{handle.id}.json"
                file.write_text(history.to_json().replace(f"{ROOT}/", ""))  # stack traces name the checkout
                print(file.name, len(history.events), "events")  # noqa: T201 - a command speaks


@asynccontextmanager
async def _books(file: Path, branch: Branch) -> AsyncIterator[SqlDatabase | None]:
    """A database for the branches that a sweep takes part in."""
    if branch not in SWEPT:
        yield None
        return
    async with funded_books(f"sqlite+aiosqlite:///{file}") as books:
        yield books


if __name__ == "__main__":
    configure_logging("histories", level="error")
    asyncio.run(record_all(HISTORIES, set(sys.argv[1:])))
