"""Workers, one kind per task queue."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import Worker, WorkerDeploymentConfig

from activities.failures import VenueFailures
from activities.market import MarketActivities
from activities.orders import OrderActivities
from activities.price_guard import PriceGuard
from activities.reconcile import ReconcileActivities
from activities.records import RecordActivities
from activities.sweep import SweepActivities
from activities.takeovers import TakeOverActivities
from activities.transfers import Allowed, TransferActivities
from kimp.adapters.clock import SystemClock
from kimp.adapters.redis.bus import RedisTickBus
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.deployment import DEPLOYMENT
from kimp.adapters.temporal.starter import TemporalCycleFates
from kimp.bootstrap.temporal import WORKFLOWS, sandbox
from kimp.config import DeploySettings, Settings
from kimp.contracts.queues import TaskQueue
from kimp.contracts.transfers import Address
from kimp.domain.errors import BadConfig
from kimp.domain.money import Asset
from kimp.domain.venues import PAIR, Venue
from kimp.observability.temporal import CycleContextInterceptor
from kimp.operations.settings import SettingsInForce
from kimp.ports.exchange import Exchange

POLLED_WITHIN = timedelta(seconds=2)
"""How soon an attempt whose workflow is gone learns it by a heartbeat, long before a sweep takes the cycle over."""
GRACE_S = 90
"""Longer than the longest attempt of an order: what was sent is answered and told before a worker stops. It seldom
takes that long, as look-ups and other pauses end at once and go on elsewhere (activities.pauses).
"""


def allow_list(settings: Settings) -> Allowed:
    """Where each venue may send each coin, by configuration alone; `address` or `address:tag`."""
    allowed: dict[tuple[Venue, Asset], Address] = {}
    for venue in PAIR:
        for coin, place in settings.venue(venue).withdraw_to.items():
            address, _, tag = place.partition(":")
            allowed[venue, Asset(coin)] = Address(
                network=settings.venue(venue).networks.get(coin, coin), address=address, tag=tag or None
            )
    return allowed


def require_allow_list(settings: Settings) -> None:
    """Raises BadConfig where nothing may be sent anywhere: such a worker takes transfers from those who can do them."""
    if not allow_list(settings):
        raise BadConfig(
            "a worker of the queue `transfers` needs upbit.withdraw_to and binance.withdraw_to: without addresses it"
            " would take transfers from other workers and send none. Set them, or start it with --queues cycles,ops;"
            " `kimp up` starts its own worker, with the paper exchange's addresses"
        )


def cycle_worker(
    settings: Settings,
    client: Client,
    venues: Mapping[Venue, Exchange],
    bus: RedisTickBus,
    books: SqlDatabase,
) -> Worker:
    """Workflow and orders. Also embedded in the initiator, where a cycle starts with no hop through the server."""
    clock = SystemClock()
    bounds = settings.trading.price_bounds()
    guard = PriceGuard(venues, books.controls, clock, bounds)
    orders = OrderActivities(venues, books.journal, books.controls, clock, guard)
    rules = SettingsInForce(settings, books.settings)
    market = MarketActivities(venues, bus, clock, bounds, rules)
    sweep = SweepActivities(venues, books.unfinished_cycles, TemporalCycleFates(client), rules, bounds)
    reconcile = ReconcileActivities(venues, books.ledger, books.unfinished_cycles, books.controls, clock, rules, bounds)
    return _worker(
        settings,
        client,
        TaskQueue.CYCLES,
        [
            orders.execute_order,
            orders.execute_pair,
            market.find_route,
            market.find_ways_back,
            market.read_market,
            sweep.adopt_late_orders,
            sweep.find_stranded,
            sweep.describe_stranded,
            reconcile.reconcile_balances,
        ],
        workflows=WORKFLOWS,
        workflow_runner=sandbox(),
        # A worker that died must not hold up a live cycle: its sticky tasks go back to everyone soon.
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=2),
    )


def transfer_worker(settings: Settings, client: Client, venues: Mapping[Venue, Exchange], books: SqlDatabase) -> Worker:
    transfers = TransferActivities(venues, books.journal, allow_list(settings), SystemClock())
    return _worker(
        settings,
        client,
        TaskQueue.TRANSFERS,
        [
            transfers.prepare_transfer,
            transfers.withdraw,
            transfers.give_up_withdrawal,
            transfers.follow_withdrawal,
            transfers.follow_deposit,
        ],
    )


def ops_worker(settings: Settings, client: Client, books: SqlDatabase) -> Worker:
    records, takeovers = RecordActivities(books.read_model), TakeOverActivities(books.unfinished_cycles)
    return _worker(settings, client, TaskQueue.OPS, [records.record, takeovers.read_journal])


def deployment(settings: DeploySettings) -> WorkerDeploymentConfig | None:
    """Which version a worker is of; None: of none.

    Pinned here and not at the workflows' own definitions: the server refuses a behaviour from a worker of no version.
    """
    if not settings.versioned:
        return None
    return WorkerDeploymentConfig(
        WorkerDeploymentVersion(DEPLOYMENT, settings.build),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.PINNED,
    )


def _worker(
    settings: Settings, client: Client, queue: TaskQueue, activities: Sequence[Callable[..., Any]], **options: Any
) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        activities=activities,
        interceptors=[CycleContextInterceptor(), VenueFailures()],
        graceful_shutdown_timeout=timedelta(seconds=GRACE_S),
        max_heartbeat_throttle_interval=POLLED_WITHIN,
        deployment_config=deployment(settings.deploy),
        **options,
    )
