"""From a decision to the first order that the venue accepts, beside a workflow that makes only that HTTP call."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

with workflow.unsafe.imports_passed_through():
    from bench.figures import Row, compare
    from initiator.plan import cycle_input
    from kimp.adapters.clock import SystemClock
    from kimp.adapters.embedded.process import LOOPBACK, ServerProcess, free_port
    from kimp.adapters.redis.bus import RedisTickBus
    from kimp.adapters.sql.database import SqlDatabase
    from kimp.adapters.sql.migrating import migrate_schema
    from kimp.adapters.telemetry.exports import start_exports
    from kimp.adapters.temporal.devserver import DevServer
    from kimp.adapters.temporal.devserver_binary import ensure_binary
    from kimp.adapters.temporal.starter import TemporalCycleStarter
    from kimp.bootstrap.parts import open_bus, open_database, open_venues
    from kimp.bootstrap.temporal import connect_temporal
    from kimp.bootstrap.workers import cycle_worker
    from kimp.config import Settings
    from kimp.contracts.cycle import CycleInput
    from kimp.contracts.orders import OrderIntent
    from kimp.domain.decision import plan_of
    from kimp.domain.market import Quote, Side
    from kimp.domain.money import USDT, Asset
    from kimp.domain.opportunity import Limits, Opportunity, evaluate
    from kimp.domain.own_prices import books_needed
    from kimp.domain.venues import PAIR, Direction, Venue
    from kimp.domain.view import MarketView
    from kimp.observability.logs import configure_logging
    from kimp.operations.opening_ledger import open_ledger
    from kimp.ports.exchange import Exchange, VenueOrder

ROUNDS = 60
BARE_QUEUE = "bench-bare"
COIN = Asset("XRP")
PATIENCE_S = 30


@dataclass
class Timed:
    """An exchange that notes when it accepted an order; everything else is passed on."""

    inner: Exchange
    accepted: asyncio.Queue[float] = field(default_factory=asyncio.Queue)
    at_hand: Mapping[Asset, Quote] | None = None
    """Prices that the price guard gets without asking the venue."""

    async def tops(self, coins: Sequence[Asset]) -> Mapping[Asset, Quote]:
        return await self.inner.tops(coins) if self.at_hand is None else self.at_hand

    async def place_order(self, intent: OrderIntent, *, send_by_ms: int) -> VenueOrder:
        order = await self.inner.place_order(intent, send_by_ms=send_by_ms)
        self.accepted.put_nowait(time.perf_counter())
        return order

    def __getattr__(self, name: str) -> object:
        return getattr(self.inner, name)


@dataclass
class BareOrder:
    """The baseline's only activity."""

    venue: Timed

    @activity.defn
    async def place(self, intent: OrderIntent) -> None:
        await self.venue.place_order(intent, send_by_ms=SystemClock().steady_ms() + PATIENCE_S * 1000)


@workflow.defn
class BareWorkflow:
    @workflow.run
    async def run(self, intent: OrderIntent) -> None:
        await workflow.execute_activity_method(BareOrder.place, intent, start_to_close_timeout=timedelta(seconds=30))


@dataclass
class World:
    """Real Temporal, database, Redis and paper exchange; workers in this process."""

    settings: Settings
    client: Client
    bare: Client
    """The baseline's: it traces nothing."""
    books: SqlDatabase
    bus: RedisTickBus
    venues: dict[Venue, Timed]

    @property
    def binance(self) -> Timed:
        return self.venues[Venue.BINANCE]

    async def cycle(self, number: int, coin: Asset = COIN) -> CycleInput:
        """A cycle at the quotes of this moment, whatever it would earn."""
        coins = (coin, USDT)
        quotes = [(await self.venues[v].inner.market(c)).quote for v in PAIR for c in coins if c != v.cash]
        now = SystemClock().now_ms()
        rules = [await self.venues[venue].inner.rules(coins) for venue in PAIR]
        view = MarketView.of((quote._replace(received_ms=now) for quote in quotes), rules)
        anything = Limits(Decimal(-1), Decimal(100_000), Decimal("0.005"), Decimal(1), 60_000)
        found = evaluate(view, coin, Direction.TO_UPBIT, coins, anything, now)
        if not isinstance(found, Opportunity):
            raise SystemExit(f"bench: no order can be made: {found}")
        return cycle_input(plan_of(found), number, self.settings.policy(), now, 600_000, "k7m2p")


@asynccontextmanager
async def open_world(settings: Settings) -> AsyncIterator[World]:
    """On servers and venues that run already. Once per process, as a process of kimp's does it."""
    configure_logging("bench", level="error")
    exports = start_exports(settings.observability, "bench")
    async with AsyncExitStack() as stack:
        stack.callback(exports.shutdown)
        client = await connect_temporal(settings)
        where = client.service_client.config.target_host
        bare = await Client.connect(where, namespace=client.namespace, data_converter=pydantic_data_converter)
        books = await stack.enter_async_context(open_database(settings))
        bus = await stack.enter_async_context(open_bus(settings))
        real = await stack.enter_async_context(open_venues(settings))
        await open_ledger(real, books.ledger)
        venues = {venue: Timed(exchange) for venue, exchange in real.items()}
        yield World(settings, client, bare, books, bus, venues)


@asynccontextmanager
async def own_world(folder: Path, redis_url: str) -> AsyncIterator[World]:
    upbit, binance, admin = (free_port() for _ in range(3))
    settings = Settings.model_validate(
        {
            "redis_url": redis_url,
            "local": {"data_dir": folder},
            # Cycles are ended from outside after their first order, so their cash stays reserved.
            "caps": {"open_cycles": 500, "cycles_per_minute": 600},
            "upbit": {"rest_url": f"http://{LOOPBACK}:{upbit}", "ws_url": f"ws://{LOOPBACK}:{upbit}/websocket/v1"},
            "binance": {"rest_url": f"http://{LOOPBACK}:{binance}", "ws_url": f"ws://{LOOPBACK}:{binance}"},
        }
    )
    unlimited = dict.fromkeys(
        (
            "upbit_market",
            "upbit_default",
            "upbit_order",
            "binance_weight_1m",
            "binance_orders_10s",
            "binance_sapi_ip_1m",
        ),
        10_000_000,
    ) | {"binance_sapi_uid_1m": 10_000_000_000}
    paper = {
        "upbit_port": upbit,
        "binance_port": binance,
        "admin_port": admin,
        "transfer_time_scale": 0,
        "limits": unlimited,
        "market": {"kind": "synthetic", "episode_every_s": 0},
    }
    environment = {**os.environ, **{f"KIMP_PAPER__{k.upper()}": json.dumps(v) for k, v in paper.items()}}
    exchange = ServerProcess("paper", [str(Path(sys.executable).with_name("kimp")), "paper"], folder, environment)
    async with AsyncExitStack() as stack:
        binary = await ensure_binary(lambda _: None)
        server = await stack.enter_async_context(DevServer(binary.path, folder, port=free_port(), ui_port=free_port()))
        await exchange.start(lambda: _answers(settings), timeout_s=30)
        stack.push_async_callback(exchange.stop)
        await migrate_schema(settings.sql_url)
        os.environ.update({"TEMPORAL_ADDRESS": server.address, "TEMPORAL_NAMESPACE": server.namespace})
        yield await stack.enter_async_context(open_world(settings))


async def _answers(settings: Settings) -> bool:
    async with open_venues(settings) as venues:
        try:
            await venues[Venue.UPBIT].market(COIN)
        except Exception:  # noqa: BLE001 - it is starting; the timeout tells if it never does
            return False
    return True


async def measure(world: World) -> list[Row]:
    """Both workers run all the time; the two starts alternate. Cycles are ended after their first order."""
    bare = Worker(
        world.bare, task_queue=BARE_QUEUE, workflows=[BareWorkflow], activities=[BareOrder(world.binance).place]
    )
    cycles = cycle_worker(world.settings, world.client, world.venues, world.bus, world.books)  # type: ignore[arg-type]
    ours: list[float] = []
    unguarded: list[float] = []
    theirs: list[float] = []
    async with bare, cycles:
        for number in range(1, 2 * ROUNDS, 2):
            cycle = await world.cycle(number)
            ours.append(await _kimp(world, cycle))
            theirs.append(await _bare(world, cycle))
            async with _prices_at_hand(world):
                unguarded.append(await _kimp(world, await world.cycle(number + 1)))
    return [
        compare("decision -> first order accepted, against a bare workflow", ours[5:], theirs[5:], "<= 1.2"),
        compare("the same, against one whose price guard has the venues' books at hand", ours[5:], unguarded[5:], "-"),
    ]


@asynccontextmanager
async def _prices_at_hand(world: World) -> AsyncIterator[None]:
    """What the price guard costs is what it waits for the venues, beside the journal's write."""
    for venue, coins in books_needed(PAIR, COIN).items():
        world.venues[venue].at_hand = await world.venues[venue].inner.tops(coins)
    yield
    for timed in world.venues.values():
        timed.at_hand = None


async def _kimp(world: World, cycle: CycleInput) -> float:
    begun = time.perf_counter()
    await TemporalCycleStarter(world.client).start(cycle)
    took = await asyncio.wait_for(world.binance.accepted.get(), PATIENCE_S) - begun
    await world.client.get_workflow_handle(f"cycle-{cycle.cycle_id}").terminate()
    return took


async def _bare(world: World, cycle: CycleInput) -> float:
    intent = OrderIntent(
        cycle_id=cycle.cycle_id,
        run_id="bare",
        client_order_id=f"bare-{cycle.cycle_id}",
        venue=Venue.BINANCE,
        coin=COIN,
        side=Side.BUY,
        quantity=cycle.buy_quantity,
        limit_price=cycle.buy_limit_price,
        krw_per_cash=cycle.krw_per_usdt,
        taker_fee=cycle.buy_instrument.taker_fee,
        expires_at_ms=cycle.expires_at_ms,
    )
    begun = time.perf_counter()
    handle = await world.bare.start_workflow(
        BareWorkflow.run, intent, id=f"bare-{cycle.cycle_id}", task_queue=BARE_QUEUE, request_eager_start=True
    )
    took = await asyncio.wait_for(world.binance.accepted.get(), PATIENCE_S) - begun
    await handle.result()
    return took
