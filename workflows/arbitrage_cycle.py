"""The cycle: take the profit with one coin, bring the cash home with another, book the result; or undo it all."""

from decimal import Decimal

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from kimp.contracts.cycle import ARBITRAGE_CYCLE, CycleInput, CycleResult
    from kimp.contracts.orders import Opening, OrderOutcome, OrderPair
    from kimp.contracts.status import CycleStatus
    from kimp.domain.ids import Leg, Step
    from kimp.domain.market import Side
    from kimp.domain.money import ZERO, Asset, Money
    from kimp.domain.opportunity import PairedSale
    from kimp.domain.reasons import Reason
    from kimp.domain.sizing import cash_of
    from kimp.domain.venues import Direction

from workflows.buying import RouteBuy
from workflows.execution import Execution, TradeStep, why_not_filled
from workflows.life import CycleLife
from workflows.pair import PairTrade
from workflows.rebalancing import await_route
from workflows.steps import StepFailed
from workflows.transfer import Transfer

CARRIES_PRICES = "told-to-the-guard"
"""Cycles that opened before there was such a thing ask for the same order when they are replayed."""


@workflow.defn(name=ARBITRAGE_CYCLE)
class ArbitrageCycle(CycleLife):
    """One arbitrage cycle, from the opportunity to the booked profit. Its workflow id is the coin's lock."""

    @workflow.init
    def __init__(self, cycle: CycleInput) -> None:
        super().__init__(cycle)
        self._cycle = cycle
        self._pair: PairTrade | None = None

    @workflow.run
    async def run(self, cycle: CycleInput) -> CycleResult:  # noqa: ARG002 - the SDK hands it to both
        return await self._run_to_end()

    async def _trade(self) -> CycleResult:
        cycle = self._cycle
        taken = await (self._move_first() if cycle.sale is None else self._at_once(cycle.sale))
        if isinstance(taken, Reason):
            return await self._tracker.end(CycleStatus.REJECTED, taken)
        self._tracker.advance(CycleStatus.INITIAL_TRADE_COMPLETED)

        coin, coins = await self._buy_for_home(taken)
        self._tracker.returned = await self._move_and_sell(Leg.HOME, coin, cycle.direction.opposite, coins)
        self._tracker.advance(CycleStatus.REBALANCE_TRADE_COMPLETED)
        if self._pair is not None:
            await self._move(Leg.ONE, cycle.coin, cycle.direction, self._pair.buy.coins)
        return await self._tracker.end(CycleStatus.COMPLETED)

    async def _move_first(self) -> Money | Reason:
        """Buy, move, sell on arrival. Cash abroad, or why nothing was bought."""
        cycle = self._cycle
        place = TradeStep(Leg.ONE, cycle.direction.source, cycle.coin, Side.BUY)
        opening = self._trading(Execution(self._tracker, place, cycle.expected.spent.amount))
        refusal = await self._step("leg one's buy", lambda: self._open(opening))
        if refusal is not None:
            return refusal
        self._tracker.spent = cash_of(cycle.direction.source, opening.cash)
        return await self._move_and_sell(Leg.ONE, cycle.coin, cycle.direction, opening.coins)

    async def _at_once(self, sold: PairedSale) -> Money | Reason:
        """Buy here and sell there, then close what one of the two traded more. What was bought travels later."""
        cycle, way = self._cycle, self._cycle.direction
        buy = self._trading(Execution(self._tracker, TradeStep(Leg.ONE, way.source, cycle.coin, Side.BUY), ZERO))
        sale = self._trading(Execution(self._tracker, TradeStep(Leg.ONE, way.destination, cycle.coin, Side.SELL), ZERO))
        self._compensation.travel = sold.travel
        lot = max(cycle.buy_instrument.lot, sold.instrument.lot)
        self._pair = pair = PairTrade(self._tracker, buy, sale, sold.travel, lot)
        if not pair.begun:
            refusal = await self._step("leg one, both sides at once", lambda: self._open_pair(pair, sold))
            if refusal is not None:
                return refusal
        if self._home_since is None and not await self._step("closing what one side traded more", pair.close):
            for venue in way.pair:
                self._compensation.leave(venue, cycle.coin)
            raise StepFailed("one side alone was traded, and reversed", pair.kind)
        self._tracker.spent = self._tracker.spent or pair.spent
        return pair.proceeds

    async def _open_pair(self, pair: PairTrade, sold: PairedSale) -> Reason | None:
        """Both orders as the initiator sized them: one try. Why it came to nothing, or None."""
        cycle = self._cycle
        if self._tracker.unanswered_pair is not None:
            return await pair.ask(self._tracker.unanswered_pair)
        self._tracker.control.check()
        buy = pair.buy.intent(
            cycle.buy_quantity,
            cycle.buy_limit_price,
            cycle.buy_instrument.taker_fee,
            cycle.expires_at_ms,
            self._terms_of_opening(reported=True),
        )
        sell = pair.sale.intent(sold.quantity, sold.limit_price, sold.instrument.taker_fee, cycle.expires_at_ms)
        return await pair.ask(OrderPair(buy=buy, sell=sell))

    async def _open(self, opening: Execution) -> Reason | None:
        """Leg one's buy as the initiator sized it: one order, no second try. Why it came to nothing, or None."""
        if opening.done:
            return None
        cycle = self._cycle
        terms = self._terms_of_opening(reported=workflow.patched(CARRIES_PRICES))
        if self._tracker.unanswered is not None:
            report = await opening.ask(self._tracker.unanswered)
        else:
            report = await opening.order(
                cycle.buy_quantity, cycle.buy_limit_price, cycle.buy_instrument.taker_fee, cycle.expires_at_ms, terms
            )
        if report.outcome is OrderOutcome.FILLED:
            opening.done = True
            return None
        return why_not_filled(report)

    def _terms_of_opening(self, *, reported: bool) -> Opening:
        """`told`: with what the price guard compares."""
        cycle = self._cycle
        return Opening(
            reserve=cycle.reserve,
            stake_krw=cycle.stake_krw,
            caps=cycle.policy.caps,
            krw_per_usdt=cycle.krw_per_usdt if reported else None,
            premium=cycle.premium if reported else None,
        )

    async def _buy_for_home(self, cash: Money) -> tuple[Asset, Decimal]:
        """Coins to send home: the cash itself where that is the way (USDT on Binance)."""
        if (sent := self._moving(Leg.HOME)) is not None:
            return sent.coin, sent.available
        self._home_since = since = self._home_since or workflow.now()
        pause = None
        coin = self._buying_for_home()
        while True:
            if coin is None:
                self._tracker.advance(CycleStatus.AWAITING_REBALANCE)
                route = await self._step("choosing the way home", lambda: await_route(self._tracker, cash, since))
                self._tracker.route = coin = route.coin
                self._tracker.advance(CycleStatus.REBALANCING_IN_PROGRESS)
            if coin == cash.asset:
                return coin, cash.amount
            place = TradeStep(Leg.HOME, self._cycle.direction.destination, coin, Side.BUY)
            buy = self._trading(RouteBuy(self._tracker, place, cash.amount, pause))
            await self._step(f"buying {coin} for the way home", buy.run)
            if not buy.given_up:
                return coin, buy.coins
            self._forget(buy)
            coin, pause = None, buy.pause

    def _buying_for_home(self) -> Asset | None:
        """What an earlier run of the workflow was buying when it stopped."""
        return self._tracker.route if f"{Leg.HOME}{Step.BUY}" in self._traded else None

    async def _move_and_sell(self, leg: Leg, coin: Asset, direction: Direction, coins: Decimal) -> Money:
        """Send the coins over and sell what arrives; cash at the destination."""
        arrived = await self._move(leg, coin, direction, coins)
        if coin == direction.destination.cash:
            return cash_of(direction.destination, arrived)
        sale = self._trading(Execution(self._tracker, TradeStep(leg, direction.destination, coin, Side.SELL), arrived))
        if not await self._step(f"selling {coin}", sale.run):
            raise StepFailed(f"{arrived:f} {coin} are too few to sell on {direction.destination}")
        return cash_of(direction.destination, sale.cash)

    async def _move(self, leg: Leg, coin: Asset, direction: Direction, coins: Decimal) -> Decimal:
        """Send the coins over; what arrived."""
        transfer = self._moving(leg)
        if transfer is None:
            transfer = Transfer(self._tracker, leg, coin, direction, coins)
            self._transfers.append(transfer)
        return await self._step(f"moving {coin}", transfer.run)
