"""Each of kimp's processes, put together and run until cancelled."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

from temporalio.worker import Worker

import feeder.service
from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.books import SqlBooks
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.parts import open_bus, open_database, open_stream, open_venues
from kimp.bootstrap.temporal import connect_temporal
from kimp.bootstrap.workers import allow_list, cycle_worker, ops_worker, transfer_worker
from kimp.config import Settings
from kimp.contracts.queues import TaskQueue
from kimp.domain.ledger import opening_entry
from kimp.domain.market import Venue
from kimp.ports.exchange import Exchange


async def run_workers(settings: Settings, queues: Sequence[TaskQueue]) -> None:
    """Serve the task queues until cancelled; then finish what is running, up to GRACE_S."""
    async with AsyncExitStack() as stack:
        client = await connect_temporal(settings)
        books = await stack.enter_async_context(open_database(settings))
        workers: list[Worker] = []
        if TaskQueue.OPS in queues:
            workers.append(ops_worker(client, books))
        if set(queues) - {TaskQueue.OPS}:
            venues = await stack.enter_async_context(open_venues(settings))
            bus = await stack.enter_async_context(open_bus(settings))
            if TaskQueue.CYCLES in queues:
                workers.append(cycle_worker(client, venues, bus, books))
            if TaskQueue.TRANSFERS in queues:
                workers.append(transfer_worker(client, venues, books, allow_list(settings)))
        for worker in workers:
            await stack.enter_async_context(worker)
        await asyncio.Event().wait()


async def open_ledger(venues: Mapping[Venue, Exchange], books: SqlBooks) -> None:
    """Book what the accounts hold before the first cycle ever; later calls change nothing."""
    for venue, exchange in venues.items():
        held = await exchange.balances()
        await books.ledger.book([opening_entry(venue, {a: b.free + b.locked for a, b in held.items()})])


async def run_feeder(settings: Settings) -> None:
    """Publish both venues' quotes and rules until cancelled."""
    streams = [open_stream(settings, venue) for venue in Venue]
    async with open_bus(settings) as bus, open_venues(settings) as venues:
        await feeder.service.run(streams, bus, venues, settings.trading.assets, SystemClock())


async def run_initiator(settings: Settings) -> None:
    """Start cycles until cancelled, with a worker for their first orders in the same process."""
    async with AsyncExitStack() as stack:
        client = await connect_temporal(settings)
        books = await stack.enter_async_context(open_database(settings))
        bus = await stack.enter_async_context(open_bus(settings))
        venues = await stack.enter_async_context(open_venues(settings))
        await open_ledger(venues, books)
        await stack.enter_async_context(cycle_worker(client, venues, bus, books))
        trading = settings.trading
        await Initiator(
            bus,
            TemporalCycleStarter(client),
            books.read_model,
            books.controls,
            SystemClock(),
            InitiatorSettings(
                coins=trading.assets,
                limits=trading.limits(),
                admission=trading.admission(),
                policy=settings.policy(),
                start_within_ms=trading.start_within_ms,
            ),
        ).run()
