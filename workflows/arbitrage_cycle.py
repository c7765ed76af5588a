"""The cycle: take the profit with one coin, bring the cash home with another, book the result."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError, ApplicationError

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult
    from kimp.contracts.orders import OrderOutcome
    from kimp.contracts.status import CycleStatus
    from kimp.domain.ids import Leg
    from kimp.domain.market import Direction, Side
    from kimp.domain.money import Asset, Money
    from kimp.domain.sizing import cash_of

from workflows.execution import Execution, Place
from workflows.rebalancing import await_route
from workflows.steps import StepFailed, why
from workflows.story import CycleStory
from workflows.transfer import Transfer

R = TypeVar("R")


@workflow.defn(name=ARBITRAGE_CYCLE)
class ArbitrageCycle:
    """One arbitrage cycle, from the opportunity to the booked profit. Its workflow id is the coin's lock."""

    @workflow.init
    def __init__(self, cycle: CycleInput) -> None:
        self._cycle = cycle
        self._story = CycleStory(cycle)
        self._retry = False

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:
        opening = Execution(
            self._story, Place(Leg.ONE, cycle.direction, cycle.coin, Side.BUY), cycle.expected.spent.amount
        )
        refusal = await self._step("leg one's buy", lambda: self._open(opening))
        if refusal is not None:
            return await self._story.end(CycleStatus.REJECTED, refusal)
        self._story.spent = cash_of(cycle.direction.source, opening.cash)

        taken = await self._move_and_sell(Leg.ONE, cycle.coin, cycle.direction, opening.coins)
        self._story.advance(CycleStatus.INITIAL_TRADE_COMPLETED)

        self._story.advance(CycleStatus.AWAITING_REBALANCE)
        route = await self._step("choosing the way home", lambda: await_route(self._story, taken))
        self._story.route = route.coin
        self._story.advance(CycleStatus.REBALANCING_IN_PROGRESS)
        coins = await self._buy_for_home(route.coin, taken)
        self._story.returned = await self._move_and_sell(Leg.HOME, route.coin, cycle.direction.opposite, coins)
        self._story.advance(CycleStatus.REBALANCE_TRADE_COMPLETED)
        return await self._story.end(CycleStatus.COMPLETED)

    async def _open(self, opening: Execution) -> str | None:
        """Leg one's buy as the initiator sized it: one order, no second try. Why it came to nothing, or None."""
        cycle = self._cycle
        report = await opening.order(cycle.buy_quantity, cycle.buy_limit_price, cycle.expires_at_ms)
        if report.outcome is OrderOutcome.FILLED:
            return None
        return f"{report.outcome}; {report.reason}" if report.reason else f"{report.outcome}; the price was gone"

    async def _buy_for_home(self, coin: Asset, cash: Money) -> Decimal:
        """Coins to send home: the cash itself where the coin is the venue's cash (USDT on Binance)."""
        if coin == cash.asset:
            return cash.amount
        direction = self._cycle.direction.opposite
        buy = Execution(self._story, Place(Leg.HOME, direction, coin, Side.BUY), cash.amount)
        await self._step(f"buying {coin} for the way home", buy.run)
        return buy.coins

    async def _move_and_sell(self, leg: Leg, coin: Asset, direction: Direction, coins: Decimal) -> Money:
        """Send the coins over and sell what arrives; cash at the destination."""
        transfer = Transfer(self._story, leg, coin, direction, coins)
        arrived = await self._step(f"moving {coin}", transfer.run)
        if coin == direction.destination.cash:
            return cash_of(direction.destination, arrived)
        sale = Execution(self._story, Place(leg, direction, coin, Side.SELL), arrived)
        await self._step(f"selling {coin}", sale.run)
        return cash_of(direction.destination, sale.cash)

    async def _step(self, name: str, action: Callable[[], Awaitable[R]]) -> R:
        """Run a step; if it fails for good, park until an operator has it retried. Nothing is given up."""
        while True:
            try:
                return await action()
            except (ActivityError, StepFailed, asyncio.CancelledError) as failure:
                await self._park(f"{name}; {why(failure) or type(failure).__name__}")

    async def _park(self, reason: str) -> None:
        """Keep the workflow open and visible. A cancellation is taken for "stop": it parks too, it loses nothing."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        before = self._story.status
        self._retry = False
        await self._story.park(reason)
        await workflow.wait_condition(lambda: self._retry, timeout_summary="an operator decides")
        await self._story.resume(before)

    @workflow.update
    async def retry(self) -> CycleStatus:
        """Operator: try the failed step again, from where it stopped."""
        self._retry = True
        await workflow.wait_condition(lambda: self._story.status is not CycleStatus.DEAD_LETTER)
        return self._story.status

    @retry.validator
    def _only_when_parked(self) -> None:
        if self._story.status is not CycleStatus.DEAD_LETTER:
            raise ApplicationError(
                f"cycle {self._cycle.cycle_id} is {self._story.status}, not parked", type="NotParked"
            )
