"""A cycle's whole world in memory but for Temporal: two venues, the real activities, the real workflow."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from itertools import count, groupby
from typing import Any
from uuid import uuid4

from fakes.caps import WIDE, FixedRules
from fakes.journal import MemoryJournal, RecordKeeper
from fakes.venue import FakeVenue
from temporalio.client import Client, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.worker import Worker, WorkerDeploymentConfig
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.failures import VenueFailures
from activities.market import MarketActivities
from activities.orders import OrderActivities
from activities.price_guard import PriceGuard
from activities.reconcile import ReconcileActivities
from activities.records import RecordActivities
from activities.sweep import SweepActivities
from activities.takeovers import TakeOverActivities
from activities.transfers import TransferActivities
from initiator.plan import cycle_input
from kimp.adapters.clock import SystemClock
from kimp.adapters.sql.database import SqlDatabase
from kimp.adapters.temporal.starter import TemporalCycleFates
from kimp.bootstrap.temporal import PASSED_THROUGH, WORKFLOWS
from kimp.contracts.cycle import CycleInput, CyclePolicy, CycleResult
from kimp.contracts.operators import CycleState, OperatorRequest
from kimp.contracts.queues import TaskQueue
from kimp.contracts.sweep import SweepReport
from kimp.contracts.transfers import Address
from kimp.domain.decision import plan_of
from kimp.domain.ids import workflow_id
from kimp.domain.market import Quote, Side, VenueRules
from kimp.domain.money import USDT, Asset
from kimp.domain.opportunity import Limits, Mode, Opportunity, evaluate
from kimp.domain.own_prices import PriceBounds
from kimp.domain.venues import Direction, Venue
from kimp.domain.view import MarketView
from kimp.observability.temporal import CycleContextInterceptor
from workflows.arbitrage_cycle import ArbitrageCycle
from workflows.stranded_cycle import StrandedCycle
from workflows.sweep import Sweep

UNUSED_NUMBERS = count(1_000, 1_000)
"""Of a cycle each, on a server that all tests of this process share; an initiator may begin a second one after it."""
BOUNDS = PriceBounds(Decimal("0.01"), Decimal(500), Decimal(5_000))
Handle = WorkflowHandle[ArbitrageCycle, CycleResult]
XRP, TRX = Asset("XRP"), Asset("TRX")
COINS = (XRP, TRX, USDT)
LIMITS = Limits(
    threshold=Decimal("0.001"),
    notional_krw=Decimal(1_000_000),
    slippage=Decimal("0.002"),
    premium_band=Decimal("0.2"),
    max_quote_age_ms=60_000,
)

POLICY = CyclePolicy(
    slippage=LIMITS.slippage,
    route_coins=COINS,
    rebalance_floor=Decimal(0),
    rebalance_loss_limit=Decimal("-0.02"),
    compensation_loss_limit=Decimal("-0.05"),
    rebalance_deadline_s=6 * 3600,
    rebalance_poll_s=1,
    max_quote_age_ms=LIMITS.max_quote_age_ms,
    caps=WIDE,
)


def upbit() -> FakeVenue:
    """XRP stands 1 % dear here, TRX even."""
    prices = {
        XRP: (Decimal(3240), Decimal(3241)),
        TRX: (Decimal(420), Decimal("420.1")),
        USDT: (Decimal(1400), Decimal(1401)),
    }
    return FakeVenue(Venue.UPBIT, prices, fee=Decimal("0.0005"))


def binance() -> FakeVenue:
    prices = {XRP: (Decimal("2.2900"), Decimal("2.2901")), TRX: (Decimal("0.3"), Decimal("0.3001"))}
    return FakeVenue(Venue.BINANCE, prices)


@dataclass
class Lab:
    """One client, the fakes, and what a test wants to look at afterwards."""

    client: Client
    upbit: FakeVenue = field(default_factory=upbit)
    """The venue in won."""
    binance: FakeVenue = field(default_factory=binance)
    books: SqlDatabase | None = None
    """A real database in the place of `journal`; `records` sees what it is told."""
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    records: RecordKeeper = field(default_factory=RecordKeeper)
    quotes_flow: bool = True
    bus_faults: deque[Exception] = field(default_factory=deque)
    """Raised by the next looks at the quotes."""
    installation: str = ""
    """What the names of orders end with."""
    hurry: bool = False
    """Ask waiting cycles to look again at once."""
    give_up_at_once: bool = False
    """The clock of transfers runs far ahead once a withdrawal was asked for: a look-up that finds nothing is over."""
    deployment: WorkerDeploymentConfig | None = None
    """The version that the workers are of."""
    workflows: Sequence[type] = WORKFLOWS
    grace_s: int = 0

    @property
    def venues(self) -> dict[Venue, FakeVenue]:
        return {one.venue: one for one in (self.upbit, self.binance)}

    # The part of TickBus that the activities read.
    async def latest(self, coins: Sequence[Asset]) -> list[Quote]:
        now = SystemClock().now_ms()
        if self.bus_faults:
            raise self.bus_faults.popleft()
        if not self.quotes_flow:
            return []
        return [
            (await venue.market(coin)).quote._replace(received_ms=now)
            for venue in self.venues.values()
            for coin in coins
            if coin in venue.prices
        ]

    async def usual_premiums(self) -> Mapping[Asset, Decimal]:
        return {}

    async def latest_rules(self) -> list[VenueRules]:
        return [await venue.rules(COINS) for venue in self.venues.values()]

    @asynccontextmanager
    async def workers(self) -> AsyncIterator[None]:
        clock = SystemClock()
        journal = self.books.journal if self.books else self.journal
        if self.books:
            self.records.model = self.books.read_model
        controls = self.books.controls if self.books else self.journal
        orders = OrderActivities(
            self.venues, journal, controls, clock, PriceGuard(self.venues, controls, clock, BOUNDS)
        )
        market = MarketActivities(self.venues, self, clock, BOUNDS, FixedRules(POLICY))  # type: ignore[arg-type]  # only what it reads is here
        transfers = TransferActivities(self.venues, journal, self._allowed(), _Impatient(self), polls=2)
        records = RecordActivities(self.records)  # type: ignore[arg-type]  # only `record` is called
        ops_activities: list[Callable[..., Any]] = [records.record]
        cycle_activities: list[Callable[..., Any]] = [
            orders.execute_order,
            orders.execute_pair,
            market.find_route,
            market.find_ways_back,
            market.read_market,
        ]
        if self.books:
            fates = TemporalCycleFates(self.client)
            sweep = SweepActivities(self.venues, self.books.unfinished_cycles, fates, FixedRules(POLICY), BOUNDS)
            reconcile = ReconcileActivities(
                self.venues,
                self.books.ledger,
                self.books.unfinished_cycles,
                self.books.controls,
                clock,
                FixedRules(POLICY),
                BOUNDS,
            )
            cycle_activities += [
                sweep.adopt_late_orders,
                sweep.find_stranded,
                sweep.describe_stranded,
                reconcile.reconcile_balances,
            ]
            ops_activities.append(TakeOverActivities(self.books.unfinished_cycles).read_journal)
        transfer_activities: list[Callable[..., Any]] = [
            transfers.prepare_transfer,
            transfers.withdraw,
            transfers.give_up_withdrawal,
            transfers.follow_withdrawal,
            transfers.follow_deposit,
        ]
        async with (
            self._worker(TaskQueue.CYCLES, cycle_activities, self.workflows),
            self._worker(TaskQueue.TRANSFERS, transfer_activities),
            self._worker(TaskQueue.OPS, ops_activities),
        ):
            yield

    def _allowed(self) -> dict[tuple[Venue, Asset], Address]:
        return {(name, coin): venue.place_there(coin) for name, venue in self.venues.items() for coin in COINS}

    def _worker(
        self, queue: TaskQueue, activities: Sequence[Callable[..., Any]], workflows: Sequence[type] = ()
    ) -> Worker:
        restrictions = SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH)
        return Worker(
            self.client,
            task_queue=queue,
            activities=activities,
            workflows=workflows,
            workflow_runner=SandboxedWorkflowRunner(restrictions=restrictions),
            interceptors=[CycleContextInterceptor(), VenueFailures()],
            deployment_config=self.deployment,
            graceful_shutdown_timeout=timedelta(seconds=self.grace_s),
        )

    async def plan(
        self,
        direction: Direction = Direction.TO_UPBIT,
        expires_in_ms: int = 60_000,
        *,
        coin: Asset = XRP,
        number: int = 1,
        mode: Mode = Mode.TRANSFER,
    ) -> CycleInput:
        """What the initiator would start at these prices."""
        view = MarketView.of(await self.latest(COINS), await self.latest_rules())
        found = evaluate(view, coin, direction, COINS, replace(LIMITS, mode=mode), SystemClock().now_ms())
        assert isinstance(found, Opportunity), found
        now_ms = SystemClock().now_ms()
        return cycle_input(plan_of(found), number, POLICY, now_ms, expires_in_ms, self.installation)

    async def start(self, cycle: CycleInput) -> Handle:
        return await self.client.start_workflow(
            ArbitrageCycle.run, cycle, id=workflow_id(cycle.cycle_id), task_queue=TaskQueue.CYCLES
        )

    async def complete(self, cycle: CycleInput | None = None) -> CycleResult:
        """Run a whole cycle with workers of its own."""
        async with self.workers():
            handle = await self.start(cycle or await self.plan())
            if not self.hurry:
                return await handle.result()
            async with hurrying(handle):
                return await handle.result()

    async def sweep(self) -> SweepReport:
        """What the schedule starts every minute; needs `books`."""
        return await self.client.execute_workflow(Sweep.run, id=f"sweep-{uuid4()}", task_queue=TaskQueue.CYCLES)

    def taken_over(self) -> WorkflowHandle[StrandedCycle, CycleResult]:
        """The first cycle, after a sweep has given it a workflow again."""
        return self.client.get_workflow_handle_for(StrandedCycle.run, workflow_id("XRP-1"))

    @property
    def names(self) -> list[str]:
        """Every client order id and transfer id that reached a venue, in that order per venue."""
        orders = [intent.client_order_id for venue in self.venues.values() for intent in venue.sent]
        return orders + [name.removeprefix("w-") for venue in self.venues.values() for name in venue.withdrawals]

    async def seen(self, handle: Handle, what: Callable[[CycleState], bool]) -> CycleState:
        """The cycle's state as soon as `what` accepts it; the test's own timeout bounds the wait."""
        while True:
            state = await handle.query(ArbitrageCycle.state)
            if what(state):
                return state
            await asyncio.sleep(0.02)


def traded(venue: FakeVenue) -> list[tuple[Side, Asset]]:
    """What was bought and sold, in that order; orders in a row of the same kind count once."""
    return [key for key, _ in groupby((intent.side, intent.coin) for intent in venue.sent)]


@asynccontextmanager
async def hurrying(handle: Handle) -> AsyncIterator[None]:
    """An impatient operator: whenever the cycle waits, it is asked to look again. Parked, it is left alone."""
    task = asyncio.create_task(_wake(handle))
    try:
        yield
    finally:
        task.cancel()


async def _wake(handle: Handle) -> None:
    while True:
        if (await handle.query(ArbitrageCycle.state)).waiting_reason is not None:
            with suppress(WorkflowUpdateFailedError):
                await handle.execute_update(ArbitrageCycle.retry, OperatorRequest(by="hurry"))
        await asyncio.sleep(0.1)


class _Impatient(SystemClock):
    """While the lab gives up at once, each look at the clock is ten minutes later than the one before."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._ahead_ms = 0

    def now_ms(self) -> int:
        if self._lab.give_up_at_once and any(venue.asked_to_withdraw for venue in self._lab.venues.values()):
            self._ahead_ms += 600_000
        elif not self._lab.give_up_at_once:
            self._ahead_ms = 0
        return super().now_ms() + self._ahead_ms

    def steady_ms(self) -> int:
        return self.now_ms()
