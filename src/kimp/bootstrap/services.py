"""Each of kimp's processes, put together and run until cancelled."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker

from feeder.service import Feeder
from initiator.observing import ObservingStarter
from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.clock import SystemClock
from kimp.adapters.processes import identity
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.telemetry.health_server import CHECK_S, ReadinessCheck
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.bootstrap.listed import ListedFeeder
from kimp.bootstrap.observing import monitored, observed
from kimp.bootstrap.parts import (
    open_bus,
    open_database,
    open_stream,
    open_trusted_venues,
    require_admission,
    shared_pauses,
)
from kimp.bootstrap.temporal import claim_namespace, connect_prepared
from kimp.bootstrap.watching import all_listed
from kimp.bootstrap.workers import cycle_worker, ops_worker, require_allow_list, transfer_worker
from kimp.config import Settings
from kimp.config.run_time import InForce
from kimp.contracts.queues import TaskQueue
from kimp.domain.arming import TradingMode
from kimp.domain.errors import BadConfig
from kimp.domain.keys import Right
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR
from kimp.operations.opening_ledger import open_ledger
from kimp.operations.presence import STARTS_CYCLES, present
from kimp.operations.settings import SettingsInForce

NEEDS = {TaskQueue.CYCLES: Right.TRADE, TaskQueue.TRANSFERS: Right.WITHDRAW}
"""The right at the venues that a queue's activities need."""


async def run_workers(settings: Settings, queues: Sequence[TaskQueue]) -> None:
    """Serve the task queues until cancelled; then finish what is running, up to GRACE_S.

    Raises BadConfig for a queue whose tasks this process would only spoil.
    """
    if settings.mode is TradingMode.OBSERVE:
        raise BadConfig("mode is observe, in which nothing is sent: a worker has nothing to do; start `kimp initiator`")
    if TaskQueue.TRANSFERS in queues:
        require_allow_list(settings)
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(observed(settings, "worker"))
        client = await connect_prepared(settings, watched.runtime)
        books = await stack.enter_async_context(open_database(settings))
        await claim_namespace(client, books)
        workers: list[Worker] = []
        watched.checks |= _servers(client, books) | {"workers": lambda: _polling(workers)}
        if TaskQueue.OPS in queues:
            workers.append(ops_worker(settings, client, books))
            if watched.measured:
                await stack.enter_async_context(monitored(books, settings))
        if rights := [right for queue, right in NEEDS.items() if queue in queues]:
            bus = await stack.enter_async_context(open_bus(settings)) if TaskQueue.CYCLES in queues else None
            if bus is not None:
                await require_admission(bus.check_reading)
                await stack.enter_async_context(shared_pauses(settings, bus))
                watched.checks["redis"] = bus.check_reading
            venues = await stack.enter_async_context(open_trusted_venues(settings, rights))
            if bus is not None:
                workers.append(cycle_worker(settings, client, venues[Right.TRADE], bus, books))
            if TaskQueue.TRANSFERS in queues:
                workers.append(transfer_worker(settings, client, venues[Right.WITHDRAW], books))
        for worker in workers:
            await stack.enter_async_context(worker)
        work = [queue.name.lower() for queue in queues]
        await stack.enter_async_context(present(books.presence, identity(), work))
        await asyncio.Event().wait()


async def run_feeder(settings: Settings) -> None:
    """Publish both venues' quotes and rules until cancelled."""
    streams = [open_stream(settings, venue) for venue in PAIR]
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(observed(settings, "feeder"))
        bus = await stack.enter_async_context(open_bus(settings))
        await require_admission(bus.check_publishing)
        await stack.enter_async_context(shared_pauses(settings, bus))
        venues = await stack.enter_async_context(open_trusted_venues(settings, [Right.READ]))

        def make(coins: Sequence[Asset]) -> Feeder:
            return Feeder(streams, bus, venues[Right.READ], coins, SystemClock())

        if settings.trading.follow_all:
            feeder: Feeder | ListedFeeder = await stack.enter_async_context(all_listed(settings, make))
        else:
            feeder = make(settings.trading.assets)
        watched.checks |= {"redis": bus.check_publishing, "streams": feeder.stale}
        await feeder.run()


async def run_initiator(settings: Settings) -> None:
    """Start cycles until cancelled, with a worker for their first orders in the same process."""
    async with AsyncExitStack() as stack:
        watched = await stack.enter_async_context(observed(settings, "initiator"))
        client = await connect_prepared(settings, watched.runtime)
        books = await stack.enter_async_context(open_database(settings))
        await claim_namespace(client, books)
        bus = await stack.enter_async_context(open_bus(settings))
        await require_admission(bus.check_listening)
        await stack.enter_async_context(shared_pauses(settings, bus))
        observes = settings.mode is TradingMode.OBSERVE
        right = Right.READ if observes else Right.TRADE
        venues = (await stack.enter_async_context(open_trusted_venues(settings, [right])))[right]
        await open_ledger(venues, books.ledger)
        workers = [] if observes else [cycle_worker(settings, client, venues, bus, books)]
        for worker in workers:
            await stack.enter_async_context(worker)
        rules = SettingsInForce(settings, books.settings)
        installation = await books.installation.id()

        async def latest() -> InitiatorSettings:
            return initiator_settings(await rules.read(), installation)

        initiator = Initiator(
            bus,
            ObservingStarter() if observes else TemporalCycleStarter(client),
            books.read_model,
            books.controls,
            books.capital,
            SystemClock(),
            await latest(),
            latest,
        )
        watched.checks |= _servers(client, books) | {"redis": bus.check_listening, "quotes": initiator.stale}
        if workers:
            watched.checks["workers"] = lambda: _polling(workers)
        work = [STARTS_CYCLES, *(TaskQueue.CYCLES.name.lower() for _ in workers)]
        await stack.enter_async_context(present(books.presence, identity(), work))
        await initiator.run()


def initiator_settings(now: InForce, installation: str) -> InitiatorSettings:
    """What the initiator obeys of the settings in force."""
    trading = now.settings.trading
    return InitiatorSettings(
        pair=PAIR,
        coins=trading.assets,
        rules=now.settings.rules(),
        policy=now.policy(),
        start_within_ms=trading.start_within_ms,
        installation=installation,
    )


def _servers(client: Client, books: SqlDatabase) -> dict[str, ReadinessCheck]:
    async def temporal() -> str | None:
        serves = await client.service_client.check_health(timeout=timedelta(seconds=CHECK_S))
        return None if serves else "does not serve"

    return {"temporal": temporal, "database": books.ping}


async def _polling(workers: Sequence[Worker]) -> str | None:
    return None if workers and all(worker.is_running for worker in workers) else "not polling"
