"""The composition root: the only place that builds adapters and hands them to services and activities."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

import feeder.service
from activities.failures import VenueFailures
from activities.market import MarketActivities
from activities.orders import OrderActivities
from activities.records import RecordActivities
from activities.transfers import Allowed, TransferActivities
from initiator.service import Initiator, InitiatorSettings
from kimp.adapters.binance.stream import BinanceStream
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.adapters.sql.books import SqlBooks, open_books
from kimp.adapters.temporal.replaying import Replaying
from kimp.adapters.temporal.starter import TemporalCycleStarter
from kimp.adapters.upbit.stream import UpbitStream
from kimp.config import Settings
from kimp.contracts.queues import TaskQueue
from kimp.contracts.transfers import Address
from kimp.domain.errors import BadConfig
from kimp.domain.ledger import opening_entry
from kimp.domain.market import Venue
from kimp.domain.money import Asset
from kimp.ports.exchange import Exchange, TickStream
from workflows.arbitrage_cycle import ArbitrageCycle

NAMESPACE = "kimp"
WORKFLOW_PARTS = (
    "compensation",
    "control",
    "execution",
    "policies",
    "rebalancing",
    "steps",
    "story",
    "transfer",
)
PASSED_THROUGH = (
    "kimp.domain",
    "kimp.contracts",
    "kimp.ports",
    "activities",
    "msgspec",
    *(
        f"workflows.{part}"
        for part in ("compensation", "control", "execution", "policies", "rebalancing", "steps", "story", "transfer")
    ),
)
"""Modules that the workflow sandbox need not load anew for every cycle: pure, or import-light, and without state.

Loading the workflow's own parts anew would cost 6 ms between a decision and its first order; what the sandbox would
catch in them, a clock or randomness, tests/architecture forbids by reading them.
"""
GRACE_S = 20
"""Longer than any call to a venue: what was sent is answered before a worker stops; look-ups go on elsewhere."""


async def connect_temporal(settings: Settings) -> Client:
    """A client of the server that `TEMPORAL_ADDRESS` or a profile names, else of the local dev server.

    Raises BadConfig when nothing answers there.
    """
    config: dict[str, Any] = dict(ClientConfig.load_client_connect_config())
    config.setdefault("target_host", f"127.0.0.1:{settings.local.temporal_port}")
    config.setdefault("namespace", NAMESPACE)
    try:
        return await Client.connect(**config, data_converter=pydantic_data_converter)
    except (RuntimeError, RPCError) as error:
        raise BadConfig(
            f"no Temporal server answers at {config['target_host']}; start one with `kimp up`,"
            f" or name yours in TEMPORAL_ADDRESS ({str(error).splitlines()[0][:120]})"
        ) from None


def open_stream(settings: Settings, venue: Venue) -> TickStream:
    """The venue's public stream of book tops."""
    stream = UpbitStream if venue is Venue.UPBIT else BinanceStream
    return stream(settings.venue(venue), SystemClock())


def open_venue(settings: Settings, venue: Venue) -> Exchange:
    """REST access to one exchange. Imports ccxt, which takes seconds: only processes that call REST pay for it."""
    if venue is Venue.UPBIT:
        from kimp.adapters.upbit.rest import UpbitExchange  # noqa: PLC0415 - see above

        return UpbitExchange(settings.upbit, SystemClock())
    from kimp.adapters.binance.rest import BinanceExchange  # noqa: PLC0415 - see above

    return BinanceExchange(settings.binance, SystemClock())


@asynccontextmanager
async def open_venues(settings: Settings) -> AsyncIterator[Mapping[Venue, Exchange]]:
    """Both exchanges, closed at the end."""
    async with AsyncExitStack() as stack:
        venues: dict[Venue, Exchange] = {}
        for venue in Venue:
            venues[venue] = open_venue(settings, venue)
            stack.push_async_callback(venues[venue].close)
        yield venues


@asynccontextmanager
async def open_bus(settings: Settings) -> AsyncIterator[RedisTickBus]:
    bus = RedisTickBus(settings.bus_url)
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[SqlBooks]:
    books = await open_books(settings.sql_url)
    try:
        yield books
    finally:
        await books.close()


def allow_list(settings: Settings) -> Allowed:
    """Where each venue may send each coin, by configuration alone; `address` or `address:tag`."""
    allowed: dict[tuple[Venue, Asset], Address] = {}
    for venue in Venue:
        for coin, place in settings.venue(venue).withdraw_to.items():
            address, _, tag = place.partition(":")
            allowed[venue, Asset(coin)] = Address(
                network=settings.venue(venue).networks.get(coin, coin), address=address, tag=tag or None
            )
    return allowed


def sandbox() -> SandboxedWorkflowRunner:
    """What cycles run in; a replay in anything else would prove less."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))


def cycle_replay() -> Replaying:
    """Replays recorded cycles on this version's code."""
    return Replaying([ArbitrageCycle], sandbox())


def cycle_worker(client: Client, venues: Mapping[Venue, Exchange], bus: RedisTickBus, books: SqlBooks) -> Worker:
    """Workflow and orders. Also embedded in the initiator, where a cycle starts with no hop through the server."""
    clock = SystemClock()
    orders = OrderActivities(venues, books.journal, clock)
    market = MarketActivities(venues, bus, clock)
    return _worker(
        client,
        TaskQueue.CYCLES,
        [orders.execute_order, market.find_routes, market.find_ways_back, market.read_market],
        workflows=[ArbitrageCycle],
        workflow_runner=sandbox(),
        # A worker that died must not hold up a live cycle: its sticky tasks go back to everyone soon.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    )


def transfer_worker(client: Client, venues: Mapping[Venue, Exchange], books: SqlBooks, allowed: Allowed) -> Worker:
    transfers = TransferActivities(venues, books.journal, allowed, SystemClock())
    return _worker(
        client,
        TaskQueue.TRANSFERS,
        [transfers.prepare_transfer, transfers.withdraw, transfers.follow_withdrawal, transfers.follow_deposit],
    )


def ops_worker(client: Client, books: SqlBooks) -> Worker:
    return _worker(client, TaskQueue.OPS, [RecordActivities(books.read_model).record])


def _worker(client: Client, queue: TaskQueue, activities: Sequence[Callable[..., Any]], **options: Any) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        interceptors=[VenueFailures()],
        graceful_shutdown_timeout=timedelta(seconds=GRACE_S),
        **options,
    )


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
                policy=trading.policy(),
                start_within_ms=trading.start_within_ms,
            ),
        ).run()
