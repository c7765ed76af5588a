"""kimp as on several hosts: each process does one thing, and all meet at the servers only."""

import asyncio
import os
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from cluster.programs import WriteLine
from cluster.servers import Servers, open_servers
from fakes.places import a_paper_exchange_of_its_own

from kimp.adapters.sql.database import SqlDatabase
from kimp.bootstrap.parts import open_bus, open_database, open_venues
from kimp.bootstrap.stack import Stack
from kimp.cli import terminal, views
from kimp.cli.cycles_table import CyclesTable
from kimp.cli.run_stack import RunDisplay, at_rest, running
from kimp.config import Settings, load
from kimp.contracts.status import CycleStatus
from kimp.operations.audit import compare
from kimp.ports.read_model import CycleRow

WITHIN_S = 240
SETTLE_S = 180
MANY = 1_000
QUEUES = {"cycles": 2, "transfers": 2, "ops": 1}
"""Workers of each task queue."""
INITIATORS = 2
WATCH_EVERY_S = 0.5


async def show(folder: Path, cycles: int, write_line: WriteLine, *, once: bool) -> int:
    """Start all, wait for `cycles`, tell; then go on until cancelled, or with `once` stop and check the books.

    Returns the exit code: 0 when the cycles completed and, with `once`, the ledger equals the venues' balances.
    """
    begun = time.monotonic()
    async with AsyncExitStack() as stack:
        servers = await stack.enter_async_context(open_servers(folder, write_line))
        write_line(f"the servers are up after {time.monotonic() - begun:.0f} s")
        set_environment(folder, servers.for_kimp)
        kimp = await stack.enter_async_context(Stack(load(), write_line))
        await _start(kimp)
        write_line(
            f"kimp is up after {time.monotonic() - begun:.0f} s: {len(kimp.children)} processes, logs in {folder}"
        )
        books = await stack.enter_async_context(open_database(kimp.settings))
        screen = RunDisplay(kimp.settings, books, await stack.enter_async_context(open_bus(kimp.settings)))
        async with running(kimp.watch(), _watch(servers)):
            await screen.until(lambda rows: _done(rows) >= cycles, WITHIN_S)
            rows = await books.read_model.cycles(limit=MANY)
            took_s = time.monotonic() - begun
            write_line(f"{_done(rows)} of {len(rows)} cycles completed, {cycles} wanted, after {took_s:.0f} s")
            if _done(rows) < cycles:
                return 1
            if once:
                return await _conclude(kimp, books, screen, write_line)
            write_line(f"Ctrl-C ends everything. To look at it: {_how(kimp.settings, servers)}")
            await asyncio.Event().wait()
    return 0


def set_environment(folder: Path, servers: dict[str, str]) -> None:
    """Of this process, whose children inherit it; nothing of the user's own kimp is left in it."""
    for name in [name for name in os.environ if name.startswith(("KIMP_", "TEMPORAL_"))]:
        del os.environ[name]
    os.environ.update(
        servers
        | a_paper_exchange_of_its_own()
        | {
            "KIMP_LOCAL__DATA_DIR": str(folder / "kimp"),
            # A dozen servers and processes on a few cores are late with their quotes; that is not what is shown here.
            "KIMP_TRADING__MAX_QUOTE_AGE_MS": "10000",
            "KIMP_TRADING__START_WITHIN_MS": "10000",
        }
    )
    os.chdir(folder)  # no kimp.toml and no .env of anybody


async def _start(kimp: Stack) -> None:
    await kimp.start_paper()
    await kimp.start("feeder", "feeder")
    for queue, many in QUEUES.items():
        for number in range(1, many + 1):
            await kimp.start(f"worker-{queue}-{number}", "worker", "--queues", queue)
    for number in range(1, INITIATORS + 1):
        await kimp.start(f"initiator-{number}", "initiator")


async def _conclude(kimp: Stack, books: SqlDatabase, screen: RunDisplay, write_line: WriteLine) -> int:
    await kimp.stop_all("initiator")
    await screen.until(at_rest, SETTLE_S)
    rows = await books.read_model.cycles(limit=MANY)
    async with open_venues(kimp.settings) as venues:
        pairs = await compare(books.ledger, venues)
    terminal.console().print(CyclesTable(rows), views.balance_table(pairs))
    balanced = all(ours == theirs for ours, theirs in pairs.values())
    write_line("the ledger equals the venues' balances" if balanced else "the ledger is off")
    return 0 if balanced and at_rest(rows) else 1


async def _watch(servers: Servers) -> None:
    while True:
        servers.check()
        await asyncio.sleep(WATCH_EVERY_S)


def _done(rows: Sequence[CycleRow]) -> int:
    return sum(row.status is CycleStatus.COMPLETED for row in rows)


def _how(settings: Settings, servers: Servers) -> str:
    return (
        f"temporal --address {servers.temporal.address} --namespace kimp workflow list;"
        f" logs in {settings.local.data_dir}"
    )
