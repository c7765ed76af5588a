"""The cycle: take the profit with one coin, bring the cash home with another, book the result; or undo it all."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult
    from kimp.contracts.operators import CycleState, Decision, OperatorRequest, WriteOff
    from kimp.contracts.orders import OrderOutcome
    from kimp.contracts.status import CycleStatus
    from kimp.domain.compensation import positions
    from kimp.domain.ids import Leg
    from kimp.domain.market import Direction, Side
    from kimp.domain.money import ZERO, Asset, Money
    from kimp.domain.sizing import cash_of

from workflows.compensation import Compensation
from workflows.control import Control, Stopped
from workflows.execution import Execution, Place
from workflows.rebalancing import await_route
from workflows.steps import NeedsPerson, StepFailed
from workflows.story import CycleStory
from workflows.transfer import Transfer

R = TypeVar("R")


@workflow.defn(name=ARBITRAGE_CYCLE)
class ArbitrageCycle:
    """One arbitrage cycle, from the opportunity to the booked profit. Its workflow id is the coin's lock."""

    @workflow.init
    def __init__(self, cycle: CycleInput) -> None:
        self._cycle = cycle
        self._control = Control()
        self._story = CycleStory(cycle, self._control)
        self._transfers: list[Transfer] = []

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:  # noqa: ARG002 - the SDK hands it to both
        """A cancellation stops nothing half way: `Control` tells the next safe point, which undoes the cycle."""
        life = asyncio.create_task(self._live())
        while not life.done():
            try:
                await asyncio.shield(life)
            except asyncio.CancelledError:
                _go_on()
        result = life.result()
        await workflow.wait_condition(workflow.all_handlers_finished)
        return result

    async def _live(self) -> CycleResult:
        try:
            return await self._earn()
        except (StepFailed, Stopped) as failure:
            return await self._undo(str(failure))

    async def _earn(self) -> CycleResult:
        cycle = self._cycle
        opening = Execution(
            self._story, Place(Leg.ONE, cycle.direction.source, cycle.coin, Side.BUY), cycle.expected.spent.amount
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

    async def _undo(self, reason: str) -> CycleResult:
        """From whatever is held back to cash at home. What was never begun is only rejected."""
        self._control.undoing = True
        if not self._story.held:
            return await self._story.end(CycleStatus.REJECTED, reason)
        await self._story.undo(reason)
        compensation = Compensation(self._story, self._transfers)
        await self._step("undoing", compensation.run)
        return await self._story.end(CycleStatus.COMPENSATED, reason)

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
        buy = Execution(self._story, Place(Leg.HOME, self._cycle.direction.destination, coin, Side.BUY), cash.amount)
        await self._step(f"buying {coin} for the way home", buy.run)
        return buy.coins

    async def _move_and_sell(self, leg: Leg, coin: Asset, direction: Direction, coins: Decimal) -> Money:
        """Send the coins over and sell what arrives; cash at the destination."""
        transfer = Transfer(self._story, leg, coin, direction, coins)
        self._transfers.append(transfer)
        arrived = await self._step(f"moving {coin}", transfer.run)
        if coin == direction.destination.cash:
            return cash_of(direction.destination, arrived)
        sale = Execution(self._story, Place(leg, direction.destination, coin, Side.SELL), arrived)
        if not await self._step(f"selling {coin}", sale.run):
            raise StepFailed(f"{arrived:f} {coin} are too few to sell on {direction.destination}")
        return cash_of(direction.destination, sale.cash)

    async def _step(self, name: str, action: Callable[[], Awaitable[R]]) -> R:
        """Run a step. What only a person can mend parks the cycle, and so does an undoing that fails."""
        while True:
            try:
                return await action()
            except NeedsPerson as doubt:
                await self._park(f"{name}; {doubt}")
            except StepFailed as failure:
                if not self._control.undoing:
                    raise StepFailed(f"{name}; {failure}") from failure
                await self._park(f"{name}; {failure}")

    async def _park(self, reason: str) -> None:
        """Open and visible until a person decides. Raises Stopped if the cycle is to be undone."""
        before = self._story.status
        undoing_because = self._story.reason
        await self._story.park(reason)
        decision = await self._control.decision()
        await self._story.resume(before, undoing_because)
        if decision is Decision.COMPENSATE and not self._control.undoing:
            raise Stopped(reason)

    @workflow.query
    def state(self) -> CycleState:
        """Where the cycle stands and what it holds."""
        story = self._story
        return CycleState(
            status=story.status,
            waiting_reason=story.waiting_reason,
            reason=story.reason,
            held=tuple(str(position) for position in positions(story.held, self._cycle.direction.source)),
        )

    @workflow.update
    async def retry(self, request: OperatorRequest) -> CycleStatus:
        """Try the parked step again, or look at once for what the cycle waits for."""
        self._hear("retry", request)
        self._control.nudge()
        return await self._decide(Decision.RETRY)

    @retry.validator
    def _parked_or_waiting(self, request: OperatorRequest) -> None:
        del request
        if self._story.status is not CycleStatus.DEAD_LETTER and self._story.waiting_reason is None:
            raise _refusal(f"cycle {self._cycle.cycle_id} is {self._story.status}, neither parked nor waiting")

    @workflow.update
    async def compensate(self, request: OperatorRequest) -> CycleStatus:
        """Undo the parked cycle. An outcome that is unknown is taken for "it never happened": look before you ask."""
        self._hear("compensate", request)
        return await self._decide(Decision.COMPENSATE)

    @compensate.validator
    def _parked(self, request: OperatorRequest) -> None:
        del request
        if self._story.status is not CycleStatus.DEAD_LETTER:
            raise _refusal(f"cycle {self._cycle.cycle_id} is {self._story.status}, not parked")

    @workflow.update
    async def write_off(self, request: WriteOff) -> CycleStatus:
        """Take out of the books what is lost or was settled by hand; the rest of the cycle is undone."""
        self._hear(f"write off {request.amount:f} {request.asset} of {request.account}", request)
        await self._story.write_off(request)
        return await self._decide(Decision.COMPENSATE)

    @write_off.validator
    def _held_and_parked(self, request: WriteOff) -> None:
        self._parked(request)
        held = self._story.held.get((request.account, request.asset), ZERO)
        if request.amount > held:
            raise _refusal(f"cycle {self._cycle.cycle_id} holds {held:f} {request.asset} in {request.account}")

    @workflow.update
    async def abort(self, request: OperatorRequest) -> CycleStatus:
        """Stop earning and undo the cycle from the next safe point on; what travels arrives first."""
        self._hear("abort", request)
        self._control.stop(f"aborted by {request.by}: {request.note}")
        return self._story.status

    @abort.validator
    def _still_earning(self, request: OperatorRequest) -> None:
        del request
        if self._story.status is CycleStatus.DEAD_LETTER:
            raise _refusal(f"cycle {self._cycle.cycle_id} is parked; retry, compensate or write off")
        if self._control.undoing or self._story.status.terminal:
            raise _refusal(f"cycle {self._cycle.cycle_id} is {self._story.status} already")

    def _hear(self, what: str, request: OperatorRequest) -> None:
        self._story.tell(f"{request.by}: {what}; {request.note}")

    async def _decide(self, decision: Decision) -> CycleStatus:
        self._control.decide(decision)
        await workflow.wait_condition(lambda: self._story.status is not CycleStatus.DEAD_LETTER)
        return self._story.status


def _go_on() -> None:
    """A task that was cancelled may not wait for anything until it says that it goes on."""
    task = asyncio.current_task()
    if task is not None:
        task.uncancel()


def _refusal(text: str) -> ApplicationError:
    return ApplicationError(text, type="NotNow")
